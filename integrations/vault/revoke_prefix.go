package vault

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/actions/rest"
	"github.com/tocsin-ir/tocsin/incident"
)

func init() { made = append(made, func(v *vault) actions.Action { return revokePrefix{v} }) }

// revokePrefix revokes every lease below a prefix
// (https://developer.hashicorp.com/vault/api-docs/system/leases#revoke-prefix).
type revokePrefix struct{ *vault }

// leases is the state of a prefix. How many there are is not in it: a lease that is
// issued between plan and deed is meant too.
type leases struct {
	Leases string `json:"leases"` // "some" or "none"
}

// Bounds of a walk through the leases.
const (
	maxLeases = 2000
	maxWalk   = 200 // lists
)

func (revokePrefix) Spec() actions.Spec {
	return actions.Spec{
		Name: "vault.revoke-prefix", Title: "Revoke Vault's leases below a prefix",
		Does: "Revokes every lease below the prefix; the credentials behind them are taken back where they were made, such as users of a database.",
		Kind: actions.KindCredential, Blast: actions.BlastAll,
		Destroys: "which leases there were",
		Rights:   []string{listLeases, revokeLease, readSelf},
		Proof:    "The leases below the prefix are listed again: there are none.",
		Example:  "vault.revoke-prefix database/creds/readonly",
	}
}

// resolve makes a prefix of what was typed, and refuses one that Tocsin's own token is below.
func (a revokePrefix) resolve(ctx context.Context, typed string) (string, error) {
	p := strings.Trim(strings.TrimSpace(typed), "/")
	if !plain(p) {
		return "", &actions.NoTarget{Kind: actions.KindCredential, Name: cut(typed), Hint: "A prefix looks like database/creds/readonly."}
	}
	if !strings.Contains(p, "/") || p == "auth/token" {
		return "", incident.GiveUp(fmt.Errorf("%s would revoke everything of a whole mount: name what is below it", p))
	}
	for _, b := range a.conf.BreakGlass {
		if below(b, p) || below(p, b) {
			return "", incident.GiveUp(fmt.Errorf("%s is never revoked: the configuration keeps %s", p, b))
		}
	}
	me, err := a.self(ctx)
	if err != nil {
		return "", err
	}
	if below(me.Path, p) {
		return "", incident.GiveUp(fmt.Errorf("that would revoke Tocsin's own token too, which was signed in at %s", me.Path))
	}
	return p, nil
}

// below reports whether a path is the prefix or lies below it.
func below(p, prefix string) bool { return strings.HasPrefix(p+"/", prefix+"/") }

// walk lists the leases below a prefix, as far as the bounds go.
func (a revokePrefix) walk(ctx context.Context, prefix string) (ids []string, more bool, err error) {
	todo := []string{prefix + "/"}
	for n := 0; len(todo) > 0; n++ {
		if n == maxWalk || len(ids) > maxLeases {
			return ids, true, nil
		}
		at := todo[0]
		todo = todo[1:]
		keys, err := a.list(ctx, "list the leases", path("sys/leases/lookup/"+at), listLeases)
		if err != nil {
			return nil, false, err
		}
		for _, k := range keys {
			switch {
			case strings.HasSuffix(k, "/") && plain(strings.Trim(k, "/")):
				todo = append(todo, at+k)
			default:
				ids = append(ids, at+k)
			}
		}
	}
	return ids, false, nil
}

func (a revokePrefix) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	prefix, err := a.resolve(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	ids, more, err := a.walk(ctx, prefix)
	if err != nil {
		return actions.Plan{}, err
	}
	if len(ids) == 0 && !more {
		return actions.Plan{}, &actions.NoTarget{Kind: actions.KindCredential, Name: prefix, Hint: "Vault has no lease below it."}
	}
	count := fmt.Sprint(len(ids))
	if more {
		count = "more than " + count
	}
	return actions.Plan{Action: a.Spec().Name, Target: actions.Target{Kind: actions.KindCredential, ID: prefix, Name: prefix},
		Params: in.Params, Key: in.Key, Note: in.Note, Until: in.Until,
		Steps:      []string{fmt.Sprintf("Revoke %s leases below %s, and those issued until then.", count, prefix)},
		Dependants: []string{"Whatever uses these credentials loses them and has to fetch new ones."},
		Lost:       []string{"The leases: they cannot be had back."},
		Warnings:   []string{"Whoever can still sign in gets new leases: see vault.disable-role and vault.revoke-token."},
		Found:      actions.StateOf(leases{"some"}), Want: actions.StateOf(leases{"none"})}, nil
}

func (a revokePrefix) read(prefix string) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		keys, err := a.list(ctx, "list the leases", path("sys/leases/lookup/"+prefix+"/"), listLeases)
		if len(keys) > 0 {
			return actions.StateOf(leases{"some"}), err
		}
		return actions.StateOf(leases{"none"}), err
	}
}

// Do waits for the revocation, so that a credential that could not be taken back is an
// error and not a surprise.
func (a revokePrefix) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	return deed.Do(ctx, p, []string{"Every lease below " + p.Target.Name + " was revoked."}, a.read(p.Target.ID), func(ctx context.Context) error {
		_, err := a.rest.Do(ctx, rest.Call{Step: "revoke the leases", Method: http.MethodPost, Path: path("sys/leases/revoke-prefix/" + p.Target.ID),
			In: map[string]bool{"sync": true}, Right: revokeLease})
		return err
	})
}

func (a revokePrefix) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	return deed.Verify(ctx, r, a.read(r.Target.ID), func(now actions.State) string {
		if deed.Same(now, r.Left) {
			return "Vault has no lease below " + r.Target.Name + "."
		}
		return "Vault still has leases below " + r.Target.Name + ", old ones or new."
	})
}

// Preserve keeps the ids of the leases; the credentials are not in them.
func (a revokePrefix) Preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	prefix, err := a.resolve(ctx, in.Target)
	if err != nil {
		return actions.Evidence{}, err
	}
	ids, more, err := a.walk(ctx, prefix)
	if err != nil {
		return actions.Evidence{}, err
	}
	return kept("vault-leases.json", "leases below "+prefix, actions.StateOf(map[string]any{"prefix": prefix, "leases": ids, "more": more})), nil
}

func cut(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
