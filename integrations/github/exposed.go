package github

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/tocsin-ir/tocsin/actions"
)

// Exposed is a secret that GitHub found in a repository. The secret itself is not in it and
// is never kept.
type Exposed struct {
	Repo   string // owner/name
	Number int
	Kind   string // as people say it: "Amazon AWS Access Key ID"
	URL    string // of the alert
	Found  time.Time
	// Bypassed says that somebody pushed it past GitHub's protection, knowingly.
	Bypassed bool
}

// ExposedSecrets lists the open secret-scanning alerts of an organisation ("acme") or of a
// repository ("acme/shop"), oldest first. It needs the right "Secret scanning alerts: read".
// Errors are those of an action's Plan.
func ExposedSecrets(ctx context.Context, c Containment, where string) ([]Exposed, error) {
	h, err := openHub(c)
	if err != nil {
		return nil, err
	}
	owner, name, repo := strings.Cut(where, "/")
	if !isName(owner) || repo && !isName(name) {
		return nil, &actions.NoTarget{Kind: actions.KindService, Name: cut(where, 100), Hint: "Write an organisation or owner/repository."}
	}
	all, err := pages(ctx, h, h.http, "list the exposed secrets", readAlerts, func(c *gh.Client, o gh.ListOptions) ([]*gh.SecretScanningAlert, *gh.Response, error) {
		opts := &gh.SecretScanningAlertListOptions{State: "open", ListOptions: o}
		if repo {
			return c.SecretScanning.ListAlertsForRepo(ctx, owner, name, opts)
		}
		return c.SecretScanning.ListAlertsForOrg(ctx, owner, opts)
	})
	if statusOf(err) == 404 {
		return nil, &actions.NoTarget{Kind: actions.KindService, Name: where, Hint: "It does not exist, secret scanning is off, or Tocsin's account may not see its alerts."}
	}
	out := make([]Exposed, 0, len(all))
	for _, a := range all {
		e := Exposed{Repo: where, Number: a.GetNumber(), Kind: cmp.Or(a.GetSecretTypeDisplayName(), a.GetSecretType()), URL: a.GetHTMLURL(), Found: a.GetCreatedAt().Time, Bypassed: a.GetPushProtectionBypassed()}
		if a.Repository != nil {
			e.Repo = a.Repository.GetFullName()
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b Exposed) int {
		return cmp.Or(a.Found.Compare(b.Found), cmp.Compare(a.Repo, b.Repo), cmp.Compare(a.Number, b.Number))
	})
	return out, err
}
