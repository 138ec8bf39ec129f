package vault

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/incident"
)

func init() { made = append(made, func(v *vault) actions.Action { return disableRole{v} }) }

// disableRole deletes a role of an auth method, which is the only way Vault has to close
// one, and makes it again exactly as it was read.
type disableRole struct{ *vault }

func (disableRole) Spec() actions.Spec {
	return actions.Spec{
		Name: "vault.disable-role", Title: "Disable a Vault role",
		Does: "Nobody can sign in to Vault with the role any more: it is deleted, and made again as it was when this is taken back.",
		Kind: actions.KindIdentity, Reversible: true, Blast: actions.BlastTeam,
		Destroys: "the secret IDs of an AppRole, of which only the accessors can be kept",
		Rights:   []string{readMounts, listRoles, changeRoles, readSelf}, TTL: 24 * time.Hour,
		Proof:   "The role is read again: Vault has none of that name. Taken back, every field is compared.",
		Example: "vault.disable-role kubernetes/shop-deploy ttl=24h",
	}
}

func (a disableRole) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	r, err := a.find(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	found, err := a.role(ctx, r)
	if err != nil {
		return actions.Plan{}, err
	}
	p := actions.Plan{Action: a.Spec().Name, Target: actions.Target{Kind: actions.KindIdentity, ID: r.String(), Name: r.mount + "/" + r.name},
		Params: in.Params, Key: in.Key, Note: in.Note, Until: in.Until, Found: actions.StateOf(found), Want: actions.StateOf(roleState{})}
	if found.Role == nil { // it went while it was looked at
		return actions.Plan{}, &actions.NoTarget{Kind: actions.KindIdentity, Name: p.Target.Name}
	}
	p.Steps = []string{fmt.Sprintf("Delete the role %s of auth/%s (%s).", r.name, r.mount, r.kind)}
	p.Dependants = []string{"Whatever signs in with " + p.Target.Name + " gets no new token."}
	p.Warnings = []string{"Tokens that were given out stay valid until they end: see vault.revoke-token, or vault.revoke-prefix auth/" + r.mount + "/login for all of this method."}
	if r.kind == "approle" {
		ids, err := a.list(ctx, "list the secret IDs", path("auth", r.mount, "role", r.name, "secret-id"), changeRoles)
		if err != nil {
			return actions.Plan{}, err
		}
		p.Lost = []string{fmt.Sprintf("Its %d secret IDs: taking this back restores the role and its role ID, and whoever signs in needs a new secret ID.", len(ids))}
	}
	return p, nil
}

func (a disableRole) read(r ref) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		s, err := a.role(ctx, r)
		return actions.StateOf(s), err
	}
}

func (a disableRole) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	r, err := refOf(p.Target.ID)
	if err != nil {
		return actions.Receipt{}, err
	}
	return deed.Do(ctx, p, []string{"Nobody can sign in with " + p.Target.Name + "."}, a.read(r), func(ctx context.Context) error { return a.drop(ctx, r) })
}

// Undo makes the role as it was read. Where somebody made another of that name since, it
// replaces that one only when somebody insists.
func (a disableRole) Undo(ctx context.Context, receipt actions.Receipt) (actions.Receipt, error) {
	r, err := refOf(receipt.Target.ID)
	if err != nil {
		return actions.Receipt{}, err
	}
	want, err := stateOf(receipt.Found)
	if err != nil {
		return actions.Receipt{}, err
	}
	back := []string{receipt.Target.Name + " is there again, as it was."}
	changed := "Somebody made a role " + receipt.Target.Name + " since."
	return deed.Undo(ctx, receipt, back, changed, a.read(r), func(ctx context.Context) error { return a.make(ctx, r, want) })
}

