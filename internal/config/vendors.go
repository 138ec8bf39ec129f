package config

// Vendors are where containment is done. Each is off until it is given what it needs;
// docs/adapters says which rights to install.
type Vendors struct {
	Okta         Okta         `embed:"" prefix:"okta-"`
	Entra        Entra        `embed:"" prefix:"entra-"`
	Google       Google       `embed:"" prefix:"google-"`
	AWS          AWS          `embed:"" prefix:"aws-"`
	Kubernetes   Kubernetes   `embed:"" prefix:"kubernetes-"`
	Cloudflare   Cloudflare   `embed:"" prefix:"cloudflare-"`
	Vault        Vault        `embed:"" prefix:"vault-"`
	NFTables     NFTables     `embed:"" prefix:"nftables-"`
	Own          Own          `embed:"" prefix:"own-"`
	GitHubOrg    GitHubOrg    `embed:"" prefix:"github-contain-"`
	SlackContain SlackContain `embed:"" prefix:"slack-contain-"`
}

// Okta is an organisation whose identities are contained.
type Okta struct {
	URL        string   `help:"Address of the organisation: https://acme.okta.com. With it, identities can be contained." env:"TOCSIN_OKTA_URL"`
	Token      Secret   `help:"API token." env:"TOCSIN_OKTA_TOKEN"`
	BreakGlass []string `help:"Logins that are never touched." env:"TOCSIN_OKTA_BREAK_GLASS"`
	Watch      []string `help:"Groups whose last member or owner is worth a warning." env:"TOCSIN_OKTA_WATCH"`
}

// Entra is a Microsoft Entra tenant.
type Entra struct {
	Tenant     string   `help:"Id or domain of the tenant. With it, accounts can be contained." env:"TOCSIN_ENTRA_TENANT"`
	Client     string   `help:"Application (client) id." env:"TOCSIN_ENTRA_CLIENT"`
	Secret     Secret   `help:"Client secret." env:"TOCSIN_ENTRA_SECRET"`
	URL        string   `help:"Base URL of Microsoft Graph." default:"https://graph.microsoft.com" env:"TOCSIN_ENTRA_URL"`
	Login      string   `help:"Base URL of the login service." default:"https://login.microsoftonline.com" env:"TOCSIN_ENTRA_LOGIN"`
	BreakGlass []string `help:"Accounts that are never touched." env:"TOCSIN_ENTRA_BREAK_GLASS"`
}

// Google is a Google Workspace and its cloud's service accounts.
type Google struct {
	Key        Secret   `help:"Key of the service account (JSON), or @file. With it, accounts can be contained." env:"TOCSIN_GOOGLE_KEY"`
	Subject    string   `help:"E-mail of the administrator it acts for." env:"TOCSIN_GOOGLE_SUBJECT"`
	URL        string   `help:"Base URL of the Directory API; Google's own when empty." env:"TOCSIN_GOOGLE_URL"`
	IAM        string   `help:"Base URL of the IAM API; Google's own when empty." env:"TOCSIN_GOOGLE_IAM"`
	TokenURL   string   `help:"Address of the token endpoint; Google's own when empty." env:"TOCSIN_GOOGLE_TOKEN_URL"`
	BreakGlass []string `help:"Accounts that are never touched." env:"TOCSIN_GOOGLE_BREAK_GLASS"`
}

// AWS is an account. Without a key the machine's own credentials are used.
type AWS struct {
	Region     string            `help:"Region of what is contained. With it, keys, roles and instances can be contained." env:"TOCSIN_AWS_REGION"`
	Regions    []string          `help:"Other regions in which instances are looked for." env:"TOCSIN_AWS_REGIONS"`
	KeyID      string            `help:"Access key id; without it, the machine's own credentials." env:"TOCSIN_AWS_KEY_ID"`
	SecretKey  Secret            `help:"Secret access key." env:"TOCSIN_AWS_SECRET_KEY"`
	Role       string            `help:"ARN of a role to assume." env:"TOCSIN_AWS_ROLE"`
	ExternalID Secret            `help:"External id of that role's trust." env:"TOCSIN_AWS_EXTERNAL_ID"`
	Endpoints  map[string]string `help:"Addresses in place of AWS's own, by service: iam=https://…" env:"TOCSIN_AWS_ENDPOINTS"`
	BreakGlass []string          `help:"Users and roles that are never touched." env:"TOCSIN_AWS_BREAK_GLASS"`
	Quarantine string            `help:"Name of the quarantine security group." default:"tocsin-quarantine" env:"TOCSIN_AWS_QUARANTINE"`
	IPSet      string            `help:"Name of the WAF IP set where addresses are blocked." default:"tocsin-blocked" env:"TOCSIN_AWS_IP_SET"`
}

