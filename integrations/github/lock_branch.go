package github

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
)

func init() { contained = append(contained, func(h *hub) actions.Action { return lockBranch{h} }) }

// lockBranch freezes a branch with a ruleset of its own that nobody may bypass
// (https://docs.github.com/en/rest/repos/rules).
type lockBranch struct{ *hub }

// lock is the state of that ruleset: "none", "active", "evaluate" or "disabled".
type lock struct {
	Ruleset string `json:"ruleset"`
}

// ruleset is what is read and written of one. The SDK's own type refuses an answer with a
// kind of rule that is newer than the SDK.
type ruleset struct {
	ID          int64        `json:"id,omitempty"`
	Name        string       `json:"name"`
	Target      string       `json:"target"`
	Enforcement string       `json:"enforcement"`
	Bypass      []any        `json:"bypass_actors"`
	Conditions  *conditions  `json:"conditions,omitempty"`
	Rules       []branchRule `json:"rules,omitempty"`
}

type conditions struct {
	Ref struct {
		Include []string `json:"include"`
		Exclude []string `json:"exclude"`
	} `json:"ref_name"`
}

type branchRule struct {
	Type string `json:"type"`
}

// frozen are the rules of a locked branch: nothing is pushed, created or deleted.
var frozen = []branchRule{{"creation"}, {"update"}, {"deletion"}, {"non_fast_forward"}}

