package github

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// The roles of a member of an organisation, and the states of a membership
// (https://docs.github.com/en/rest/orgs/members).
const (
	RoleOwner     = "admin"
	RoleMember    = "member"
	StateActive   = "active"
	StatePending  = "pending" // invited, and has not accepted
	roleReinstate = "reinstate"
)

// Membership is somebody's place in an organisation.
type Membership struct {
	Login, Role, State string
}

// org is an organisation. left are those who were in it, and what they had.
type org struct {
	name  string
	seats []*Membership
	left  map[string]*departed // by login in lower case
}

type departed struct {
	role   string
	rights map[string]int // by the repository's full name
}

// Seat puts somebody into an organisation as they are, or changes their role or state, as
// its owners do on the website. An organisation begins with its first member.
func (s *Server) Seat(orgName string, m Membership) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orgNamed(orgName)
	if o == nil {
		o = &org{name: orgName, left: map[string]*departed{}}
		s.orgs = append(s.orgs, o)
	}
	m.Login = s.addUser(m.Login).login
	if had := o.seat(m.Login); had != nil {
		*had = m
	} else {
		o.seats = append(o.seats, &m)
	}
	s.changed()
}

// Accept has an invited person accept.
func (s *Server) Accept(orgName, login string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orgNamed(orgName)
	if o == nil || o.seat(login) == nil || o.seat(login).State != StatePending {
		return fmt.Errorf("%s is not invited to %s", login, orgName)
	}
	o.seat(login).State = StateActive
	if had := o.left[strings.ToLower(login)]; had != nil {
		for full, level := range had.rights {
			if r := s.repoNamed(full); r != nil {
				r.rights[strings.ToLower(login)] = level
			}
		}
		delete(o.left, strings.ToLower(login))
	}
	s.changed()
	return nil
}

// Member looks somebody up in an organisation.
func (s *Server) Member(orgName, login string) (Membership, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.orgNamed(orgName); o != nil && o.seat(login) != nil {
		return *o.seat(login), true
	}
	return Membership{}, false
}

func (s *Server) orgNamed(name string) *org {
	return find(s.orgs, func(o *org) bool { return strings.EqualFold(o.name, name) })
}

func (o *org) seat(login string) *Membership {
	return find(o.seats, func(m *Membership) bool { return strings.EqualFold(m.Login, login) })
}

// owners are those who may decide, without the ones still invited.
func (o *org) owners() int {
	n := 0
	for _, m := range o.seats {
		if m.Role == RoleOwner && m.State == StateActive {
			n++
		}
	}
	return n
}

func (o *org) lastOwner(m *Membership) bool {
	return m.Role == RoleOwner && m.State == StateActive && o.owners() == 1
}

// within finds the organisation of the path; whoever writes must own it.
func (s *Server) within(c *call) (*org, *refusal) {
	o := s.orgNamed(c.PathValue("org"))
	if o == nil {
		return nil, notFound()
	}
	me := o.seat(c.login)
	switch {
	case c.login == "" || c.install != nil:
		return nil, forbidden("Resource not accessible by integration")
	case me == nil || me.State != StateActive:
		return nil, forbidden("You must be a member of " + o.name + " to see membership information.")
	case c.Method != http.MethodGet && me.Role != RoleOwner:
		return nil, forbidden("You must be an admin to change an organization membership.")
	}
	return o, nil
}

func (s *Server) renderSeat(o *org, m *Membership) obj {
	return obj{"state": m.State, "role": m.Role, "url": s.base + "/orgs/" + o.name + "/memberships/" + m.Login,
		"organization_url": s.base + "/orgs/" + o.name, "organization": obj{"login": o.name}, "user": s.renderUser(m.Login)}
}

func (s *Server) getMembership(c *call) (int, any, *refusal) {
	o, no := s.within(c)
	if no != nil {
		return 0, nil, no
	}
	m := o.seat(c.PathValue("login"))
	if m == nil {
		return 0, nil, notFound()
	}
	return http.StatusOK, s.renderSeat(o, m), nil
}

