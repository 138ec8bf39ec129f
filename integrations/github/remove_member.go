package github

import (
	"context"
	"fmt"
	"net/http"
	"time"

	gh "github.com/google/go-github/v60/github"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/deed"
	"github.com/tocsin-ir/tocsin/incident"
)

func init() {
	contained = append(contained, func(h *hub) actions.Action { return removeMember{h} })
}

// removeMember takes a member out of an organisation
// (https://docs.github.com/en/rest/orgs/members#remove-organization-membership-for-a-user).
// A member cannot be suspended by an organisation, only removed.
type removeMember struct{ *hub }

// seat is the state of a membership: "none", "active", or "pending" while an invitation is
// not accepted. User is GitHub's number of the account, which outlives a change of login.
type seat struct {
	State string `json:"state"`
	Role  string `json:"role,omitempty"`
	User  int64  `json:"user,omitempty"`
}

func (removeMember) Spec() actions.Spec {
	return actions.Spec{
		Name: "github.remove-member", Title: "Remove a member from a GitHub organisation",
		Does: "Takes the account out of the organisation and all its teams, and deletes their forks of private repositories; undo invites them again with what they had, and they have to accept.",
		Kind: actions.KindIdentity, Reversible: true, Blast: actions.BlastTarget,
		Rights: []string{writeMembers}, TTL: 24 * time.Hour,
		Proof:   "The membership is read again: there is none; after an undo, the invitation is seen until it is accepted.",
		Example: "github.remove-member acme/mallory",
	}
}

func (a removeMember) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	org, login, err := a.account(in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	now, exact, err := a.membership(ctx, org, login)
	if err != nil {
		return actions.Plan{}, err
	}
	self, err := a.me(ctx)
	if err != nil {
		return actions.Plan{}, err
	}
	switch {
	case now.State == "none":
		return a.absent(ctx, in, org, login)
	case exact == self:
		return actions.Plan{}, incident.GiveUp(fmt.Errorf("%s is the account Tocsin itself works with: remove it in GitHub's own pages", exact))
	}
	p := planned(a.Spec(), in, org+"/"+exact, org+"/"+exact)
	p.Found, p.Want = actions.StateOf(now), actions.StateOf(seat{State: "none"})
	p.Steps = []string{fmt.Sprintf("Remove %s, %s, from the organisation %s.", exact, now.Role, org)}
	p.Lost = []string{"Forks of private repositories that " + exact + " made."}
	p.Warnings = []string{"What they cloned stays with them. Access by other ways, as outside collaborator or by deploy key, is not touched."}
	if now.State == "pending" {
		p.Steps, p.Lost = []string{"Withdraw the invitation of " + exact + " to the organisation " + org + "."}, nil
	}
	if now.Role != "admin" || now.State != "active" {
		return p, nil
	}
	owners, err := pages(ctx, a.hub, a.http, "list the owners", writeMembers, func(c *gh.Client, o gh.ListOptions) ([]*gh.User, *gh.Response, error) {
		return c.Organizations.ListMembers(ctx, org, &gh.ListMembersOptions{Role: "admin", ListOptions: o})
	})
	if err != nil {
		return actions.Plan{}, err
	}
	if len(owners) < 2 {
		return actions.Plan{}, incident.GiveUp(fmt.Errorf("%s is the last owner of %s, and GitHub removes nobody who is: make somebody else an owner first", exact, org))
	}
	p.Warnings = append(p.Warnings, fmt.Sprintf("%s is an owner of %s; %d others are left.", exact, org, len(owners)-1))
	return p, nil
}

// absent is the plan for somebody who is no member, if there is such an account at all.
func (a removeMember) absent(ctx context.Context, in actions.Input, org, login string) (actions.Plan, error) {
	var u *gh.User
	err := a.read(ctx, "look up the account", readMeta, func(c *gh.Client) (resp *gh.Response, err error) {
		u, resp, err = c.Users.Get(ctx, login)
		return resp, err
	})
	if statusOf(err) == http.StatusNotFound {
		return actions.Plan{}, &actions.NoTarget{Kind: actions.KindIdentity, Name: org + "/" + login}
	}
	if err != nil {
		return actions.Plan{}, err
	}
	p := planned(a.Spec(), in, org+"/"+u.GetLogin(), org+"/"+u.GetLogin())
	p.Already, p.Found, p.Want = true, actions.StateOf(seat{State: "none"}), actions.StateOf(seat{State: "none"})
	p.Steps = []string{u.GetLogin() + " is no member of " + org + "; nothing will change."}
	return p, nil
}

