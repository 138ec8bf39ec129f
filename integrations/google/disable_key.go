package google

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/actions/rest"
	"github.com/tocsin-ir/tocsin/incident"
)

func init() { made = append(made, func(g *google) actions.Action { return disableKey{g} }) }

// disableKey disables a service account's key, and enables it again
// (https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys/disable).
type disableKey struct{ *google }

// key is what is read of one. Google marks a key that it found in public.
type key struct {
	Name     string `json:"name"` // projects/p/serviceAccounts/a@b/keys/k
	Disabled bool   `json:"disabled"`
	Reason   string `json:"disableReason"`
	From     string `json:"validAfterTime"`
	Extended []struct {
		Key string `json:"key"`
	} `json:"extendedStatus"`
}

// lock is the state of a key.
type lock struct {
	Disabled bool `json:"disabled"`
	Exposed  bool `json:"exposed,omitempty"` // Google found it in public
}

func (k key) state() lock {
	exposed := strings.HasSuffix(k.Reason, "_EXPOSED")
	for _, e := range k.Extended {
		exposed = exposed || strings.HasSuffix(e.Key, "KEY_EXPOSED")
	}
	return lock{k.Disabled, exposed}
}

func (k key) id() string { return k.Name[strings.LastIndex(k.Name, "/")+1:] }

var (
	emailShape = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,99}@[a-z0-9][a-z0-9.-]{0,99}$`)
	keyShape   = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)
)

func (disableKey) Spec() actions.Spec {
	return actions.Spec{
		Name: "google.disable-key", Title: "Disable a service account's key in Google Cloud",
		Does: "Nothing can sign in with the key any more; access tokens that were got with it live until they run out, up to an hour.",
		Kind: actions.KindCredential, Reversible: true, Blast: actions.BlastTeam,
		Rights: []string{readKeys, readKey, disableKeys, enableKeys}, TTL: 24 * time.Hour,
		Proof:   "The key is read again: disabled.",
		Example: "google.disable-key deploy@acme.iam.gserviceaccount.com/0a1b2c3d",
	}
}

func (a disableKey) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	email, k, err := a.find(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	id := email + "/" + k.id()
	p := actions.Plan{Action: a.Spec().Name, Target: actions.Target{Kind: actions.KindCredential, ID: id, Name: id}, Params: in.Params, Key: in.Key, Note: in.Note, Until: in.Until, Owner: email}
	now := k.state()
	p.Found, p.Want, p.Already = actions.StateOf(now), actions.StateOf(lock{true, now.Exposed}), now.Disabled
	p.Steps = []string{"Disable the key " + k.id() + " of " + email + ", which is good since " + k.From + "."}
	if now.Disabled {
		p.Steps = []string{"The key " + k.id() + " of " + email + " is disabled already; nothing will change."}
	}
	p.Dependants = []string{"Whatever signs in as " + email + " with this key stops working."}
	p.Warnings = []string{"Access tokens that were got with the key work for up to an hour more."}
	if now.Exposed {
		p.Warnings = append(p.Warnings, "Google has found this key in public.")
	}
	return p, nil
}

// find resolves "account/key", or an account that has one key of its own. Tocsin's own key is
// refused.
func (a disableKey) find(ctx context.Context, typed string) (email string, k key, err error) {
	email, id, _ := strings.Cut(typed, "/")
	no := &actions.NoTarget{Kind: actions.KindCredential, Name: cut(typed), Hint: "Write account/key, as in deploy@acme.iam.gserviceaccount.com/0a1b2c3d."}
	if !emailShape.MatchString(email) || id != "" && !keyShape.MatchString(id) {
		return "", key{}, no
	}
	var got struct {
		Keys []key `json:"keys"`
	}
	_, err = a.iam.Do(ctx, rest.Call{Step: "list the account's keys", Method: http.MethodGet, Path: keys(email), Query: url.Values{"keyTypes": {"USER_MANAGED"}}, Out: &got, Right: readKeys})
	if rest.IsStatus(err, http.StatusNotFound) {
		no.Hint = "The service account does not exist, or Tocsin may not see it."
		return "", key{}, no
	}
	if err != nil {
		return "", key{}, err
	}
	var all, fits []string
	for _, one := range got.Keys {
		all = append(all, email+"/"+one.id())
		if id == "" || strings.EqualFold(one.id(), id) {
			fits, k = append(fits, email+"/"+one.id()), one
		}
	}
	slices.Sort(all)
	switch {
	case len(fits) > 1:
		return "", key{}, &actions.Ambiguous{Kind: actions.KindCredential, Name: typed, Fits: all}
	case len(fits) == 0:
		if no.Hint = "The account has no keys of its own."; len(all) > 0 {
			no.Hint = "The account has " + strings.Join(all[:min(len(all), 3)], ", ") + "."
		}
		return "", key{}, no
	case k.id() == a.own.ID:
		return "", key{}, incident.GiveUp(fmt.Errorf("%s is the key Tocsin itself signs in with", fits[0]))
	case slices.ContainsFunc(a.conf.BreakGlass, func(b string) bool { return strings.EqualFold(b, email) }):
		return "", key{}, incident.GiveUp(fmt.Errorf("%s is a break-glass account: Tocsin never touches it", email))
	}
	return email, k, nil
}

// keys is the address of an account's keys; the project is found by the account.
func keys(email string) string {
	return "/v1/projects/-/serviceAccounts/" + url.PathEscape(email) + "/keys"
}

func (a disableKey) at(id string) string {
	email, k, _ := strings.Cut(id, "/")
	return keys(email) + "/" + url.PathEscape(k)
}

func (a disableKey) read(id string) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		var k key
		_, err := a.iam.Do(ctx, rest.Call{Step: "read the key", Method: http.MethodGet, Path: a.at(id), Out: &k, Right: readKey})
		return actions.StateOf(k.state()), err
	}
}

func (a disableKey) set(id, verb, right string) deed.Write {
	return func(ctx context.Context) error {
		_, err := a.iam.Do(ctx, rest.Call{Step: verb + " the key", Method: http.MethodPost, Path: a.at(id) + ":" + verb, In: struct{}{}, Right: right})
		return err
	}
}

func (a disableKey) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	return deed.Do(ctx, p, []string{"The key " + p.Target.Name + " is disabled."}, a.read(p.Target.ID), a.set(p.Target.ID, "disable", disableKeys))
}

func (a disableKey) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	return deed.Undo(ctx, r, []string{"The key " + r.Target.Name + " is good again."}, "Google has found the key "+r.Target.Name+" in public since, or somebody changed it.",
		a.read(r.Target.ID), a.set(r.Target.ID, "enable", enableKeys))
}

func (a disableKey) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	return deed.Verify(ctx, r, a.read(r.Target.ID), func(now actions.State) string {
		s, _ := recall[lock](now)
		if s.Disabled {
			return "The key " + r.Target.Name + " is disabled."
		}
		return "The key " + r.Target.Name + " is enabled."
	})
}
