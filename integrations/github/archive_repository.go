package github

import (
	"context"
	"fmt"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
)

func init() {
	contained = append(contained, func(h *hub) actions.Action { return archiveRepository{h} })
}

// archiveRepository makes a repository read-only
// (https://docs.github.com/en/rest/repos/repos#update-a-repository, "archived").
type archiveRepository struct{ *hub }

// shelf is the state of a repository. Visibility is in it because whoever made a repository
// public meanwhile changed what archiving means.
type shelf struct {
	Archived   bool   `json:"archived"`
	Visibility string `json:"visibility"`
}

func (archiveRepository) Spec() actions.Spec {
	return actions.Spec{
		Name: "github.archive-repository", Title: "Archive a GitHub repository",
		Does: "Makes the repository read-only for everybody: no push, no issue, no release, no change of settings; it stays readable, and its deploy keys and workflows can no longer write.",
		Kind: actions.KindService, Reversible: true, Blast: actions.BlastTeam,
		Rights: []string{readMeta, writeAdmin}, TTL: 24 * time.Hour,
		Proof:   "The repository is read again: it is archived.",
		Example: "github.archive-repository acme/shop",
	}
}

func (a archiveRepository) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	r, err := a.repository(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	p := planned(a.Spec(), in, full(r), full(r))
	now := shelf{r.GetArchived(), visibility(r)}
	p.Found, p.Want, p.Already = actions.StateOf(now), actions.StateOf(shelf{true, now.Visibility}), now.Archived
	p.Steps = []string{"Make " + full(r) + " read-only."}
	if now.Archived {
		p.Steps = []string{full(r) + " is archived already; nothing will change."}
	}
	p.Dependants = []string{fmt.Sprintf("%d open issues and pull requests of %s cannot be changed while it is archived.", r.GetOpenIssuesCount(), full(r))}
	p.Warnings = []string{"What is in the repository stays readable to whoever could read it."}
	return p, nil
}

func (a archiveRepository) state(id string) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		r, err := a.repository(ctx, id)
		if err != nil {
			return nil, err
		}
		return actions.StateOf(shelf{r.GetArchived(), visibility(r)}), nil
	}
}

func (a archiveRepository) set(id, step string, archived bool) deed.Write {
	return func(ctx context.Context) error {
		owner, name := halves(id)
		return a.write(ctx, step, writeAdmin, func(c *gh.Client) (*gh.Response, error) {
			_, resp, err := c.Repositories.Edit(ctx, owner, name, &gh.Repository{Archived: gh.Bool(archived)})
			return resp, err
		})
	}
}

func (a archiveRepository) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	return deed.Do(ctx, p, []string{p.Target.Name + " is archived."}, a.state(p.Target.ID), a.set(p.Target.ID, "archive the repository", true))
}

func (a archiveRepository) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	return deed.Undo(ctx, r, []string{r.Target.Name + " can be written to again."}, r.Target.Name+" was changed since: its visibility or its archiving is not as it was left.",
		a.state(r.Target.ID), a.set(r.Target.ID, "unarchive the repository", false))
}

func (a archiveRepository) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	return deed.Verify(ctx, r, a.state(r.Target.ID), func(now actions.State) string {
		s, _ := recall[shelf](now)
		return fmt.Sprintf("%s is %s, archived: %v.", r.Target.Name, s.Visibility, s.Archived)
	})
}
