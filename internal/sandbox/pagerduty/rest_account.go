package pagerduty

import (
	"net/http"
	"slices"
	"strings"
)

func contains(text, query string) bool {
	return query == "" || strings.Contains(strings.ToLower(text), strings.ToLower(query))
}

func filter[T any](all []*T, keep func(*T) bool) []*T {
	var out []*T
	for _, one := range all {
		if keep(one) {
			out = append(out, one)
		}
	}
	return out
}

func (s *Server) listPriorities(c *call) (int, any, *refusal) {
	return page(c, "priorities", s.priorities, s.renderPriority)
}

func (s *Server) listPolicies(c *call) (int, any, *refusal) {
	q := c.URL.Query()
	return page(c, "escalation_policies", filter(s.policies, func(p *EscalationPolicy) bool {
		return contains(p.Name, q.Get("query"))
	}), s.renderPolicy)
}

func (s *Server) getPolicy(c *call) (int, any, *refusal) {
	p := s.policy(c.PathValue("id"))
	if p == nil {
		return 0, nil, notFound()
	}
	return http.StatusOK, obj{"escalation_policy": s.renderPolicy(p)}, nil
}

// oncall is one person on one rung.
type oncall struct {
	policy   *EscalationPolicy
	level    int
	userID   string
	schedule *Schedule
}

// listOnCalls answers for this moment; since and until are checked but do not widen it.
// With earliest only a person's lowest rung of each policy is listed.
func (s *Server) listOnCalls(c *call) (int, any, *refusal) {
	if _, _, no := timeRange(c); no != nil {
		return 0, nil, no
	}
	q := c.URL.Query()
	var out []oncall
	seen := map[string]bool{}
	for _, p := range s.policies {
		if !wanted(q["escalation_policy_ids[]"], p.ID) {
			continue
		}
		for i, r := range p.Rules {
			for _, o := range s.onRung(p, i+1, r) {
				if !s.wantedOnCall(c, o) || q.Get("earliest") == "true" && seen[p.ID+o.userID] {
					continue
				}
				seen[p.ID+o.userID] = true
				out = append(out, o)
			}
		}
	}
	return page(c, "oncalls", out, func(o oncall) obj { return s.renderOnCall(c, o) })
}

func (s *Server) onRung(p *EscalationPolicy, level int, r Rule) []oncall {
	var out []oncall
	for _, id := range r.Targets {
		o := oncall{policy: p, level: level, userID: id}
		if sched := find(s.schedules, func(x *Schedule) bool { return x.ID == id }); sched != nil {
			o.schedule = sched
			o.userID, _, _ = sched.turn(s.clock.Now())
		}
		if s.user(o.userID) != nil {
			out = append(out, o)
		}
	}
	return out
}

func (s *Server) wantedOnCall(c *call, o oncall) bool {
	q := c.URL.Query()
	if !wanted(q["user_ids[]"], o.userID) {
		return false
	}
	if len(q["schedule_ids[]"]) == 0 {
		return true
	}
	return o.schedule != nil && slices.Contains(q["schedule_ids[]"], o.schedule.ID)
}

func (s *Server) renderOnCall(c *call, o oncall) obj {
	out := obj{"user": s.userRef(o.userID), "schedule": nil, "escalation_policy": s.policyRef(o.policy),
		"escalation_level": o.level, "start": nil, "end": nil}
	if slices.Contains(c.URL.Query()["include[]"], "users") {
		out["user"] = s.renderUser(s.user(o.userID))
	}
	if o.schedule != nil {
		_, start, end := o.schedule.turn(s.clock.Now())
		out["schedule"] = s.ref("schedule", "schedules", o.schedule.ID, o.schedule.Name)
		out["start"], out["end"] = stamp(start), stamp(end)
	}
	return out
}

func (s *Server) listUsers(c *call) (int, any, *refusal) {
	query := c.URL.Query().Get("query")
	found := filter(s.users, func(u *User) bool { return contains(u.Name, query) || contains(u.Email, query) })
	return page(c, "users", found, func(u *User) obj { return s.userWith(c, u) })
}

func (s *Server) userWith(c *call, u *User) obj {
	o := s.renderUser(u)
	if slices.Contains(c.URL.Query()["include[]"], "contact_methods") {
		o["contact_methods"] = s.renderContacts(u)
	}
	return o
}

func (s *Server) renderContacts(u *User) []obj {
	out := []obj{}
	for _, m := range u.Contacts {
		out = append(out, s.renderContact(u, m))
	}
	return out
}

