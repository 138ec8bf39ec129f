package github

import (
	"context"
	"fmt"
	"slices"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
)

func init() {
	contained = append(contained, func(h *hub) actions.Action { return disableActions{h} })
}

// disableActions switches GitHub Actions off in a repository
// (https://docs.github.com/en/rest/actions/permissions).
type disableActions struct{ *hub }

// policy is what a repository allows of Actions; GitHub forgets Allowed when it is off.
type policy struct {
	Enabled  bool     `json:"enabled"`
	Allowed  string   `json:"allowed,omitempty"` // all, local_only, selected
	Owned    bool     `json:"owned,omitempty"`   // of selected: GitHub's own
	Verified bool     `json:"verified,omitempty"`
	Patterns []string `json:"patterns,omitempty"`
}

func (disableActions) Spec() actions.Spec {
	return actions.Spec{
		Name: "github.disable-actions", Title: "Switch GitHub Actions off in a repository",
		Does: "No workflow of the repository starts any more; runs that are under way go on.",
		Kind: actions.KindService, Reversible: true, Blast: actions.BlastTeam,
		Rights: []string{readMeta, readRuns, writeAdmin}, TTL: 24 * time.Hour,
		Proof:   "The repository's Actions policy is read again: off.",
		Example: "github.disable-actions acme/shop",
	}
}

func (a disableActions) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	r, err := a.repository(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	p := planned(a.Spec(), in, full(r), full(r))
	p.Want = actions.StateOf(policy{})
	if p.Found, err = a.state(full(r))(ctx); err != nil {
		return actions.Plan{}, err
	}
	if p.Already = deed.Same(p.Found, p.Want); p.Already {
		p.Steps = []string{"GitHub Actions are off in " + full(r) + " already; nothing will change."}
		return p, nil
	}
	p.Steps = []string{"Switch GitHub Actions off in " + full(r) + "."}
	p.Dependants = []string{"No build, test, deployment or scheduled workflow of " + full(r) + " starts."}
	running := 0
	err = a.read(ctx, "list the runs under way", readRuns, func(c *gh.Client) (*gh.Response, error) {
		got, resp, err := c.Actions.ListRepositoryWorkflowRuns(ctx, r.GetOwner().GetLogin(), r.GetName(),
			&gh.ListWorkflowRunsOptions{Status: "in_progress", ListOptions: gh.ListOptions{PerPage: 1}})
		running = got.GetTotalCount()
		return resp, err
	})
	if err != nil {
		return actions.Plan{}, err
	}
	if running > 0 {
		p.Warnings = []string{fmt.Sprintf("%d runs are under way and go on; cancel them in GitHub where that matters.", running)}
	}
	return p, nil
}

func (a disableActions) state(id string) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		owner, name := halves(id)
		var now policy
		err := a.read(ctx, "read the Actions policy", writeAdmin, func(c *gh.Client) (*gh.Response, error) {
			got, resp, err := c.Repositories.GetActionsPermissions(ctx, owner, name)
			now.Enabled = got.GetEnabled()
			if now.Enabled {
				now.Allowed = got.GetAllowedActions()
			}
			return resp, err
		})
		if err != nil || now.Allowed != "selected" {
			return actions.StateOf(now), err
		}
		err = a.read(ctx, "read which actions are selected", writeAdmin, func(c *gh.Client) (*gh.Response, error) {
			got, resp, err := c.Repositories.GetActionsAllowed(ctx, owner, name)
			if got != nil {
				now.Owned, now.Verified, now.Patterns = got.GetGithubOwnedAllowed(), got.GetVerifiedAllowed(), slices.Sorted(slices.Values(got.PatternsAllowed))
			}
			return resp, err
		})
		return actions.StateOf(now), err
	}
}

func (a disableActions) set(id, step string, want policy) deed.Write {
	return func(ctx context.Context) error {
		owner, name := halves(id)
		to := gh.ActionsPermissionsRepository{Enabled: gh.Bool(want.Enabled)}
		if want.Enabled && want.Allowed != "" {
			to.AllowedActions = gh.String(want.Allowed)
		}
		err := a.write(ctx, step, writeAdmin, func(c *gh.Client) (*gh.Response, error) {
			_, resp, err := c.Repositories.EditActionsPermissions(ctx, owner, name, to)
			return resp, err
		})
		if err != nil || want.Allowed != "selected" {
			return err
		}
		return a.write(ctx, step, writeAdmin, func(c *gh.Client) (*gh.Response, error) {
			_, resp, err := c.Repositories.EditActionsAllowed(ctx, owner, name,
				gh.ActionsAllowed{GithubOwnedAllowed: gh.Bool(want.Owned), VerifiedAllowed: gh.Bool(want.Verified), PatternsAllowed: want.Patterns})
			return resp, err
		})
	}
}

func (a disableActions) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	return deed.Do(ctx, p, []string{"GitHub Actions are off in " + p.Target.Name + "."}, a.state(p.Target.ID), a.set(p.Target.ID, "switch Actions off", policy{}))
}

// Undo restores the policy that was found, the list of selected actions included.
func (a disableActions) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	found, err := recall[policy](r.Found)
	if err != nil {
		return actions.Receipt{}, err
	}
	return deed.Undo(ctx, r, []string{"GitHub Actions are as before in " + r.Target.Name + "."}, "Somebody changed the Actions policy of "+r.Target.Name+" since.",
		a.state(r.Target.ID), a.set(r.Target.ID, "restore the Actions policy", found))
}

func (a disableActions) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	return deed.Verify(ctx, r, a.state(r.Target.ID), func(now actions.State) string {
		s, _ := recall[policy](now)
		if !s.Enabled {
			return "GitHub Actions are off in " + r.Target.Name + "."
		}
		return fmt.Sprintf("GitHub Actions are on in %s, allowed: %s.", r.Target.Name, s.Allowed)
	})
}
