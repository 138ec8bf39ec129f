package pagerduty

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const maxBulk = 250 // incidents of one PUT /incidents

type reference struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

type assignee struct {
	Assignee reference `json:"assignee"`
}

// asked is what a caller wants of an incident, on creation or later. Raw fields tell
// null from absent.
type asked struct {
	ID          string          `json:"id"`
	Type        string          `json:"type"`
	Title       *string         `json:"title"`
	Service     *reference      `json:"service"`
	Priority    json.RawMessage `json:"priority"`
	Urgency     string          `json:"urgency"`
	IncidentKey string          `json:"incident_key"`
	Body        *struct {
		Type    string `json:"type"`
		Details string `json:"details"`
	} `json:"body"`
	EscalationPolicy *reference `json:"escalation_policy"`
	EscalationLevel  *int       `json:"escalation_level"`
	Assignments      []assignee `json:"assignments"`
	Status           string     `json:"status"`
	Resolution       string     `json:"resolution"`
	ConferenceBridge *struct {
		Number *string `json:"conference_number"`
		URL    *string `json:"conference_url"`
	} `json:"conference_bridge"`
}

func (s *Server) incident(id string) *incident {
	return find(s.incidents, func(in *incident) bool { return in.id == id })
}

func (s *Server) listIncidents(c *call) (int, any, *refusal) {
	q := c.URL.Query()
	since, until, no := timeRange(c)
	if no != nil {
		return 0, nil, no
	}
	for _, v := range q["statuses[]"] {
		if !slices.Contains([]string{triggered, acknowledged, resolved}, v) {
			return 0, nil, invalid("statuses[] must be triggered, acknowledged or resolved")
		}
	}
	var out []*incident
	for _, in := range slices.Backward(s.incidents) { // newest first
		switch {
		case !wanted(q["statuses[]"], in.status), !wanted(q["service_ids[]"], in.service.ID), !wanted(q["urgencies[]"], in.urgency):
		case q.Get("incident_key") != "" && !in.hasKey(q.Get("incident_key")):
		case len(q["user_ids[]"]) > 0 && !overlap(q["user_ids[]"], in.assignees()):
		case q.Get("date_range") != "all" && (in.created.Before(since) || in.created.After(until)):
		default:
			out = append(out, in)
		}
	}
	if q.Get("sort_by") == "created_at:asc" || q.Get("sort_by") == "incident_number:asc" {
		slices.Reverse(out)
	}
	return page(c, "incidents", out, s.renderIncident)
}

// timeRange reads since and until; without them nothing is left out.
func timeRange(c *call) (since, until time.Time, no *refusal) {
	until = time.Unix(1<<40, 0)
	var err error
	if v := c.URL.Query().Get("since"); v != "" {
		if since, err = time.Parse(time.RFC3339, v); err != nil {
			return since, until, invalid("since must be an ISO 8601 time")
		}
	}
	if v := c.URL.Query().Get("until"); v != "" {
		if until, err = time.Parse(time.RFC3339, v); err != nil {
			return since, until, invalid("until must be an ISO 8601 time")
		}
	}
	return since, until, nil
}

func wanted(list []string, v string) bool { return len(list) == 0 || slices.Contains(list, v) }

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(v string) bool { return slices.Contains(b, v) })
}

// hasKey: an incident with alerts is found by the keys of its alerts.
func (in *incident) hasKey(key string) bool {
	return in.key == key || slices.ContainsFunc(in.alerts, func(a *alert) bool { return a.key == key })
}

func (s *Server) getIncident(c *call) (int, any, *refusal) {
	in := s.incident(c.PathValue("id"))
	if in == nil {
		return 0, nil, notFound()
	}
	return http.StatusOK, obj{"incident": s.renderIncident(in)}, nil
}

func (s *Server) createIncident(c *call) (int, any, *refusal) {
	if no := s.needFrom(c); no != nil {
		return 0, nil, no
	}
	var body struct {
		Incident *asked `json:"incident"`
	}
	if no := decode(c, &body); no != nil {
		return 0, nil, no
	}
	a := body.Incident
	if a == nil {
		return 0, nil, invalid("Incident is required")
	}
	in, direct, no := s.fromRequest(a)
	if no != nil {
		return 0, nil, no
	}
	if in.key == "" {
		in.key = strings.ToLower(s.id("", 12) + s.id("", 12) + s.id("", 8))
	}
	s.open(in, c.by(), direct)
	return http.StatusCreated, obj{"incident": s.renderIncident(in)}, nil
}