func (s *Server) getUser(c *call) (int, any, *refusal) {
	u := s.user(c.PathValue("id"))
	if u == nil {
		return 0, nil, notFound()
	}
	return http.StatusOK, obj{"user": s.userWith(c, u)}, nil
}

// getMe knows nobody when asked with an account-level key.
func (s *Server) getMe(c *call) (int, any, *refusal) {
	if c.me == nil {
		return 0, nil, &refusal{http.StatusBadRequest, codeInvalid, "Invalid Input Provided",
			[]string{"This endpoint requires a user-level API key; an account-level key has no user"}}
	}
	return http.StatusOK, obj{"user": s.userWith(c, c.me)}, nil
}

func (s *Server) listContacts(c *call) (int, any, *refusal) {
	u := s.user(c.PathValue("id"))
	if u == nil {
		return 0, nil, notFound()
	}
	return http.StatusOK, obj{"contact_methods": s.renderContacts(u)}, nil
}

func (s *Server) listServices(c *call) (int, any, *refusal) {
	return page(c, "services", filter(s.services, func(v *Service) bool {
		return contains(v.Name, c.URL.Query().Get("query"))
	}), s.renderService)
}

func (s *Server) getService(c *call) (int, any, *refusal) {
	v := s.service(c.PathValue("id"))
	if v == nil {
		return 0, nil, notFound()
	}
	return http.StatusOK, obj{"service": s.renderService(v)}, nil
}

func (s *Server) renderSchedule(x *Schedule) obj {
	o := s.full("schedule", "schedules", x.ID, x.Name)
	o["name"], o["time_zone"], o["description"] = x.Name, x.TimeZone, nil
	users := []obj{}
	for _, id := range x.OnCall {
		users = append(users, s.userRef(id))
	}
	policies := []obj{}
	for _, p := range s.policies {
		if slices.ContainsFunc(p.Rules, func(r Rule) bool { return slices.Contains(r.Targets, x.ID) }) {
			policies = append(policies, s.ref("escalation_policy", "escalation_policies", p.ID, p.Name))
		}
	}
	o["users"], o["escalation_policies"], o["teams"] = users, policies, []obj{}
	return o
}

func (s *Server) listSchedules(c *call) (int, any, *refusal) {
	return page(c, "schedules", filter(s.schedules, func(x *Schedule) bool {
		return contains(x.Name, c.URL.Query().Get("query"))
	}), s.renderSchedule)
}

func (s *Server) getSchedule(c *call) (int, any, *refusal) {
	x := find(s.schedules, func(x *Schedule) bool { return x.ID == c.PathValue("id") })
	if x == nil {
		return 0, nil, notFound()
	}
	return http.StatusOK, obj{"schedule": s.renderSchedule(x)}, nil
}

func (s *Server) listAbilities(*call) (int, any, *refusal) {
	out := []string{}
	for _, name := range []string{"coordinated_responding", "event_rules", "response_operations", "urgencies"} {
		if !s.lacking[name] {
			out = append(out, name)
		}
	}
	return http.StatusOK, obj{"abilities": out}, nil
}

func (s *Server) listLog(c *call) (int, any, *refusal) { return s.pageLog(c, nil) }

func (s *Server) listIncidentLog(c *call) (int, any, *refusal) {
	in := s.incident(c.PathValue("id"))
	if in == nil {
		return 0, nil, notFound()
	}
	return s.pageLog(c, in)
}

// pageLog lists newest first. is_overview leaves notifications out.
func (s *Server) pageLog(c *call, of *incident) (int, any, *refusal) {
	since, until, no := timeRange(c)
	if no != nil {
		return 0, nil, no
	}
	overview := c.URL.Query().Get("is_overview") == "true"
	out := filter(s.entries, func(e *logEntry) bool {
		return (of == nil || e.incident == of) && !e.at.Before(since) && !e.at.After(until) &&
			(!overview || e.kind != "notify_log_entry")
	})
	slices.Reverse(out)
	return page(c, "log_entries", out, s.renderEntry)
}

func (s *Server) getLogEntry(c *call) (int, any, *refusal) {
	e := find(s.entries, func(e *logEntry) bool { return e.id == c.PathValue("id") })
	if e == nil {
		return 0, nil, notFound()
	}
	return http.StatusOK, obj{"log_entry": s.renderEntry(e)}, nil
}
