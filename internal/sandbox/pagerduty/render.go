package pagerduty

import (
	"fmt"
	"time"
)

// stamp writes a time as PagerDuty does; the zero time is null.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(time.RFC3339)
}

// ref is a reference to an object: "user" gives a user_reference.
func (s *Server) ref(kind, path, id, summary string) obj {
	return obj{"id": id, "type": kind + "_reference", "summary": summary,
		"self": s.conf.BaseURL + "/" + path + "/" + id, "html_url": s.conf.WebURL + "/" + path + "/" + id}
}

func (s *Server) userRef(id string) obj {
	u := s.user(id)
	if u == nil {
		return nil
	}
	return s.ref("user", "users", u.ID, u.Name)
}

func (s *Server) serviceRef(v *Service) obj { return s.ref("service", "services", v.ID, v.Name) }

func (s *Server) policyRef(p *EscalationPolicy) any {
	if p == nil {
		return nil
	}
	return s.ref("escalation_policy", "escalation_policies", p.ID, p.Name)
}

func (s *Server) incidentRef(in *incident) obj {
	return s.ref("incident", "incidents", in.id, in.title)
}

// agentRef is who did it: a user, or the service whose event it was.
func (s *Server) agentRef(by actor) any {
	if u := s.userRef(by.userID); u != nil {
		return u
	}
	if v := s.service(by.serviceID); v != nil {
		return s.serviceRef(v)
	}
	return nil
}

func (s *Server) full(kind, path, id, summary string) obj {
	o := s.ref(kind, path, id, summary)
	o["type"] = kind
	return o
}

func (s *Server) renderIncident(in *incident) obj {
	o := s.full("incident", "incidents", in.id, fmt.Sprintf("[#%d] %s", in.number, in.title))
	o["incident_number"], o["title"], o["description"] = in.number, in.title, in.title
	o["created_at"], o["updated_at"], o["resolved_at"] = stamp(in.created), stamp(in.updated), stamp(in.resolvedAt)
	o["status"], o["urgency"] = in.status, in.urgency
	o["incident_key"] = nil
	if in.key != "" {
		o["incident_key"] = in.key
	}
	o["service"], o["escalation_policy"] = s.serviceRef(in.service), s.policyRef(in.policy)
	o["teams"], o["is_mergeable"] = []obj{}, true
	o["assignments"], o["acknowledgements"] = s.renderAssigned(in.assignments, "assignee"), s.renderAssigned(in.acks, "acknowledger")
	o["assigned_via"] = in.assignedBy
	o["last_status_change_at"], o["last_status_change_by"] = stamp(in.statusAt), s.agentRef(in.statusBy)
	if o["last_status_change_by"] == nil {
		o["last_status_change_by"] = s.serviceRef(in.service)
	}
	o["pending_actions"] = []obj{}
	if !in.climbAt.IsZero() {
		o["pending_actions"] = []obj{{"type": "escalate", "at": stamp(in.climbAt)}}
	}
	o["priority"] = nil
	if in.priority != nil {
		o["priority"] = s.renderPriority(in.priority)
	}
	if in.bridgeNumber != "" || in.bridgeURL != "" {
		o["conference_bridge"] = obj{"conference_number": in.bridgeNumber, "conference_url": in.bridgeURL}
	}
	if in.details != "" {
		o["body"] = obj{"type": "incident_body", "details": in.details}
	}
	for _, e := range s.entries {
		if e.incident == in && e.kind == "trigger_log_entry" {
			o["first_trigger_log_entry"] = s.ref("trigger_log_entry", "log_entries", e.id, e.summary)
			break
		}
	}
	o["incidents_responders"] = s.renderResponders(in)
	open, shut := 0, 0
	for _, a := range in.alerts {
		if a.status == resolved {
			shut++
		} else {
			open++
		}
	}
	o["alert_counts"] = obj{"all": open + shut, "triggered": open, "resolved": shut}
	return o
}

func (s *Server) renderAssigned(all []assignment, who string) []obj {
	out := []obj{}
	for _, a := range all {
		by := s.userRef(a.userID)
		if by == nil {
			continue // acknowledged by an event
		}
		out = append(out, obj{"at": stamp(a.at), who: by})
	}
	return out
}

func (s *Server) renderResponders(in *incident) []obj {
	out := []obj{}
	for _, p := range in.responders {
		out = append(out, s.renderResponder(in, p))
	}
	return out
}

func (s *Server) renderResponder(in *incident, p *responder) obj {
	return obj{"state": p.state, "user": s.userRef(p.userID), "incident": s.incidentRef(in),
		"updated_at": stamp(p.updated), "message": p.message, "requester": s.userRef(p.requesterID),
		"requested_at": stamp(p.requested)}
}