// fromRequest checks a creation wholly before anything is made.
func (s *Server) fromRequest(a *asked) (*incident, []string, *refusal) {
	if a.Type != "incident" {
		return nil, nil, invalid("Incident type must be incident")
	}
	if a.Title == nil || *a.Title == "" {
		return nil, nil, invalid("Title cannot be empty")
	}
	if utf8.RuneCountInString(*a.Title) > maxSummary {
		return nil, nil, invalid("Title is too long (maximum is 1024 characters)")
	}
	if a.Service == nil || a.Service.ID == "" {
		return nil, nil, invalid("Service cannot be empty")
	}
	if a.Service.Type != "service_reference" && a.Service.Type != "service" {
		return nil, nil, invalid("Service type must be service_reference")
	}
	in := &incident{title: *a.Title, service: s.service(a.Service.ID), key: a.IncidentKey, urgency: a.Urgency}
	if in.service == nil {
		return nil, nil, invalid("Service not found")
	}
	if !slices.Contains([]string{"", "high", "low"}, a.Urgency) {
		return nil, nil, invalid("Urgency must be high or low")
	}
	if utf8.RuneCountInString(a.IncidentKey) > maxDedupKey {
		return nil, nil, invalid("Incident key is too long (maximum is 255 characters)")
	}
	if a.IncidentKey != "" && s.keyTaken(in.service, a.IncidentKey) {
		return nil, nil, arguments("Open incident with matching dedup key already exists on this service")
	}
	var no *refusal
	if in.priority, no = s.askedPriority(a.Priority); no != nil {
		return nil, nil, no
	}
	if a.EscalationPolicy != nil && len(a.Assignments) > 0 {
		return nil, nil, invalid("Assignments cannot be specified if an escalation policy is given")
	}
	if a.EscalationPolicy != nil {
		if in.policy = s.policy(a.EscalationPolicy.ID); in.policy == nil {
			return nil, nil, invalid("Escalation policy not found")
		}
	}
	direct, no := s.askedUsers(a.Assignments)
	if no != nil {
		return nil, nil, no
	}
	if a.Body != nil {
		in.details = a.Body.Details
	}
	if b := a.ConferenceBridge; b != nil {
		in.setBridge(b.Number, b.URL)
	}
	return in, direct, nil
}

func (s *Server) keyTaken(v *Service, key string) bool {
	return slices.ContainsFunc(s.incidents, func(in *incident) bool {
		return in.service == v && in.status != resolved && in.hasKey(key)
	})
}

// askedPriority: the schema forbids null, so a client that sends "priority":null for
// "none" is refused.
func (s *Server) askedPriority(raw json.RawMessage) (*Priority, *refusal) {
	if raw == nil {
		return nil, nil
	}
	var r *reference
	if err := json.Unmarshal(raw, &r); err != nil || r == nil {
		return nil, invalid("Priority must be a priority reference, not null")
	}
	p := s.priority(r.ID)
	if p == nil {
		return nil, invalid("Priority not found")
	}
	return p, nil
}

func (s *Server) askedUsers(list []assignee) ([]string, *refusal) {
	var out []string
	for _, a := range list {
		if s.user(a.Assignee.ID) == nil {
			return nil, invalid("Assignee not found")
		}
		out = append(out, a.Assignee.ID)
	}
	return out, nil
}

func (in *incident) setBridge(number, url *string) {
	if number != nil {
		in.bridgeNumber = *number
	}
	if url != nil {
		in.bridgeURL = *url
	}
}

func (s *Server) updateIncident(c *call) (int, any, *refusal) {
	if no := s.needFrom(c); no != nil {
		return 0, nil, no
	}
	var body struct {
		Incident *asked `json:"incident"`
	}
	if no := decode(c, &body); no != nil {
		return 0, nil, no
	}
	in := s.incident(c.PathValue("id"))
	if in == nil {
		return 0, nil, notFound()
	}
	if body.Incident == nil {
		return 0, nil, invalid("Incident is required")
	}
	apply, no := s.planUpdate(in, body.Incident, c.by())
	if no != nil {
		return 0, nil, no
	}
	apply()
	return http.StatusOK, obj{"incident": s.renderIncident(in)}, nil
}

