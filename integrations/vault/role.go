package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
	"github.com/tocsin-ir/tocsin/incident"
)

// kinds are the auth methods whose roles can be read whole and made again. A user with a
// password is none: Vault does not give the password back.
var kinds = []string{"approle", "jwt", "kubernetes", "oidc"}

const maxMounts = 50

// ref is one role.
type ref struct{ kind, mount, name string }

// String is how a plan keeps it: kind, mount and name.
func (r ref) String() string { return r.kind + ":" + r.mount + ":" + r.name }

func refOf(id string) (ref, error) {
	p := strings.SplitN(id, ":", 3)
	if len(p) != 3 || !slices.Contains(kinds, p[0]) || !plain(p[1]) || !segment.MatchString(p[2]) {
		return ref{}, incident.GiveUp(fmt.Errorf("the plan names no role of Vault"))
	}
	return ref{p[0], p[1], p[2]}, nil
}

// roleState is a role as it was read; Role is nil where there is none.
type roleState struct {
	Role map[string]any `json:"role"`
	ID   string         `json:"role_id,omitempty"` // of an AppRole
}

func stateOf(s actions.State) (roleState, error) {
	var out roleState
	d := json.NewDecoder(bytes.NewReader(s))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		return out, incident.GiveUp(fmt.Errorf("the receipt does not say how the role was"))
	}
	return out, nil
}

// roles lists the roles of every method that is known here, in order.
func (v *vault) roles(ctx context.Context) ([]ref, error) {
	var got struct {
		Data map[string]struct {
			Type string `json:"type"`
		} `json:"data"`
	}
	_, err := v.rest.Do(ctx, rest.Call{Step: "list the auth methods", Method: http.MethodGet, Path: path("sys/auth"), Out: &got, Right: readMounts})
	if err != nil {
		return nil, err
	}
	var out []ref
	n := 0
	for mount, m := range got.Data {
		mount = strings.TrimSuffix(mount, "/")
		if !slices.Contains(kinds, m.Type) || !plain(mount) {
			continue
		}
		if n++; n > maxMounts {
			return nil, incident.GiveUp(fmt.Errorf("list the auth methods: there are more than %d", maxMounts))
		}
		names, err := v.list(ctx, "list the roles", path("auth", mount, "role"), listRoles)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if segment.MatchString(name) {
				out = append(out, ref{m.Type, mount, name})
			}
		}
	}
	slices.SortFunc(out, func(a, b ref) int { return strings.Compare(a.String(), b.String()) })
	return out, nil
}

// role reads a role whole.
func (v *vault) role(ctx context.Context, r ref) (roleState, error) {
	var got, id struct {
		Data json.RawMessage `json:"data"`
	}
	_, err := v.rest.Do(ctx, rest.Call{Step: "read the role", Method: http.MethodGet, Path: path("auth", r.mount, "role", r.name), Out: &got, Right: changeRoles})
	if rest.IsStatus(err, http.StatusNotFound) {
		return roleState{}, nil
	}
	if err != nil {
		return roleState{}, err
	}
	s := roleState{}
	d := json.NewDecoder(bytes.NewReader(got.Data))
	d.UseNumber()
	if err := d.Decode(&s.Role); err != nil || s.Role == nil {
		return roleState{}, fmt.Errorf("read the role: Vault's answer is not the JSON it should be")
	}
	if r.kind != "approle" {
		return s, nil
	}
	if _, err := v.rest.Do(ctx, rest.Call{Step: "read the role ID", Method: http.MethodGet, Path: path("auth", r.mount, "role", r.name, "role-id"), Out: &id, Right: changeRoles}); err != nil {
		return roleState{}, err
	}
	var named struct {
		ID string `json:"role_id"`
	}
	if json.Unmarshal(id.Data, &named) != nil || named.ID == "" {
		return roleState{}, fmt.Errorf("read the role ID: Vault's answer is not the JSON it should be")
	}
	s.ID = named.ID
	return s, nil
}

func (v *vault) drop(ctx context.Context, r ref) error {
	_, err := v.rest.Do(ctx, rest.Call{Step: "delete the role", Method: http.MethodDelete, Path: path("auth", r.mount, "role", r.name), Right: changeRoles})
	return err
}

// make writes a role so that it reads as want. One that is there is deleted first: Vault
// would keep the fields that are not written.
func (v *vault) make(ctx context.Context, r ref, want roleState) error {
	now, err := v.role(ctx, r)
	if err != nil {
		return err
	}
	if now.Role != nil {
		if err := v.drop(ctx, r); err != nil {
			return err
		}
	}
	_, err = v.rest.Do(ctx, rest.Call{Step: "make the role again", Method: http.MethodPost, Path: path("auth", r.mount, "role", r.name), In: writable(want.Role), Right: changeRoles})
	if err != nil || want.ID == "" {
		return err
	}
	_, err = v.rest.Do(ctx, rest.Call{Step: "give the role its role ID again", Method: http.MethodPost, Path: path("auth", r.mount, "role", r.name, "role-id"),
		In: map[string]string{"role_id": want.ID}, Right: changeRoles})
	if err == nil {
		return nil
	}
	// Half a role would be nobody's: neither as it was left nor as it was found.
	if gone := v.drop(ctx, r); gone != nil {
		return fmt.Errorf("%w; the role is there with another role ID, and could not be deleted again: %w", err, gone)
	}
	return err
}

// writable is what reads back as the role. Of a field that has an old and a new name Vault
// shows both when the old one was written, and forgets the old one when both are
// (vault/token_store.go, "Now handle backwards compat"), so only the old one is written.
// A null is a field that was never set.
func writable(role map[string]any) map[string]any {
	out := map[string]any{}
	for k, val := range role {
		old, renamed := strings.CutPrefix(k, "token_")
		if _, both := role[old]; val == nil || renamed && both {
			continue
		}
		out[k] = val
	}
	return out
}

// differs names the fields that are not the same; their values are not told.
func differs(a, b roleState) []string {
	var out []string
	for k := range a.Role {
		if !bytes.Equal(actions.StateOf(a.Role[k]), actions.StateOf(b.Role[k])) {
			out = append(out, k)
		}
	}
	for k := range b.Role {
		if _, ok := a.Role[k]; !ok {
			out = append(out, k)
		}
	}
	if a.ID != b.ID {
		out = append(out, "role_id")
	}
	slices.Sort(out)
	return out
}