func (s *Server) renderPriority(p *Priority) obj {
	o := s.full("priority", "priorities", p.ID, p.Name)
	o["name"], o["description"] = p.Name, p.Description
	return o
}

func (s *Server) renderUser(u *User) obj {
	o := s.full("user", "users", u.ID, u.Name)
	o["name"], o["email"], o["time_zone"], o["role"], o["job_title"] = u.Name, u.Email, u.TimeZone, u.Role, u.JobTitle
	o["color"], o["description"], o["invitation_sent"] = "teal", nil, false
	o["teams"], o["notification_rules"] = []obj{}, []obj{}
	refs := []obj{}
	for _, m := range u.Contacts {
		refs = append(refs, obj{"id": m.ID, "type": m.Type + "_reference", "summary": m.Label,
			"self": s.conf.BaseURL + "/users/" + u.ID + "/contact_methods/" + m.ID, "html_url": nil})
	}
	o["contact_methods"] = refs
	return o
}

func (s *Server) renderContact(u *User, m ContactMethod) obj {
	o := obj{"id": m.ID, "type": m.Type, "summary": m.Label, "label": m.Label, "address": m.Address,
		"self": s.conf.BaseURL + "/users/" + u.ID + "/contact_methods/" + m.ID, "html_url": nil}
	switch m.Type {
	case "phone_contact_method", "sms_contact_method":
		o["country_code"], o["blacklisted"] = max(1, m.CountryCode), false
		if m.Type == "sms_contact_method" {
			o["enabled"] = true
		}
	case "email_contact_method":
		o["send_short_email"] = false
	}
	return o
}

func (s *Server) renderPolicy(p *EscalationPolicy) obj {
	o := s.full("escalation_policy", "escalation_policies", p.ID, p.Name)
	rules := []obj{}
	for _, r := range p.Rules {
		targets := []obj{}
		for _, id := range r.Targets {
			if s.user(id) != nil {
				targets = append(targets, s.userRef(id))
			}
			if c := find(s.schedules, func(c *Schedule) bool { return c.ID == id }); c != nil {
				targets = append(targets, s.ref("schedule", "schedules", c.ID, c.Name))
			}
		}
		rules = append(rules, obj{"id": r.ID, "escalation_delay_in_minutes": int(r.Delay.Minutes()), "targets": targets})
	}
	services := []obj{}
	for _, v := range s.services {
		if v.PolicyID == p.ID {
			services = append(services, s.serviceRef(v))
		}
	}
	o["name"], o["escalation_rules"], o["num_loops"] = p.Name, rules, p.Loops
	o["services"], o["teams"], o["description"] = services, []obj{}, nil
	o["on_call_handoff_notifications"] = "if_has_services"
	return o
}

func (s *Server) renderService(v *Service) obj {
	o := s.full("service", "services", v.ID, v.Name)
	o["name"], o["description"], o["status"] = v.Name, nil, s.serviceStatus(v)
	o["created_at"], o["teams"], o["alert_creation"] = stamp(time.Time{}), []obj{}, v.AlertCreation
	o["escalation_policy"] = s.policyRef(s.policy(v.PolicyID))
	o["auto_resolve_timeout"], o["acknowledgement_timeout"] = nil, nil
	if v.AckTimeout > 0 {
		o["acknowledgement_timeout"] = int(v.AckTimeout.Seconds())
	}
	urgency := "high"
	if v.LowUrgency {
		urgency = "low"
	}
	o["incident_urgency_rule"] = obj{"type": "constant", "urgency": urgency}
	o["integrations"] = []obj{}
	return o
}

func (s *Server) serviceStatus(v *Service) string {
	worst := "active"
	for _, in := range s.incidents {
		if in.service != v {
			continue
		}
		if in.status == triggered {
			return "critical"
		}
		if in.status == acknowledged {
			worst = "warning"
		}
	}
	return worst
}

func (s *Server) renderEntry(e *logEntry) obj {
	o := obj{"id": e.id, "type": e.kind, "summary": e.summary, "created_at": stamp(e.at),
		"self": s.conf.BaseURL + "/log_entries/" + e.id, "html_url": nil,
		"agent": s.agentRef(e.by), "channel": obj{"type": e.by.channel}, "teams": []obj{}, "contexts": []obj{},
		"incident": s.incidentRef(e.incident), "service": s.serviceRef(e.incident.service)}
	if o["agent"] == nil {
		o["agent"] = s.serviceRef(e.incident.service)
	}
	if e.note != "" {
		o["channel"] = obj{"type": "note", "summary": e.note}
	}
	people := []obj{}
	for _, id := range e.userIDs {
		people = append(people, s.userRef(id))
	}
	if len(people) > 0 {
		o["assignees"], o["user"] = people, people[0]
	}
	return o
}