// updateIncidents is all or nothing: one refusal refuses the list.
func (s *Server) updateIncidents(c *call) (int, any, *refusal) {
	if no := s.needFrom(c); no != nil {
		return 0, nil, no
	}
	var body struct {
		Incidents []asked `json:"incidents"`
	}
	if no := decode(c, &body); no != nil {
		return 0, nil, no
	}
	if len(body.Incidents) == 0 {
		return 0, nil, invalid("Incidents cannot be empty")
	}
	if len(body.Incidents) > maxBulk {
		return 0, nil, &refusal{http.StatusRequestEntityTooLarge, codeInvalid, "Request Entity Too Large", []string{"at most 250 incidents"}}
	}
	var plans []func()
	var touched []*incident
	for i := range body.Incidents {
		in := s.incident(body.Incidents[i].ID)
		if in == nil {
			return 0, nil, invalid("Incident not found: " + body.Incidents[i].ID)
		}
		apply, no := s.planUpdate(in, &body.Incidents[i], c.by())
		if no != nil {
			return 0, nil, no
		}
		plans, touched = append(plans, apply), append(touched, in)
	}
	for _, apply := range plans {
		apply()
	}
	return page(c, "incidents", touched, s.renderIncident)
}

// planUpdate checks everything and returns what to do; nothing has changed when it refuses.
func (s *Server) planUpdate(in *incident, a *asked, by actor) (func(), *refusal) {
	if a.Type != "incident" && a.Type != "incident_reference" {
		return nil, invalid("Incident type must be incident or incident_reference")
	}
	moves := a.EscalationLevel != nil || len(a.Assignments) > 0 || a.EscalationPolicy != nil
	if !slices.Contains([]string{"", triggered, acknowledged, resolved}, a.Status) {
		return nil, invalid("Status must be triggered, acknowledged or resolved")
	}
	if in.status == resolved && (a.Status == acknowledged || a.Status == resolved || moves && a.Status == "") {
		return nil, &refusal{http.StatusBadRequest, 1001, "Incident Already Resolved", nil}
	}
	if a.Status == resolved && moves {
		return nil, invalid("An incident cannot be resolved and reassigned at once")
	}
	if a.Title != nil && (*a.Title == "" || utf8.RuneCountInString(*a.Title) > maxSummary) {
		return nil, invalid("Title must have 1 to 1024 characters")
	}
	p, no := s.askedPriority(a.Priority)
	if no != nil {
		return nil, no
	}
	users, no := s.askedUsers(a.Assignments)
	if no != nil {
		return nil, no
	}
	var policy *EscalationPolicy
	if a.EscalationPolicy != nil {
		if policy = s.policy(a.EscalationPolicy.ID); policy == nil {
			return nil, invalid("Escalation policy not found")
		}
	}
	if policy != nil && len(users) > 0 {
		return nil, invalid("Assignments cannot be specified if an escalation policy is given")
	}
	if l := a.EscalationLevel; l != nil && (in.policy == nil || *l < 1 || *l > len(in.policy.Rules)) {
		return nil, invalid("Escalation level is invalid")
	}
	return func() {
		s.applyUpdate(in, a, p, users, policy, by)
	}, nil
}

func (s *Server) applyUpdate(in *incident, a *asked, p *Priority, users []string, policy *EscalationPolicy, by actor) {
	if a.Title != nil {
		in.title, in.updated = *a.Title, s.clock.Now()
	}
	if slices.Contains([]string{"high", "low"}, a.Urgency) {
		in.urgency = a.Urgency
	}
	if p != nil {
		s.prioritise(in, p, by)
	}
	if b := a.ConferenceBridge; b != nil {
		in.setBridge(b.Number, b.URL)
		s.log(in, "conference_bridge_log_entry", "Conference bridge updated by "+s.actorName(by), by)
		s.say(in, "incident.conference_bridge.updated", by, s.bridgeData(in))
	}
	switch {
	case policy != nil:
		s.delegate(in, policy, by)
	case len(users) > 0:
		s.reassign(in, users, by)
	case a.EscalationLevel != nil:
		in.loop = 0
		s.escalate(in, *a.EscalationLevel, by)
	}
	switch a.Status {
	case acknowledged:
		s.acknowledge(in, by)
	case resolved:
		if a.Resolution != "" {
			s.annotate(in, "Resolution Note: "+a.Resolution, by)
		}
		s.resolve(in, by)
	case triggered:
		if !s.reopen(in, by) {
			s.unacknowledge(in, by)
		}
	}
	s.changed()
}

func (s *Server) listAlerts(c *call) (int, any, *refusal) {
	in := s.incident(c.PathValue("id"))
	if in == nil {
		return 0, nil, notFound()
	}
	return page(c, "alerts", in.alerts, func(a *alert) obj {
		status := "triggered"
		if a.status == resolved {
			status = resolved
		}
		o := s.full("alert", "alerts", a.id, a.summary)
		o["alert_key"], o["severity"], o["status"], o["created_at"] = a.key, a.severity, status, stamp(a.created)
		o["incident"], o["service"] = s.incidentRef(in), s.serviceRef(in.service)
		return o
	})
}
