package app

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/integrations/cloudflare"
	"github.com/tocsin-ir/tocsin/integrations/entra"
	"github.com/tocsin-ir/tocsin/integrations/exec"
	"github.com/tocsin-ir/tocsin/integrations/github"
	"github.com/tocsin-ir/tocsin/integrations/google"
	"github.com/tocsin-ir/tocsin/integrations/okta"
	"github.com/tocsin-ir/tocsin/integrations/slack"
	"github.com/tocsin-ir/tocsin/integrations/vault"
	"github.com/tocsin-ir/tocsin/integrations/webhook"
	"github.com/tocsin-ir/tocsin/internal/config"
)

// vendorPatience is how long an adapter waits for one answer.
const vendorPatience = 20 * time.Second

// vendor is one place where containment is done.
type vendor struct {
	name string
	set  func(config.Config) bool
	open func(a *App, c config.Config) ([]actions.Action, error)
}

// vendors names every vendor once. Those with a large SDK are left out of the small build.
func vendors() []vendor {
	return append([]vendor{
		{"okta", func(c config.Config) bool { return c.Okta.URL != "" }, openOkta},
		{"entra", func(c config.Config) bool { return c.Entra.Tenant != "" }, openEntra},
		{"google", func(c config.Config) bool { return c.Google.Key.IsSet() }, openGoogle},
		{"github", func(c config.Config) bool { return c.GitHubOrg.Org != "" }, openGitHubOrg},
		{"slack", func(c config.Config) bool { return c.SlackContain.On }, openSlackContain},
		{"cloudflare", func(c config.Config) bool { return c.Cloudflare.Token.IsSet() }, openCloudflare},
		{"vault", func(c config.Config) bool { return c.Vault.URL != "" }, openVault},
		{"webhook", func(c config.Config) bool { return c.Own.Webhooks != "" }, openWebhooks},
		{"exec", func(c config.Config) bool { return c.Own.Commands != "" }, openCommands},
	}, bigVendors()...)
}

// lists are the actions of every vendor that is configured.
func (a *App) lists() ([][]actions.Action, error) {
	var lists [][]actions.Action
	for _, v := range vendors() {
		if !v.set(a.config) {
			continue
		}
		list, err := v.open(a, a.config)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.name, err)
		}
		lists = append(lists, list)
	}
	return lists, nil
}

// Specs are all actions there are, of every vendor, configured or not.
func Specs() ([]actions.Spec, error) {
	a := &App{}
	nobody, err := nowhere()
	if err != nil {
		return nil, err
	}
	var lists [][]actions.Action
	for _, v := range vendors() {
		if v.name == "webhook" || v.name == "exec" {
			continue // what a team writes itself
		}
		list, err := v.open(a, nobody)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", v.name, err)
		}
		lists = append(lists, list)
	}
	all, err := actions.NewCatalogue(lists...)
	if err != nil {
		return nil, err
	}
	return all.Specs(), nil
}

// nowhere is a configuration that is complete and leads to nobody.
func nowhere() (config.Config, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return config.Config{}, fmt.Errorf("make a key that opens nothing: %w", err)
	}
	file, err := json.Marshal(map[string]string{"type": "service_account", "client_email": "none@example.com",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))})
	return config.Config{
		Slack:  config.Slack{BotToken: config.NewSecret("none")},
		GitHub: config.GitHub{URL: "https://github.invalid/"},
		Vendors: config.Vendors{
			Okta:       config.Okta{URL: "https://okta.invalid", Token: config.NewSecret("none")},
			Entra:      config.Entra{Tenant: "none", Client: "none", Secret: config.NewSecret("none")},
			Google:     config.Google{Key: config.NewSecret(string(file)), Subject: "nobody@example.com"},
			AWS:        config.AWS{Region: "eu-central-1", KeyID: "AKIAEXAMPLE", SecretKey: config.NewSecret("none")},
			Kubernetes: config.Kubernetes{Server: "https://kubernetes.invalid", Token: config.NewSecret("none")},
			Cloudflare: config.Cloudflare{Token: config.NewSecret("none"), Account: "0123456789abcdef0123456789abcdef"},
			Vault:      config.Vault{URL: "https://vault.invalid", Token: config.NewSecret("none")},
			GitHubOrg:  config.GitHubOrg{Org: "none", Token: config.NewSecret("none")},
		}}, err
}