func (s *Server) putMembership(c *call) (int, any, *refusal) {
	var in struct {
		Role string `json:"role"`
	}
	o, no := s.within(c)
	if no != nil {
		return 0, nil, no
	}
	if no := decode(c, &in); no != nil {
		return 0, nil, no
	}
	if in.Role == "" {
		in.Role = RoleMember
	}
	u := s.userNamed(c.PathValue("login"))
	switch {
	case u == nil:
		return 0, nil, notFound()
	case in.Role != RoleOwner && in.Role != RoleMember:
		return 0, nil, unprocessable("OrganizationMembership", "role", "invalid", "")
	}
	now := Membership{Login: u.login, Role: in.Role, State: StatePending}
	had := o.seat(u.login)
	if had != nil {
		if in.Role != RoleOwner && o.lastOwner(had) {
			return 0, nil, forbidden("An organization needs an owner.")
		}
		now.State = had.State
	}
	if (had == nil || *had != now) && s.keeps() {
		if had == nil {
			o.seats = append(o.seats, &now)
		} else {
			*had = now
		}
	}
	return http.StatusOK, s.renderSeat(o, &now), nil
}

// deleteMembership takes somebody out, and what they might do in its repositories.
func (s *Server) deleteMembership(c *call) (int, any, *refusal) {
	o, no := s.within(c)
	if no != nil {
		return 0, nil, no
	}
	m := o.seat(c.PathValue("login"))
	switch {
	case m == nil:
		return 0, nil, notFound()
	case o.lastOwner(m):
		return 0, nil, forbidden("An organization needs an owner.")
	case !s.keeps():
		return http.StatusNoContent, nil, nil
	}
	low := strings.ToLower(m.Login)
	had := &departed{role: m.Role, rights: map[string]int{}}
	for _, r := range s.repos {
		if level, ok := r.rights[low]; ok && strings.EqualFold(r.owner, o.name) {
			had.rights[r.full()] = level
			delete(r.rights, low)
		}
	}
	if m.State == StateActive {
		o.left[low] = had
	}
	o.seats = slices.DeleteFunc(o.seats, func(one *Membership) bool { return one == m })
	return http.StatusNoContent, nil, nil
}

func (s *Server) listMembers(c *call) (int, any, *refusal) {
	o, no := s.within(c)
	if no != nil {
		return 0, nil, no
	}
	role := c.URL.Query().Get("role")
	var logins []string
	for _, m := range o.seats {
		if m.State == StateActive && (role == "" || role == "all" || role == m.Role) {
			logins = append(logins, m.Login)
		}
	}
	return page(s, c, logins, s.renderUser)
}

func (s *Server) createInvitation(c *call) (int, any, *refusal) {
	var in struct {
		Invitee int64  `json:"invitee_id"`
		Role    string `json:"role"`
	}
	o, no := s.within(c)
	if no != nil {
		return 0, nil, no
	}
	if no := decode(c, &in); no != nil {
		return 0, nil, no
	}
	u := find(s.users, func(u *user) bool { return u.id == in.Invitee })
	if u == nil {
		return 0, nil, unprocessable("OrganizationInvitation", "invitee_id", "invalid", "")
	}
	had, role := o.left[strings.ToLower(u.login)], in.Role
	switch {
	case o.seat(u.login) != nil:
		return 0, nil, unprocessable("OrganizationInvitation", "invitee_id", "unprocessable", "Invitee is already a part of this organization or has a pending invitation")
	case role == roleReinstate && had == nil:
		return 0, nil, unprocessable("OrganizationInvitation", "role", "invalid", "")
	case role == roleReinstate:
		role = had.role
	case role == "" || role == "direct_member":
		role = RoleMember
	case role != RoleOwner:
		return 0, nil, unprocessable("OrganizationInvitation", "role", "invalid", "")
	}
	if s.keeps() {
		o.seats = append(o.seats, &Membership{Login: u.login, Role: role, State: StatePending})
		if in.Role != roleReinstate {
			delete(o.left, strings.ToLower(u.login))
		}
	}
	return http.StatusCreated, obj{"id": s.id(), "login": u.login, "role": in.Role, "created_at": stamp(s.clock.Now())}, nil
}
