package sandbox

import (
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/aws"
	"github.com/tocsin-ir/tocsin/internal/sandbox/cloudflare"
	"github.com/tocsin-ir/tocsin/internal/sandbox/github"
)

// Of the AWS account.
const (
	AWSRegion = "eu-central-1"
	// LeakedKey is the access key of the IAM user ci-deploy.
	LeakedKey = "AKIACIDEPLOYCIDEPLOY" //nolint:gosec // an id of nobody
	awsKey    = "AKIATOCSINTOCSINTOCS"
)

// Of the GitHub organisation.
const (
	Org = "acme"
	// MallorysLogin is a member whom the plan knows nothing of.
	MallorysLogin = "mallory-moss"
	// containLogin is the owner whose token Tocsin contains with.
	containLogin = "tocsin-contain"
)

// awsAccount is a small account: a robot with a key, Tocsin, and a web ACL in front of a
// load balancer that blocks what is in the set tocsin-blocked.
func awsAccount(now time.Time) aws.World {
	user := func(team string, keys ...aws.Key) *aws.Identity {
		return &aws.Identity{Path: "/", Keys: keys, Policies: map[string]string{}, Tags: map[string]string{"team": team}}
	}
	used := func(ago time.Duration) string { return now.Add(-ago).UTC().Format(time.RFC3339) }
	tocsin := user("security", aws.Key{ID: awsKey, Status: aws.Active, LastUsed: used(time.Minute)})
	tocsin.Policies["tocsin"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	return aws.World{
		Caller: "arn:aws:iam::" + aws.Account + ":user/tocsin",
		IAM: aws.IAM{Users: map[string]*aws.Identity{
			"ci-deploy": user("website", aws.Key{ID: LeakedKey, Status: aws.Active, LastUsed: used(20 * time.Minute)}),
			"tocsin":    tocsin,
		}},
		WAF: map[string]*aws.WAF{AWSRegion: {
			Sets: []*aws.IPSet{
				{ID: "v4", Name: "tocsin-blocked", Scope: "REGIONAL", Version: "IPV4", Addresses: []string{"192.0.2.0/24"}},
				{ID: "v6", Name: "tocsin-blocked-v6", Scope: "REGIONAL", Version: "IPV6"},
			},
			ACLs: []*aws.WebACL{{ID: "edge", Name: "website", Scope: "REGIONAL", Rules: []any{aws.BlockBy("blocked", 1, "v4", "v6")},
				On: []string{"arn:aws:elasticloadbalancing:" + AWSRegion + ":" + aws.Account + ":loadbalancer/app/website/1"}}},
		}},
	}
}

// Zone is the website's, at Cloudflare.
const (
	Zone   = "website.example"
	zoneID = "57ab57ab57ab57ab57ab57ab57ab57ab"
)

// cloudflareAccount has one zone, where a rule lets known robots skip the others.
func cloudflareAccount() cloudflare.World {
	return cloudflare.World{
		Zones: []cloudflare.Zone{{ID: zoneID, Name: Zone, Status: "active"}},
		Rulesets: map[string]*cloudflare.Ruleset{zoneID: {ID: "website", Rules: []cloudflare.Rule{
			{ID: "robots", Ref: "robots", Expression: "cf.client.bot", Action: "skip", Enabled: true, Description: "Known robots"}}}},
		Levels: map[string]string{zoneID: "medium"},
	}
}

// fillOrg gives the organisation its owners and members, and the website a key that deploys it.
func (w *World) fillOrg() error {
	seat := func(login, role string) {
		w.GitHub.Seat(Org, github.Membership{Login: login, Role: role, State: github.StateActive})
	}
	seat(containLogin, github.RoleOwner)
	for _, p := range w.People {
		if p.GitHub != "" {
			role := github.RoleMember
			if p.Admin {
				role = github.RoleOwner
			}
			seat(p.GitHub, role)
		}
	}
	seat(botLogin, github.RoleMember)
	seat(MallorysLogin, github.RoleMember)
	return w.GitHub.AddDeployKey(RepoPublic, github.DeployKey{Title: "ci-deploy", AddedBy: MallorysLogin,
		Key: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEZha2VLZXlPZkFEZW1vVGhhdE9wZW5zTm90aGluZ0hl ci-deploy"})
}
