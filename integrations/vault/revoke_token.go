package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/actions/rest"
	"github.com/tocsin-ir/tocsin/incident"
)

func init() { made = append(made, func(v *vault) actions.Action { return revokeByAccessor{v} }) }

// revokeByAccessor revokes a token that is known by its accessor, as audit logs have it
// (https://developer.hashicorp.com/vault/api-docs/auth/token#revoke-a-token-accessor).
type revokeByAccessor struct{ *vault }

// valid is the state of a token.
type valid struct {
	Token string `json:"token"` // "valid" or "revoked"
}

var accessorShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{7,80}$`)

func (revokeByAccessor) Spec() actions.Spec {
	return actions.Spec{
		Name: "vault.revoke-token", Title: "Revoke a Vault token",
		Does: "Revokes the token with this accessor, every token that was made with it, and every lease that was taken with either.",
		Kind: actions.KindCredential, Blast: actions.BlastTeam,
		Destroys: "whose token it was, its policies, and when it was made",
		Rights:   []string{readToken, revokeToken, readSelf},
		Proof:    "The accessor is asked for again: Vault does not know it any more.",
		Example:  "vault.revoke-token 8609694a-cdbc-db9b-d345-e782dbb562ed",
	}
}

// find looks the token up by its accessor. gone is true where Vault does not know it.
func (a revokeByAccessor) find(ctx context.Context, accessor string) (t token, raw json.RawMessage, gone bool, err error) {
	var got struct {
		Data json.RawMessage `json:"data"`
	}
	_, err = a.rest.Do(ctx, rest.Call{Step: "look up the token", Method: http.MethodPost, Path: path("auth/token/lookup-accessor"),
		In: map[string]string{"accessor": accessor}, Out: &got, Right: readToken})
	if rest.IsStatus(err, http.StatusBadRequest, http.StatusNotFound) && rest.Word(err) == unknownAccessor {
		return t, nil, true, nil
	}
	if err == nil && json.Unmarshal(got.Data, &t) != nil {
		err = fmt.Errorf("look up the token: Vault's answer is not the JSON it should be")
	}
	return t, got.Data, false, err
}

// resolve finds a token that may be revoked.
func (a revokeByAccessor) resolve(ctx context.Context, typed string) (token, json.RawMessage, error) {
	accessor := strings.TrimSpace(typed)
	no := &actions.NoTarget{Kind: actions.KindCredential, Name: cut(accessor), Hint: "Name the token's accessor, as Vault's audit log has it; never the token."}
	if strings.HasPrefix(accessor, "hvs.") || strings.HasPrefix(accessor, "s.") {
		no.Name = "…" // somebody typed the token itself: it is not repeated
		return token{}, nil, no
	}
	if !accessorShape.MatchString(accessor) {
		return token{}, nil, no
	}
	if slices.Contains(a.conf.BreakGlass, accessor) {
		return token{}, nil, incident.GiveUp(fmt.Errorf("the token %s is never revoked: the configuration keeps it", accessor))
	}
	t, raw, gone, err := a.find(ctx, accessor)
	if err != nil {
		return token{}, nil, err
	}
	if gone {
		return token{}, nil, no
	}
	me, err := a.self(ctx)
	if err != nil {
		return token{}, nil, err
	}
	if me.Accessor == accessor {
		return token{}, nil, incident.GiveUp(fmt.Errorf("this is Tocsin's own token"))
	}
	t.Accessor = accessor
	return t, raw, nil
}

func (a revokeByAccessor) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	t, _, err := a.resolve(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	p := actions.Plan{Action: a.Spec().Name, Target: actions.Target{Kind: actions.KindCredential, ID: t.Accessor, Name: "token " + t.Accessor},
		Params: in.Params, Key: in.Key, Note: in.Note, Until: in.Until,
		Steps:      []string{fmt.Sprintf("Revoke the token of %s (signed in at %s).", cut(t.Name), cut(t.Path))},
		Dependants: []string{"Tokens that were made with it and leases that were taken with it end too."},
		Lost:       []string{"The token: it cannot be had back, only replaced."},
		Found:      actions.StateOf(valid{"valid"}), Want: actions.StateOf(valid{"revoked"})}
	if slices.Contains(t.Policies, "root") {
		p.Warnings = append(p.Warnings, "This is a root token.")
	}
	if strings.HasPrefix(t.Path, "auth/") && strings.HasSuffix(t.Path, "/login") {
		p.Warnings = append(p.Warnings, "Whoever has the credentials behind it signs in again at "+cut(t.Path)+": see vault.disable-role.")
	}
	return p, nil
}

func (a revokeByAccessor) read(accessor string) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		_, _, gone, err := a.find(ctx, accessor)
		if gone {
			return actions.StateOf(valid{"revoked"}), err
		}
		return actions.StateOf(valid{"valid"}), err
	}
}

func (a revokeByAccessor) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	return deed.Do(ctx, p, []string{"The " + p.Target.Name + " was revoked."}, a.read(p.Target.ID), func(ctx context.Context) error {
		_, err := a.rest.Do(ctx, rest.Call{Step: "revoke the token", Method: http.MethodPost, Path: path("auth/token/revoke-accessor"),
			In: map[string]string{"accessor": p.Target.ID}, Right: revokeToken})
		return err
	})
}

func (a revokeByAccessor) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	return deed.Verify(ctx, r, a.read(r.Target.ID), func(now actions.State) string {
		if deed.Same(now, r.Left) {
			return "Vault no longer knows the " + r.Target.Name + "."
		}
		return "Vault still knows the " + r.Target.Name + "."
	})
}

// Preserve keeps what Vault tells of the token; the token itself is not in it.
func (a revokeByAccessor) Preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	t, raw, err := a.resolve(ctx, in.Target)
	if err != nil {
		return actions.Evidence{}, err
	}
	return kept("vault-token-"+t.Accessor+".json", "token "+t.Accessor+" of Vault", raw), nil
}