func (a disableRole) Verify(ctx context.Context, receipt actions.Receipt) (actions.Proof, error) {
	r, err := refOf(receipt.Target.ID)
	if err != nil {
		return actions.Proof{}, err
	}
	now, err := a.role(ctx, r)
	if err != nil {
		return actions.Proof{}, err
	}
	name := receipt.Target.Name
	wanted, err := stateOf(deed.Wanted(receipt))
	switch {
	case err != nil:
		return actions.Proof{}, err
	case deed.Same(actions.StateOf(now), deed.Wanted(receipt)) && now.Role == nil:
		return actions.Proven("Vault has no role " + name + "."), nil
	case deed.Same(actions.StateOf(now), deed.Wanted(receipt)):
		return actions.Proven("The role " + name + " is there, every field as it was."), nil
	case now.Role == nil:
		return actions.Refuted("Vault has no role " + name + "."), nil
	case wanted.Role == nil:
		return actions.Refuted("Vault still has the role " + name + "."), nil
	}
	return actions.Refuted("The role " + name + " is there, and differs in " + strings.Join(differs(now, wanted), ", ") + "."), nil
}

// Preserve keeps the role, and the accessors of its secret IDs.
func (a disableRole) Preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	r, err := a.find(ctx, in.Target)
	if err != nil {
		return actions.Evidence{}, err
	}
	found, err := a.role(ctx, r)
	if err != nil {
		return actions.Evidence{}, err
	}
	var ids []string
	if r.kind == "approle" {
		if ids, err = a.list(ctx, "list the secret IDs", path("auth", r.mount, "role", r.name, "secret-id"), changeRoles); err != nil {
			return actions.Evidence{}, err
		}
	}
	return kept("vault-role.json", "role "+r.mount+"/"+r.name+" of Vault", actions.StateOf(map[string]any{"role": found, "secret_id_accessors": ids})), nil
}

// find resolves a role by "mount/name", by its whole path, or by its name alone where only
// one method has it.
func (a disableRole) find(ctx context.Context, typed string) (ref, error) {
	name := strings.TrimPrefix(strings.Trim(strings.TrimSpace(typed), "/"), "auth/")
	no := &actions.NoTarget{Kind: actions.KindIdentity, Name: cut(typed), Hint: "A role looks like kubernetes/shop-deploy."}
	if !plain(name) {
		return ref{}, no
	}
	all, err := a.roles(ctx)
	if err != nil {
		return ref{}, err
	}
	var fits []ref
	var near []string
	for _, r := range all {
		switch {
		case name == r.mount+"/"+r.name || name == r.mount+"/role/"+r.name || name == r.name:
			fits = append(fits, r)
		case len(name) > 2 && strings.Contains(strings.ToLower(r.name), strings.ToLower(name[strings.LastIndex(name, "/")+1:])):
			near = append(near, r.mount+"/"+r.name)
		}
	}
	switch {
	case len(fits) > 1:
		many := &actions.Ambiguous{Kind: actions.KindIdentity, Name: cut(typed)}
		for _, f := range fits {
			many.Fits = append(many.Fits, f.mount+"/"+f.name)
		}
		return ref{}, many
	case len(fits) == 0:
		if len(near) > 0 {
			no.Hint = "Did you mean " + strings.Join(near[:min(3, len(near))], " or ") + "?"
		}
		return ref{}, no
	}
	return fits[0], a.mayTouch(ctx, fits[0])
}

// mayTouch refuses what the configuration keeps, and the role that Tocsin signed in with.
func (a disableRole) mayTouch(ctx context.Context, r ref) error {
	for _, b := range a.conf.BreakGlass {
		if strings.TrimPrefix(b, "auth/") == r.mount+"/"+r.name {
			return incident.GiveUp(fmt.Errorf("the role %s is never disabled: the configuration keeps it", b))
		}
	}
	me, err := a.self(ctx)
	if err != nil {
		return err
	}
	if me.Path == "auth/"+r.mount+"/login" && (me.Meta["role"] == r.name || me.Meta["role_name"] == r.name) {
		return incident.GiveUp(fmt.Errorf("the role %s/%s is the one that Tocsin itself signs in with", r.mount, r.name))
	}
	return nil
}