func openOkta(a *App, c config.Config) ([]actions.Action, error) {
	return okta.Actions(okta.Config{Base: c.Okta.URL, Token: actions.Secret(c.Okta.Token.Reveal()), BreakGlass: c.Okta.BreakGlass, Watch: c.Okta.Watch,
		Pace: a.pace("okta"), HTTP: a.metrics.client("okta", vendorPatience)})
}

func openEntra(a *App, c config.Config) ([]actions.Action, error) {
	return entra.Actions(entra.Config{Tenant: c.Entra.Tenant, Client: c.Entra.Client, Secret: actions.Secret(c.Entra.Secret.Reveal()), Base: c.Entra.URL, Login: c.Entra.Login,
		BreakGlass: c.Entra.BreakGlass, Pace: a.pace("entra"), HTTP: a.metrics.client("entra", vendorPatience)})
}

func openGoogle(a *App, c config.Config) ([]actions.Action, error) {
	return google.Actions(google.Config{Key: actions.Secret(c.Google.Key.Reveal()), Subject: c.Google.Subject, Directory: c.Google.URL, IAM: c.Google.IAM, Token: c.Google.TokenURL,
		BreakGlass: c.Google.BreakGlass, Pace: a.pace("google"), HTTP: a.metrics.client("google", vendorPatience)})
}

func openGitHubOrg(a *App, c config.Config) ([]actions.Action, error) {
	return github.Actions(github.Containment{Token: actions.Secret(c.GitHubOrg.Token.Reveal()), BaseURL: c.GitHub.URL, Org: c.GitHubOrg.Org, BreakGlass: c.GitHubOrg.BreakGlass,
		Pace: a.pace("github"), HTTP: a.metrics.client("github", vendorPatience)})
}

func openSlackContain(a *App, c config.Config) ([]actions.Action, error) {
	return slack.Actions(slack.Config{Base: strings.TrimSuffix(c.Slack.URL, "/"), Bot: actions.Secret(c.Slack.BotToken.Reveal()), Admin: actions.Secret(c.SlackContain.Admin.Reveal()),
		BreakGlass: c.SlackContain.BreakGlass, Pace: a.pace("slack"), HTTP: a.metrics.client("slack", vendorPatience)})
}

func openCloudflare(a *App, c config.Config) ([]actions.Action, error) {
	never, err := ranges(c.Cloudflare.Never)
	if err != nil {
		return nil, err
	}
	return cloudflare.Actions(cloudflare.Config{Base: c.Cloudflare.URL, Token: actions.Secret(c.Cloudflare.Token.Reveal()), Account: c.Cloudflare.Account, Zones: c.Cloudflare.Zones,
		Never: never, BreakGlass: c.Cloudflare.BreakGlass, Pace: a.pace("cloudflare"), HTTP: a.metrics.client("cloudflare", vendorPatience)})
}

func openVault(a *App, c config.Config) ([]actions.Action, error) {
	return vault.Actions(vault.Config{Base: c.Vault.URL, Token: actions.Secret(c.Vault.Token.Reveal()), Namespace: c.Vault.Namespace, BreakGlass: c.Vault.BreakGlass,
		Pace: a.pace("vault"), HTTP: a.metrics.client("vault", vendorPatience)})
}

func openWebhooks(a *App, c config.Config) ([]actions.Action, error) {
	text, err := os.ReadFile(c.Own.Webhooks)
	if err != nil {
		return nil, fmt.Errorf("read the actions: %w", err)
	}
	return webhook.Actions(webhook.Config{File: c.Own.Webhooks, Text: text, Pace: a.pace("webhook")})
}

func openCommands(a *App, c config.Config) ([]actions.Action, error) {
	text, err := os.ReadFile(c.Own.Commands)
	if err != nil {
		return nil, fmt.Errorf("read the actions: %w", err)
	}
	return exec.Actions(exec.Config{File: c.Own.Commands, Text: text, Pace: a.pace("exec")})
}

func ranges(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range list {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is no range such as 192.0.2.0/24", text)
		}
		out = append(out, p)
	}
	return out, nil
}