// membership reads one, and the login as GitHub writes it.
func (a removeMember) membership(ctx context.Context, org, login string) (seat, string, error) {
	var m *gh.Membership
	err := a.read(ctx, "read the membership", writeMembers, func(c *gh.Client) (resp *gh.Response, err error) {
		m, resp, err = c.Organizations.GetOrgMembership(ctx, login, org)
		return resp, err
	})
	if statusOf(err) == http.StatusNotFound {
		return seat{State: "none"}, login, nil
	}
	if err != nil {
		return seat{}, "", err
	}
	exact := m.GetUser().GetLogin()
	if !isName(exact) {
		return seat{}, "", fmt.Errorf("read the membership: GitHub's answer names nobody")
	}
	return seat{m.GetState(), m.GetRole(), m.GetUser().GetID()}, exact, nil
}

func (a removeMember) state(id string) deed.Read {
	return func(ctx context.Context) (actions.State, error) {
		org, login := halves(id)
		now, _, err := a.membership(ctx, org, login)
		return actions.StateOf(now), err
	}
}

func (a removeMember) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	org, login := halves(p.Target.ID)
	return deed.Do(ctx, p, []string{login + " is no longer a member of " + org + "."}, a.state(p.Target.ID), func(ctx context.Context) error {
		return a.write(ctx, "remove the member", writeMembers, func(c *gh.Client) (*gh.Response, error) {
			return c.Organizations.RemoveOrgMembership(ctx, login, org)
		})
	})
}

// Undo invites the account again. "reinstate" gives back role and teams
// (https://docs.github.com/en/rest/orgs/members#create-an-organization-invitation, "role");
// nobody but the invited can make themselves a member.
func (a removeMember) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	found, err := recall[seat](r.Found)
	if err != nil {
		return actions.Receipt{}, err
	}
	org, login := halves(r.Target.ID)
	var now seat
	read := func(ctx context.Context) (actions.State, error) {
		if now, _, err = a.membership(ctx, org, login); err != nil {
			return nil, err
		}
		if now.State == "pending" && now.Role == found.Role { // invited again already
			return r.Found, nil
		}
		return actions.StateOf(now), nil
	}
	done := []string{login + " is invited to " + org + " again, as " + found.Role + "; they have to accept."}
	return deed.Undo(ctx, r, done, login+" is a member of "+org+" again, with another role: somebody changed it since.", read, func(ctx context.Context) error {
		if now.State != "none" {
			return a.write(ctx, "restore the role", writeMembers, func(c *gh.Client) (*gh.Response, error) {
				_, resp, err := c.Organizations.EditOrgMembership(ctx, login, org, &gh.Membership{Role: gh.String(found.Role)})
				return resp, err
			})
		}
		role := "reinstate"
		if found.State == "pending" { // was never a member: there is nothing to reinstate
			role = map[string]string{"admin": "admin"}[found.Role]
			if role == "" {
				role = "direct_member"
			}
		}
		return a.write(ctx, "invite the member again", writeMembers, func(c *gh.Client) (*gh.Response, error) {
			_, resp, err := c.Organizations.CreateOrgInvitation(ctx, org, &gh.CreateOrgInvitationOptions{InviteeID: gh.Int64(found.User), Role: gh.String(role)})
			return resp, err
		})
	})
}

func (a removeMember) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	org, login := halves(r.Target.ID)
	now, _, err := a.membership(ctx, org, login)
	if err != nil {
		return actions.Proof{}, err
	}
	want, err := recall[seat](deed.Wanted(r))
	if err != nil {
		return actions.Proof{}, err
	}
	switch {
	case now == want:
		return actions.Proven(fmt.Sprintf("The membership of %s in %s: %s.", login, org, now.State)), nil
	case now.State == "pending" && want.State == "active" && now.Role == want.Role:
		return actions.Stored(login + " is invited to " + org + " again and has not accepted yet."), nil
	}
	return actions.Refuted(fmt.Sprintf("The membership of %s in %s: %s %s.", login, org, now.State, now.Role)), nil
}
