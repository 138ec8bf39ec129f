package github

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/incident"
)

func init() {
	contained = append(contained, func(h *hub) actions.Action { return suspendInstallation{h} })
}

// suspendInstallation stops a GitHub App in one account. GitHub lets only the app itself do
// that, by its private key
// (https://docs.github.com/en/rest/apps/apps#suspend-an-app-installation): so it works
// for apps of one's own, in Containment.Apps.
type suspendInstallation struct{ *hub }

// pause is the state of an installation: "active", "suspended" or "uninstalled", and
// whether it reaches all or selected repositories.
type pause struct {
	Standing string `json:"standing"`
	Reach    string `json:"reach,omitempty"`
}

func (suspendInstallation) Spec() actions.Spec {
	return actions.Spec{
		Name: "github.suspend-installation", Title: "Suspend the installation of a GitHub App",
		Does: "The app can no longer do anything in that account, and its tokens are refused; for apps of one's own, whose private key Tocsin was given.",
		Kind: actions.KindService, Reversible: true, Blast: actions.BlastTeam,
		Rights: []string{appPrivateKey}, TTL: 24 * time.Hour,
		Proof:   "The installation is read again: it is suspended.",
		Example: "github.suspend-installation deploy-bot/acme",
	}
}

// installed is an installation and the client of its app.
type installed struct {
	*gh.Installation
	by *http.Client
}

func (i installed) name() string { return i.GetAppSlug() + "/" + i.GetAccount().GetLogin() }

func (a suspendInstallation) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	i, err := a.find(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	p := planned(a.Spec(), in, fmt.Sprintf("%d/%d", i.GetAppID(), i.GetID()), i.name())
	now := standingOf(i.Installation)
	p.Found, p.Want, p.Already = actions.StateOf(now), actions.StateOf(pause{"suspended", now.Reach}), now.Standing == "suspended"
	p.Steps = []string{"Suspend the app " + i.GetAppSlug() + " in " + i.GetAccount().GetLogin() + ", where it reaches " + now.Reach + " repositories."}
	if p.Already {
		p.Steps = []string{i.name() + " is suspended already; nothing will change."}
	}
	p.Dependants = []string{"Whatever works through the app " + i.GetAppSlug() + " in " + i.GetAccount().GetLogin() + " stops working."}
	p.Warnings = []string{"The app's private key can take this back: replace the key where it was stolen."}
	return p, nil
}

func standingOf(i *gh.Installation) pause {
	if i.SuspendedAt != nil {
		return pause{"suspended", i.GetRepositorySelection()}
	}
	return pause{"active", i.GetRepositorySelection()}
}

// find resolves a number, "app/account", or an account where one app is installed only once.
func (a suspendInstallation) find(ctx context.Context, typed string) (installed, error) {
	if len(a.apps) == 0 {
		return installed{}, &actions.MissingRight{Right: appPrivateKey, To: "suspend an installation: Tocsin was given no app of your own"}
	}
	var fits []installed
	var near []string
	for _, by := range a.apps {
		all, err := pages(ctx, a.hub, by, "list the app's installations", appPrivateKey, func(c *gh.Client, o gh.ListOptions) ([]*gh.Installation, *gh.Response, error) {
			return c.Apps.ListInstallations(ctx, &o)
		})
		if err != nil {
			return installed{}, err
		}
		for _, one := range all {
			i := installed{one, by}
			if fmt.Sprint(i.GetID()) == typed || strings.EqualFold(i.name(), typed) || strings.EqualFold(i.GetAccount().GetLogin(), typed) {
				fits = append(fits, i)
			}
			near = append(near, i.name())
		}
	}
	slices.SortFunc(fits, func(x, y installed) int { return cmp.Compare(x.GetID(), y.GetID()) })
	switch {
	case len(fits) > 1:
		many := &actions.Ambiguous{Kind: actions.KindService, Name: typed}
		for _, i := range fits {
			many.Fits = append(many.Fits, i.name())
		}
		return installed{}, many
	case len(fits) == 0:
		no := &actions.NoTarget{Kind: actions.KindService, Name: cut(typed, 100)}
		if slices.Sort(near); len(near) > 0 {
			no.Hint = "There is " + cut(strings.Join(near, ", "), 200) + "."
		}
		return installed{}, no
	}
	if a.conf.App != nil && fits[0].GetAppID() == a.conf.App.ID {
		return installed{}, incident.GiveUp(fmt.Errorf("%s is the app Tocsin itself works with", fits[0].name()))
	}
	return fits[0], a.untouchable(fits[0].name())
}

// at is the client and the number of a target.
func (a suspendInstallation) at(id string) (*http.Client, int64, error) {
	app, number := halves(id)
	n, err := strconv.ParseInt(number, 10, 64)
	for i, c := range a.conf.Apps {
		if err == nil && fmt.Sprint(c.ID) == app {
			return a.apps[i], n, nil
		}
	}
	return nil, 0, incident.GiveUp(fmt.Errorf("app %s is no longer configured", app))
}

func (a suspendInstallation) state(id string) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		by, n, err := a.at(id)
		if err != nil {
			return nil, err
		}
		var got *gh.Installation
		err = a.call(ctx, by, CostRead, "read the installation", appPrivateKey, func(c *gh.Client) (resp *gh.Response, err error) {
			got, resp, err = c.Apps.GetInstallation(ctx, n)
			return resp, err
		})
		if statusOf(err) == http.StatusNotFound {
			return actions.StateOf(pause{Standing: "uninstalled"}), nil
		}
		if err != nil {
			return nil, err
		}
		return actions.StateOf(standingOf(got)), nil
	}
}

func (a suspendInstallation) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	by, n, err := a.at(p.Target.ID)
	if err != nil {
		return actions.Receipt{}, err
	}
	return deed.Do(ctx, p, []string{p.Target.Name + " is suspended."}, a.state(p.Target.ID), func(ctx context.Context) error {
		return a.call(ctx, by, CostWrite, "suspend the installation", appPrivateKey, func(c *gh.Client) (*gh.Response, error) { return c.Apps.SuspendInstallation(ctx, n) })
	})
}

func (a suspendInstallation) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	by, n, err := a.at(r.Target.ID)
	if err != nil {
		return actions.Receipt{}, err
	}
	return deed.Undo(ctx, r, []string{r.Target.Name + " works again."}, "The installation of "+r.Target.Name+" was changed since: what it reaches is not as it was left.", a.state(r.Target.ID), func(ctx context.Context) error {
		return a.call(ctx, by, CostWrite, "take the suspension back", appPrivateKey, func(c *gh.Client) (*gh.Response, error) { return c.Apps.UnsuspendInstallation(ctx, n) })
	})
}

func (a suspendInstallation) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	return deed.Verify(ctx, r, a.state(r.Target.ID), func(now actions.State) string {
		s, _ := recall[pause](now)
		return r.Target.Name + " is " + s.Standing + "."
	})
}
