package github

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
)

func init() {
	contained = append(contained, func(h *hub) actions.Action { return deleteDeployKey{h} })
}

// deleteDeployKey deletes a key of a repository, and can add its public part again: GitHub
// takes back what it has shown, and whoever has the private part has access again
// (https://docs.github.com/en/rest/deploy-keys/deploy-keys).
type deleteDeployKey struct{ *hub }

// deployKey is the state of one. Its public part names it: GitHub's number changes when it
// is added again. No key is Key "".
type deployKey struct {
	Title    string `json:"title,omitempty"`
	Key      string `json:"key,omitempty"`
	ReadOnly bool   `json:"read_only,omitempty"`
}

func (deleteDeployKey) Spec() actions.Spec {
	return actions.Spec{
		Name: "github.delete-deploy-key", Title: "Delete a deploy key of a GitHub repository",
		Does: "The key no longer reads or writes the repository; undo adds the same public key again, which lets in whoever has the private one.",
		Kind: actions.KindCredential, Reversible: true, Blast: actions.BlastTeam,
		Params:   []actions.Param{{Name: "key", Help: "its number, title or SHA-256 fingerprint", Required: true}},
		Destroys: "who added the key, and when it was last used",
		Rights:   []string{readMeta, writeAdmin}, TTL: 24 * time.Hour,
		Proof:   "The repository's keys are listed again: none has this public part.",
		Example: "github.delete-deploy-key acme/shop key=ci-deploy",
	}
}

func (a deleteDeployKey) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	repo, k, err := a.find(ctx, in)
	if err != nil {
		return actions.Plan{}, err
	}
	p := planned(a.Spec(), in, repo+"/"+fingerprint(k.GetKey()), repo+" "+k.GetTitle())
	p.Found, p.Want = actions.StateOf(deployKey{k.GetTitle(), k.GetKey(), k.GetReadOnly()}), actions.StateOf(deployKey{})
	p.Owner = k.GetAddedBy()
	may := "write"
	if k.GetReadOnly() {
		may = "read"
	}
	p.Steps = []string{fmt.Sprintf("Delete the deploy key %s (%s) of %s, which may %s.", k.GetTitle(), fingerprint(k.GetKey()), repo, may)}
	p.Dependants = []string{"Whatever reads or deploys " + repo + " with this key stops working."}
	p.Warnings = []string{"What the key has read stays with whoever has it."}
	return p, nil
}

// find resolves the key a person named, in the repository they named.
func (a deleteDeployKey) find(ctx context.Context, in actions.Input) (repo string, k *gh.Key, err error) {
	r, err := a.repository(ctx, in.Target)
	if err != nil {
		return "", nil, err
	}
	all, err := a.keys(ctx, full(r))
	if err != nil {
		return "", nil, err
	}
	named := in.Params["key"]
	var fits []*gh.Key
	var near []string
	for _, k := range all {
		if fmt.Sprint(k.GetID()) == named || strings.EqualFold(k.GetTitle(), named) || fingerprint(k.GetKey()) == named {
			fits = append(fits, k)
		}
		near = append(near, k.GetTitle())
	}
	switch {
	case len(fits) == 1:
		return full(r), fits[0], nil
	case len(fits) > 1:
		many := &actions.Ambiguous{Kind: actions.KindCredential, Name: named}
		for _, k := range fits {
			many.Fits = append(many.Fits, fmt.Sprintf("key=%d", k.GetID()))
		}
		return "", nil, many
	}
	no := &actions.NoTarget{Kind: actions.KindCredential, Name: full(r) + " " + cut(named, 100)}
	if slices.Sort(near); len(near) > 0 {
		no.Hint = "The repository has " + cut(strings.Join(near, ", "), 200) + "."
	}
	return "", nil, no
}

func (a deleteDeployKey) keys(ctx context.Context, repo string) ([]*gh.Key, error) {
	owner, name := halves(repo)
	got, err := pages(ctx, a.hub, a.http, "list the deploy keys", writeAdmin, func(c *gh.Client, o gh.ListOptions) ([]*gh.Key, *gh.Response, error) {
		return c.Repositories.ListKeys(ctx, owner, name, &o)
	})
	slices.SortFunc(got, func(x, y *gh.Key) int { return cmp.Compare(x.GetID(), y.GetID()) })
	return got, err
}

// fingerprint is what ssh-keygen -l prints of a public key: SHA256 and base64. Of what is no
// key it is "".
func fingerprint(key string) string {
	parts := strings.Fields(key)
	if len(parts) < 2 {
		return ""
	}
	blob, err := base64.StdEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(blob)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// holder finds the key with that public part; nil when there is none.
func (a deleteDeployKey) holder(ctx context.Context, id string) (*gh.Key, string, error) {
	owner, rest := halves(id)
	name, print := halves(rest)
	all, err := a.keys(ctx, owner+"/"+name)
	for _, k := range all {
		if fingerprint(k.GetKey()) == print {
			return k, owner + "/" + name, nil
		}
	}
	return nil, owner + "/" + name, err
}

func (a deleteDeployKey) state(id string) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		k, _, err := a.holder(ctx, id)
		if k == nil {
			return actions.StateOf(deployKey{}), err
		}
		return actions.StateOf(deployKey{k.GetTitle(), k.GetKey(), k.GetReadOnly()}), nil
	}
}

func (a deleteDeployKey) remove(ctx context.Context, id string) error {
	k, repo, err := a.holder(ctx, id)
	if err != nil || k == nil {
		return err
	}
	owner, name := halves(repo)
	return a.write(ctx, "delete the deploy key", writeAdmin, func(c *gh.Client) (*gh.Response, error) {
		return c.Repositories.DeleteKey(ctx, owner, name, k.GetID())
	})
}

func (a deleteDeployKey) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	return deed.Do(ctx, p, []string{"The deploy key " + p.Target.Name + " is deleted."}, a.state(p.Target.ID), func(ctx context.Context) error { return a.remove(ctx, p.Target.ID) })
}

// Undo adds the public key again, with its title and what it was allowed to do.
func (a deleteDeployKey) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	found, err := recall[deployKey](r.Found)
	if err != nil {
		return actions.Receipt{}, err
	}
	return deed.Undo(ctx, r, []string{"The deploy key " + r.Target.Name + " is there again."}, "Somebody has added the same key again since, with other rights or another title.", a.state(r.Target.ID), func(ctx context.Context) error {
		if err := a.remove(ctx, r.Target.ID); err != nil {
			return err
		}
		owner, rest := halves(r.Target.ID)
		name, _ := halves(rest)
		return a.write(ctx, "add the deploy key again", writeAdmin, func(c *gh.Client) (*gh.Response, error) {
			_, resp, err := c.Repositories.CreateKey(ctx, owner, name, &gh.Key{Title: gh.String(found.Title), Key: gh.String(found.Key), ReadOnly: gh.Bool(found.ReadOnly)})
			return resp, err
		})
	})
}

func (a deleteDeployKey) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	return deed.Verify(ctx, r, a.state(r.Target.ID), func(now actions.State) string {
		if k, _ := recall[deployKey](now); k.Key != "" {
			return "The repository has the key, titled " + k.Title + "."
		}
		return "The repository has no key with this public part."
	})
}

// Preserve keeps what GitHub tells of the key; its private part is not in it.
func (a deleteDeployKey) Preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	repo, k, err := a.find(ctx, in)
	if err != nil {
		return actions.Evidence{}, err
	}
	return keep(fmt.Sprintf("github-deploy-key-%d.json", k.GetID()), "deploy key "+k.GetTitle()+" of "+repo, k)
}