// branchShape is what is taken as the name of a branch: no pattern, no way out of the path.
var branchShape = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}$`)

func (lockBranch) Spec() actions.Spec {
	return actions.Spec{
		Name: "github.lock-branch", Title: "Lock a branch in GitHub",
		Does: "Nobody, owners included, can push to the branch, merge into it, delete it or rewrite it, until the ruleset that Tocsin adds is taken away.",
		Kind: actions.KindService, Reversible: true, Blast: actions.BlastTeam,
		Params: []actions.Param{{Name: "branch", Help: "its name; the default branch when left out", Pattern: branchShape}},
		Rights: []string{readMeta, writeAdmin}, TTL: 24 * time.Hour,
		Proof:   "The rules that apply to the branch are read from the branch's side, and the ruleset's list of bypasses is read: empty.",
		Example: "github.lock-branch acme/shop branch=main",
	}
}

func (a lockBranch) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	r, err := a.repository(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	branch := in.Params["branch"]
	if branch == "" {
		branch = r.GetDefaultBranch()
	}
	if !branchShape.MatchString(branch) || strings.Contains(branch, "..") {
		return actions.Plan{}, &actions.BadParam{Name: "branch", Why: "is no name of a branch that can be locked"}
	}
	err = a.read(ctx, "read the branch", readMeta, func(c *gh.Client) (*gh.Response, error) {
		_, resp, err := c.Repositories.GetBranch(ctx, r.GetOwner().GetLogin(), r.GetName(), branch, 0)
		return resp, err
	})
	if statusOf(err) == http.StatusNotFound {
		return actions.Plan{}, &actions.NoTarget{Kind: actions.KindService, Name: full(r) + " " + branch, Hint: "The branch does not exist."}
	}
	if err != nil {
		return actions.Plan{}, err
	}
	p := planned(a.Spec(), in, full(r)+"/"+branch, full(r)+" "+branch)
	p.Want = actions.StateOf(lock{"active"})
	if p.Found, err = a.state(p.Target.ID)(ctx); err != nil {
		return actions.Plan{}, err
	}
	p.Already = deed.Same(p.Found, p.Want)
	p.Steps = []string{"Add the ruleset " + rulesetName(branch) + " to " + full(r) + ": no push, no merge, no deletion, for everybody."}
	if p.Already {
		p.Steps = []string{p.Target.Name + " is locked by Tocsin already; nothing will change."}
	}
	p.Dependants = []string{"Merges and deployments that push to " + branch + " of " + full(r) + " fail."}
	p.Warnings = []string{"Whoever administers the repository can take the ruleset away again."}
	return p, nil
}

func rulesetName(branch string) string { return "tocsin: " + branch + " is locked" }

// place is owner, repository and branch of a target.
func (lockBranch) place(id string) (owner, name, branch string) {
	owner, rest := halves(id)
	name, branch = halves(rest)
	return owner, name, branch
}

// own finds Tocsin's ruleset for the branch; nil when there is none.
func (a lockBranch) own(ctx context.Context, id string) (*ruleset, error) {
	owner, name, branch := a.place(id)
	var found *ruleset
	_, err := pages(ctx, a.hub, a.http, "list the rulesets", readMeta, func(c *gh.Client, o gh.ListOptions) ([]ruleset, *gh.Response, error) {
		var page []ruleset
		resp, err := a.raw(ctx, c, http.MethodGet, fmt.Sprintf("repos/%s/%s/rulesets?includes_parents=false&per_page=%d&page=%d", owner, name, o.PerPage, o.Page), nil, &page)
		if at := slices.IndexFunc(page, func(r ruleset) bool { return r.Name == rulesetName(branch) && r.Target == "branch" }); at >= 0 {
			found = &page[at]
		}
		return page, resp, err
	})
	return found, err
}

func (lockBranch) raw(ctx context.Context, c *gh.Client, method, path string, in, out any) (*gh.Response, error) {
	req, err := c.NewRequest(method, path, in)
	if err != nil {
		return nil, err
	}
	return c.Do(ctx, req, out)
}

func (a lockBranch) state(id string) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		r, err := a.own(ctx, id)
		if err != nil {
			return nil, err
		}
		if r == nil {
			return actions.StateOf(lock{"none"}), nil
		}
		return actions.StateOf(lock{r.Enforcement}), nil
	}
}

// set makes Tocsin's ruleset as wanted: made, changed or deleted.
func (a lockBranch) set(id, step, enforcement string) deed.Write {
	return func(ctx context.Context) error {
		owner, name, branch := a.place(id)
		have, err := a.own(ctx, id)
		if err != nil {
			return err
		}
		want := &ruleset{Name: rulesetName(branch), Target: "branch", Enforcement: enforcement, Bypass: []any{}, Rules: frozen, Conditions: &conditions{}}
		want.Conditions.Ref.Include, want.Conditions.Ref.Exclude = []string{"refs/heads/" + branch}, []string{}
		method, path := http.MethodPost, fmt.Sprintf("repos/%s/%s/rulesets", owner, name)
		if have != nil {
			method, path = http.MethodPut, fmt.Sprintf("%s/%d", path, have.ID)
		}
		if enforcement == "none" {
			if have == nil {
				return nil
			}
			method, want = http.MethodDelete, nil
		}
		return a.write(ctx, step, writeAdmin, func(c *gh.Client) (*gh.Response, error) {
			if want == nil {
				return a.raw(ctx, c, method, path, nil, nil)
			}
			return a.raw(ctx, c, method, path, want, nil)
		})
	}
}

func (a lockBranch) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	return deed.Do(ctx, p, []string{p.Target.Name + " is locked."}, a.state(p.Target.ID), a.set(p.Target.ID, "lock the branch", "active"))
}

func (a lockBranch) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	found, err := recall[lock](r.Found)
	if err != nil {
		return actions.Receipt{}, err
	}
	return deed.Undo(ctx, r, []string{r.Target.Name + " is no longer locked by Tocsin."}, "Somebody changed the ruleset that locks "+r.Target.Name+" since.",
		a.state(r.Target.ID), a.set(r.Target.ID, "unlock the branch", found.Ruleset))
}

// Verify asks the branch, not the ruleset, which rules apply, and then whether somebody is
// let past them.
func (a lockBranch) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	owner, name, branch := a.place(r.Target.ID)
	have, err := a.own(ctx, r.Target.ID)
	if err != nil {
		return actions.Proof{}, err
	}
	want, err := recall[lock](deed.Wanted(r))
	if err != nil {
		return actions.Proof{}, err
	}
	is := "none"
	if have != nil {
		is = have.Enforcement
	}
	seen := fmt.Sprintf("The ruleset that locks %s is: %s.", r.Target.Name, is)
	if is != want.Ruleset {
		return actions.Refuted(seen), nil
	}
	if is != "active" {
		return actions.Proven(seen), nil
	}
	var apply []branchRule
	var whole ruleset
	err = a.read(ctx, "read the rules of the branch", readMeta, func(c *gh.Client) (*gh.Response, error) {
		return a.raw(ctx, c, http.MethodGet, fmt.Sprintf("repos/%s/%s/rules/branches/%s?per_page=100", owner, name, url.PathEscape(branch)), nil, &apply)
	})
	if err != nil {
		return actions.Proof{}, err
	}
	err = a.read(ctx, "read the ruleset", writeAdmin, func(c *gh.Client) (*gh.Response, error) {
		return a.raw(ctx, c, http.MethodGet, fmt.Sprintf("repos/%s/%s/rulesets/%d", owner, name, have.ID), nil, &whole)
	})
	if err != nil {
		return actions.Proof{}, err
	}
	for _, f := range frozen {
		if !slices.Contains(apply, f) {
			return actions.Refuted(seen, "GitHub does not apply the rule "+f.Type+" to the branch."), nil
		}
	}
	if len(whole.Bypass) > 0 {
		return actions.Refuted(seen, fmt.Sprintf("%d actors may bypass the ruleset.", len(whole.Bypass))), nil
	}
	return actions.Proven(seen, "GitHub applies its rules to the branch, and nobody may bypass them."), nil
}
