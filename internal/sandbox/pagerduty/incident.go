package pagerduty

import (
	"fmt"
	"time"
)

const (
	triggered    = "triggered"
	acknowledged = "acknowledged"
	resolved     = "resolved"
)

// incident is what the account knows of one incident. All its methods expect the
// server's lock to be held.
type incident struct {
	id, key, title, details string
	number                  int
	status, urgency         string
	service                 *Service
	policy                  *EscalationPolicy
	priority                *Priority
	created, updated        time.Time
	statusAt                time.Time
	statusBy                actor
	resolvedAt              time.Time
	assignments             []assignment
	acks                    []assignment
	assignedBy              string // escalation_policy or direct_assignment
	level, loop             int    // level counts from 1; loop from 0
	bridgeNumber, bridgeURL string
	alerts                  []*alert
	notes                   []*note
	updates                 []*statusUpdate
	responders              []*responder
	notifications           []Notification
	stopClimb, stopAck      func() bool
	climbAt                 time.Time
	timer                   int // generation: a timer of an older one does nothing
}

type assignment struct {
	at     time.Time
	userID string
}

type alert struct {
	id, key, summary, severity, status string
	created                            time.Time
}

type note struct {
	id, userID, content string
	at                  time.Time
}

type statusUpdate struct {
	id, userID, message, subject, html string
	at                                 time.Time
}

type responder struct {
	userID, requesterID, message, state string // state: pending, joined, declined
	policyID                            string // asked through an escalation policy
	requested, updated                  time.Time
}

// actor is who did something: a user, a service (an event) or the account's own timers.
type actor struct {
	userID, serviceID string
	channel           string // api, website, timeout, auto, mobile
}

type logEntry struct {
	id, kind, summary string
	at                time.Time
	by                actor
	incident          *incident
	userIDs           []string
	note              string
}

func (in *incident) stopTimers() {
	in.timer++
	if in.stopClimb != nil {
		in.stopClimb()
	}
	if in.stopAck != nil {
		in.stopAck()
	}
	in.stopClimb, in.stopAck, in.climbAt = nil, nil, time.Time{}
}

func (in *incident) assignees() []string {
	out := make([]string, 0, len(in.assignments))
	for _, a := range in.assignments {
		out = append(out, a.userID)
	}
	return out
}

func (s *Server) log(in *incident, kind, summary string, by actor, users ...string) {
	s.entries = append(s.entries, &logEntry{id: s.id("R", 13), kind: kind, summary: summary,
		at: s.clock.Now(), by: by, incident: in, userIDs: users})
	in.updated = s.clock.Now()
}

func (s *Server) actorName(by actor) string {
	if u := s.user(by.userID); u != nil {
		return u.Name
	}
	if v := s.service(by.serviceID); v != nil {
		return v.Name
	}
	if by.channel == "timeout" {
		return "timeout"
	}
	return "the API"
}

// open creates an incident, pages its first rung and says incident.triggered.
func (s *Server) open(in *incident, by actor, direct []string) *incident {
	now := s.clock.Now()
	in.id, in.number = s.id("Q", 13), len(s.incidents)+1
	in.status, in.created, in.updated, in.statusAt, in.statusBy = triggered, now, now, now, by
	if in.urgency == "" {
		in.urgency = "high"
		if in.service.LowUrgency {
			in.urgency = "low"
		}
	}
	if in.policy == nil {
		in.policy = s.policy(in.service.PolicyID)
	}
	s.incidents = append(s.incidents, in)
	how := "API"
	if by.channel == "events" {
		how = "Events API v2"
	}
	s.log(in, "trigger_log_entry", "Triggered through the "+how, by)
	if len(direct) > 0 {
		s.assign(in, direct, "direct_assignment", by)
	} else {
		s.climb(in, 1, by)
	}
	s.say(in, "incident.triggered", by, nil)
	s.changed()
	return in
}

// assign hands the incident to users and pages each of them.
func (s *Server) assign(in *incident, users []string, via string, by actor) {
	now := s.clock.Now()
	in.assignments, in.assignedBy = nil, via
	for _, id := range users {
		in.assignments = append(in.assignments, assignment{at: now, userID: id})
		s.log(in, "assign_log_entry", "Assigned to "+s.user(id).Name, by, id)
	}
	s.notify(in, users)
}