// Kubernetes is one cluster.
type Kubernetes struct {
	On        bool     `help:"Offer pods, nodes and accounts of the cluster this runs in." env:"TOCSIN_KUBERNETES_HERE"`
	Server    string   `help:"Address of another cluster's API server. With it, pods, nodes and accounts can be contained." env:"TOCSIN_KUBERNETES_SERVER"`
	Token     Secret   `help:"Token of Tocsin's service account; a file that is renewed is better." env:"TOCSIN_KUBERNETES_TOKEN"`
	TokenFile string   `help:"File with a token of Tocsin's service account, read again as it is renewed." env:"TOCSIN_KUBERNETES_TOKEN_FILE"`
	CAFile    string   `help:"File with the certificate of the cluster's authority (PEM)." env:"TOCSIN_KUBERNETES_CA_FILE"`
	Cluster   string   `help:"What people call the cluster." env:"TOCSIN_KUBERNETES_CLUSTER"`
	Protected []string `help:"Namespaces, namespace/name, or nodes that are never touched." env:"TOCSIN_KUBERNETES_PROTECTED"`
}

// Cloudflare is an account whose zones and tokens are contained.
type Cloudflare struct {
	Token      Secret   `help:"API token. With it, addresses, domains and zones can be contained." env:"TOCSIN_CLOUDFLARE_TOKEN"`
	Account    string   `help:"Id of the account." env:"TOCSIN_CLOUDFLARE_ACCOUNT"`
	Zones      []string `help:"Zones where addresses are blocked when nobody names one." env:"TOCSIN_CLOUDFLARE_ZONES"`
	Never      []string `help:"Ranges that are never blocked." env:"TOCSIN_CLOUDFLARE_NEVER"`
	URL        string   `help:"Base URL of the API; Cloudflare's own when empty." env:"TOCSIN_CLOUDFLARE_URL"`
	BreakGlass []string `help:"Tokens, zones and domains that are never touched." env:"TOCSIN_CLOUDFLARE_BREAK_GLASS"`
}

// Vault is a HashiCorp Vault.
type Vault struct {
	URL        string   `help:"Address: https://vault.example.com:8200. With it, leases, tokens and roles can be contained." env:"TOCSIN_VAULT_URL"`
	Token      Secret   `help:"Token with the policy of docs/adapters/vault.md." env:"TOCSIN_VAULT_TOKEN"`
	Namespace  string   `help:"Namespace of Vault Enterprise." env:"TOCSIN_VAULT_NAMESPACE"`
	BreakGlass []string `help:"Accessors, roles and prefixes that are never touched." env:"TOCSIN_VAULT_BREAK_GLASS"`
}

// NFTables is the packet filter of the gateway that this runs on.
type NFTables struct {
	On    bool     `help:"Offer to block addresses at this gateway; wants CAP_NET_ADMIN." env:"TOCSIN_NFTABLES"`
	Never []string `help:"Ranges that are never blocked: the administrators' way in." env:"TOCSIN_NFTABLES_NEVER"`
}

// Own are actions of one's own, in YAML. Who may write these files may call what they name.
type Own struct {
	Webhooks string `help:"File with actions that are HTTP calls." type:"existingfile" env:"TOCSIN_OWN_WEBHOOKS"`
	Commands string `help:"File with actions that are commands of this machine." type:"existingfile" env:"TOCSIN_OWN_COMMANDS"`
}

// GitHubOrg is the organisation whose members, keys and repositories are contained, with a
// token of its own: the one for post-mortems should not be able to do this.
type GitHubOrg struct {
	Org        string   `help:"Organisation. With it, members, keys and repositories can be contained." env:"TOCSIN_GITHUB_CONTAIN_ORG"`
	Token      Secret   `help:"Token with the rights of docs/adapters/github.md." env:"TOCSIN_GITHUB_CONTAIN_TOKEN"`
	BreakGlass []string `help:"Accounts and repositories that are never touched." env:"TOCSIN_GITHUB_CONTAIN_BREAK_GLASS"`
}

// SlackContain is the workspace whose accounts are contained.
type SlackContain struct {
	On         bool     `help:"Offer the removal of accounts from channels." env:"TOCSIN_SLACK_CONTAIN"`
	Admin      Secret   `help:"Token of an organisation's owner, to end sessions; Slack Enterprise only." env:"TOCSIN_SLACK_ADMIN_TOKEN"`
	BreakGlass []string `help:"Accounts that are never touched." env:"TOCSIN_SLACK_CONTAIN_BREAK_GLASS"`
}
