package kubernetes

import (
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tocsin-ir/tocsin/actions"
)

func init() { makers = append(makers, newDeleteTokenSecrets) }

// deleteTokenSecrets deletes the tokens of an account that are kept in Secrets and never
// expire. Their content is not read: the API is asked for names and annotations only.
type deleteTokenSecrets struct{ deed }

func newDeleteTokenSecrets(c *client) actions.Action {
	a := &deleteTokenSecrets{deed{c: c, spec: actions.Spec{
		Name:  "kubernetes.delete-token-secrets",
		Title: "Delete a service account's stored tokens",
		Does:  "Deletes the Secrets that keep tokens of the service account, which ends those tokens.",
		Kind:  actions.KindIdentity,
		Blast: actions.BlastTeam,
		Rights: rights([]string{accounts.right("get", ""), accounts.right("list", ""), secrets.right("get", ""), secrets.right("list", ""),
			secrets.right("delete", ""), pods.right("list", "")}),
		Proof:   "The Secrets are looked for again: a token of this kind is believed only while its Secret is there.",
		Example: "kubernetes.delete-token-secrets shop/builder",
	}}}
	a.strangers = a.storedSince
	return a
}

// Plan names the Secrets.
func (a *deleteTokenSecrets) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	h, err := a.c.account(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	stored, err := a.c.storedTokens(ctx, h.space, h.name)
	if err != nil {
		return actions.Plan{}, err
	}
	// The first part names the account, so that a list of none is about something.
	parts, wants := []part{{Field: "owner of tokens", Space: h.space, Name: h.name}}, []any{h.uid}
	for _, s := range stored {
		parts, wants = append(parts, part{Field: "secret", Space: s.space, Name: s.name, UID: s.uid}), append(wants, false)
	}
	p := plan(a.spec, a.c.target(actions.KindIdentity, h), in)
	if p, err = a.c.planParts(ctx, p, parts, wants); err != nil {
		return p, err
	}
	for _, s := range stored {
		p.Lost = append(p.Lost, "the token in Secret "+s.full())
	}
	p.Warnings = []string{"Tokens that are not kept in a Secret go on: revoke them as well."}
	return p, a.c.explainAccount(ctx, &p, h)
}

// storedTokens lists the Secrets that hold tokens of an account, by name.
// https://kubernetes.io/docs/concepts/configuration/secret/#serviceaccount-token-secrets
func (c *client) storedTokens(ctx context.Context, space, name string) ([]hit, error) {
	heads, err := c.headers(ctx, secrets, space, map[string]string{"fieldSelector": "type=" + string(corev1.SecretTypeServiceAccountToken)})
	if err != nil {
		return nil, err
	}
	var out []hit
	for _, m := range heads {
		if m.Annotations[corev1.ServiceAccountNameKey] == name {
			out = append(out, hit{secrets, m.Namespace, m.Name, string(m.UID)})
		}
	}
	slices.SortFunc(out, func(a, b hit) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

func (a *deleteTokenSecrets) storedSince(ctx context.Context, r actions.Receipt) ([]string, error) {
	parts, err := partsOf(r.Left)
	if err != nil || len(parts) == 0 {
		return nil, err
	}
	now, err := a.c.storedTokens(ctx, parts[0].Space, parts[0].Name)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, s := range now {
		if !slices.ContainsFunc(parts, func(p part) bool { return p.UID == s.uid }) {
			out = append(out, "Secret "+s.full()+" keeps another token of it")
		}
	}
	return out, nil
}

func init() {
	fields["owner of tokens"] = field{
		read: func(ctx context.Context, c *client, p part) (any, string, error) {
			sa, err := get[corev1.ServiceAccount](ctx, c, accounts, p.Space, p.Name)
			if notFound(err) {
				return nil, "", errGone
			}
			if err != nil {
				return nil, "", err
			}
			return sa.UID, sa.ResourceVersion, nil
		},
		write: func(context.Context, *client, part, reading) error { return actions.ErrStale },
		says:  func(p part) string { return "service account " + p.full() + ": the same" },
	}
	fields["secret"] = field{
		read: func(ctx context.Context, c *client, p part) (any, string, error) {
			var m metav1.PartialObjectMetadata
			err := c.into(ctx, call{step: "look for the Secret", verb: "get", of: secrets, ns: p.Space, name: p.Name,
				accept: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}, &m)
			if notFound(err) || err == nil && string(m.UID) != p.UID {
				return false, "", nil
			}
			return true, m.ResourceVersion, err
		},
		write: func(ctx context.Context, c *client, p part, now reading) error {
			return c.remove(ctx, secrets, p, "delete the Secret", p.UID, now.version)
		},
		says: func(p part) string {
			if string(p.Value) == "true" {
				return "Secret " + p.full() + ": there"
			}
			return "Secret " + p.full() + ": deleted"
		},
	}
}