func (s *Server) notify(in *incident, users []string) {
	for _, id := range users {
		u := s.user(id)
		for _, c := range u.Contacts {
			if in.urgency == "low" && c.Type != "email_contact_method" {
				continue // low urgency does not wake anybody
			}
			in.notifications = append(in.notifications, Notification{At: s.clock.Now(), UserID: id, User: u.Name,
				Type: c.Type, Address: c.Address, Level: in.level})
			s.log(in, "notify_log_entry", fmt.Sprintf("Notified %s via %s", u.Name, c.Type), actor{channel: "auto"}, id)
		}
	}
}

// acknowledge stops the climb. It reports whether anything changed.
func (s *Server) acknowledge(in *incident, by actor) bool {
	if in.status == resolved {
		return false
	}
	again := in.status == acknowledged
	for _, a := range in.acks {
		if again && a.userID == by.userID {
			return false
		}
	}
	in.stopTimers()
	now := s.clock.Now()
	in.acks = append(in.acks, assignment{at: now, userID: by.userID})
	in.status, in.statusAt, in.statusBy = acknowledged, now, by
	for _, a := range in.alerts {
		if a.status == triggered {
			a.status = acknowledged
		}
	}
	s.log(in, "acknowledge_log_entry", "Acknowledged by "+s.actorName(by), by)
	s.say(in, "incident.acknowledged", by, nil)
	s.armAckTimeout(in)
	s.changed()
	return true
}

// unacknowledge makes it ring again at the level it stood on.
func (s *Server) unacknowledge(in *incident, by actor) bool {
	if in.status != acknowledged {
		return false
	}
	in.stopTimers()
	in.acks = nil
	in.status, in.statusAt, in.statusBy = triggered, s.clock.Now(), by
	s.log(in, "unacknowledge_log_entry", "Unacknowledged by "+s.actorName(by), by)
	s.say(in, "incident.unacknowledged", by, nil)
	s.notify(in, in.assignees())
	s.armClimb(in)
	s.changed()
	return true
}

func (s *Server) resolve(in *incident, by actor) bool {
	if in.status == resolved {
		return false
	}
	in.stopTimers()
	now := s.clock.Now()
	in.status, in.statusAt, in.statusBy, in.resolvedAt = resolved, now, by, now
	in.assignments, in.acks = nil, nil
	for _, a := range in.alerts {
		a.status = resolved
	}
	s.log(in, "resolve_log_entry", "Resolved by "+s.actorName(by), by)
	s.say(in, "incident.resolved", by, nil)
	s.changed()
	return true
}

// reopen pages the first rung again.
func (s *Server) reopen(in *incident, by actor) bool {
	if in.status != resolved {
		return false
	}
	in.status, in.statusAt, in.statusBy, in.resolvedAt = triggered, s.clock.Now(), by, time.Time{}
	s.log(in, "reopen_log_entry", "Reopened by "+s.actorName(by), by)
	in.loop = 0
	s.climb(in, 1, by)
	s.say(in, "incident.reopened", by, nil)
	s.changed()
	return true
}

// reassign hands it to named users; it rings again for them.
func (s *Server) reassign(in *incident, users []string, by actor) {
	in.stopTimers()
	s.backToTriggered(in, by)
	s.assign(in, users, "direct_assignment", by)
	s.say(in, "incident.reassigned", by, nil)
	s.changed()
}

// delegate hands it to another ladder, from its first rung.
func (s *Server) delegate(in *incident, p *EscalationPolicy, by actor) {
	in.policy, in.loop = p, 0
	s.backToTriggered(in, by)
	s.log(in, "delegate_log_entry", "Reassigned to "+p.Name, by)
	s.climb(in, 1, by)
	s.say(in, "incident.delegated", by, nil)
	s.changed()
}

// escalate moves it to a rung by hand.
func (s *Server) escalate(in *incident, level int, by actor) {
	s.backToTriggered(in, by)
	s.log(in, "escalate_log_entry", fmt.Sprintf("Escalated to level %d by %s", level, s.actorName(by)), by)
	s.climb(in, level, by)
	s.say(in, "incident.escalated", by, nil)
	s.changed()
}

func (s *Server) backToTriggered(in *incident, by actor) {
	in.acks = nil
	if in.status == acknowledged {
		in.status, in.statusAt, in.statusBy = triggered, s.clock.Now(), by
	}
}

func (s *Server) prioritise(in *incident, p *Priority, by actor) {
	if in.priority == p {
		return
	}
	in.priority = p
	name := "none"
	if p != nil {
		name = p.Name
	}
	s.log(in, "priority_change_log_entry", "Priority changed to "+name, by)
	s.say(in, "incident.priority_updated", by, nil)
	s.changed()
}
