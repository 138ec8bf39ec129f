package pagerduty

import (
	"fmt"
	"strings"
	"time"
)

// User is a person who can be paged.
type User struct {
	ID       string          `json:"id"`
	Name     string          `json:"name"`
	Email    string          `json:"email"`
	TimeZone string          `json:"time_zone"`
	Role     string          `json:"role"`
	JobTitle string          `json:"job_title"`
	Contacts []ContactMethod `json:"contact_methods"`
}

// ContactMethod is one way to reach a user. Type is email_contact_method,
// phone_contact_method, sms_contact_method or push_notification_contact_method.
type ContactMethod struct {
	ID          string `json:"id"`
	Type        string `json:"type"`
	Label       string `json:"label"`
	Address     string `json:"address"`
	CountryCode int    `json:"country_code,omitempty"`
}

// Schedule says who is on call. OnCall takes turns of Turn each, counted from Since;
// a Turn of zero means the first is always on call.
type Schedule struct {
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	TimeZone string        `json:"time_zone"`
	OnCall   []string      `json:"on_call"` // user ids
	Turn     time.Duration `json:"turn"`
	Since    time.Time     `json:"since"`
}

// EscalationPolicy is a ladder.
type EscalationPolicy struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Rules []Rule `json:"rules"`
	// Loops is how often the ladder starts again after its last rule (num_loops, 0 to 9).
	Loops int `json:"num_loops"`
}

// Rule is one rung: whom to page, and how long to wait before the next.
type Rule struct {
	ID      string        `json:"id"`
	Delay   time.Duration `json:"delay"`
	Targets []string      `json:"targets"` // ids of users and schedules
}

// Service is what breaks.
type Service struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	PolicyID   string `json:"escalation_policy_id"`
	RoutingKey string `json:"-"`
	// AckTimeout makes an acknowledged incident triggered again. Zero: never.
	AckTimeout time.Duration `json:"acknowledgement_timeout"`
	// AlertCreation is create_alerts_and_incidents (the default) or create_incidents.
	// With alerts, an incident opened by an event has no incident_key of its own; the
	// key is on its alert and still finds the incident in GET /incidents?incident_key=.
	AlertCreation string `json:"alert_creation"`
	// LowUrgency makes its incidents low-urgency unless the caller says otherwise.
	LowUrgency bool `json:"low_urgency"`
}

// Priority is an entry of the account's priority list, most important first.
type Priority struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
}

// AddUser adds a person. An empty ID is filled in, and without contact methods the
// e-mail address becomes one.
func (s *Server) AddUser(u User) User {
	s.mu.Lock()
	defer s.mu.Unlock()
	u.ID = s.idOr(u.ID)
	if u.TimeZone == "" {
		u.TimeZone = "Etc/UTC"
	}
	if u.Role == "" {
		u.Role = "user"
	}
	if len(u.Contacts) == 0 {
		u.Contacts = []ContactMethod{{Type: "email_contact_method", Label: "Default", Address: u.Email}}
	}
	u.Contacts = append([]ContactMethod(nil), u.Contacts...)
	for i := range u.Contacts {
		u.Contacts[i].ID = s.idOr(u.Contacts[i].ID)
	}
	s.users = append(s.users, &u)
	s.changed()
	return u
}

// AddSchedule adds a rotation.
func (s *Server) AddSchedule(c Schedule) Schedule {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.ID = s.idOr(c.ID)
	if c.TimeZone == "" {
		c.TimeZone = "Etc/UTC"
	}
	if c.Since.IsZero() {
		c.Since = s.clock.Now()
	}
	s.schedules = append(s.schedules, &c)
	s.changed()
	return c
}

// SetOnCall replaces who takes turns in a schedule, from now on.
func (s *Server) SetOnCall(scheduleID string, userIDs ...string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := find(s.schedules, func(c *Schedule) bool { return c.ID == scheduleID })
	if c == nil {
		return fmt.Errorf("schedule %s: not found", scheduleID)
	}
	c.OnCall, c.Since = append([]string(nil), userIDs...), s.clock.Now()
	s.changed()
	return nil
}

// AddEscalationPolicy adds a ladder. A rule's delay below one minute becomes 30 minutes.
func (s *Server) AddEscalationPolicy(p EscalationPolicy) EscalationPolicy {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.ID = s.idOr(p.ID)
	p.Rules = append([]Rule(nil), p.Rules...)
	for i := range p.Rules {
		p.Rules[i].ID = s.idOr(p.Rules[i].ID)
		if p.Rules[i].Delay < time.Minute {
			p.Rules[i].Delay = 30 * time.Minute
		}
	}
	s.policies = append(s.policies, &p)
	s.changed()
	return p
}

// AddService adds a service; without a routing key it gets the next configured one, or
// a made-up one.
func (s *Server) AddService(v Service) Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.ID = s.idOr(v.ID)
	if v.RoutingKey == "" && len(s.keys) > 0 {
		v.RoutingKey, s.keys = s.keys[0], s.keys[1:]
	}
	if v.RoutingKey == "" {
		v.RoutingKey = strings.ToLower(s.id("r", 15) + s.id("k", 15))
	}
	if v.AlertCreation == "" {
		v.AlertCreation = "create_alerts_and_incidents"
	}
	s.services = append(s.services, &v)
	s.changed()
	return v
}

// AddPriority adds an entry at the end of the priority list.
func (s *Server) AddPriority(p Priority) Priority {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.ID = s.idOr(p.ID)
	s.priorities = append(s.priorities, &p)
	s.changed()
	return p
}

func (s *Server) idOr(id string) string {
	if id != "" {
		return id
	}
	return s.id("P", 6)
}

func find[T any](all []*T, is func(*T) bool) *T {
	for _, one := range all {
		if is(one) {
			return one
		}
	}
	return nil
}

func (s *Server) user(id string) *User {
	return find(s.users, func(u *User) bool { return u.ID == id })
}

func (s *Server) userByEmail(email string) *User {
	return find(s.users, func(u *User) bool { return strings.EqualFold(u.Email, email) })
}

func (s *Server) service(id string) *Service {
	return find(s.services, func(v *Service) bool { return v.ID == id })
}

func (s *Server) policy(id string) *EscalationPolicy {
	return find(s.policies, func(p *EscalationPolicy) bool { return p.ID == id })
}

func (s *Server) priority(id string) *Priority {
	return find(s.priorities, func(p *Priority) bool { return p.ID == id })
}

// turn is who is on call now, since when and until when; a zero end is open.
func (c *Schedule) turn(now time.Time) (userID string, start, end time.Time) {
	if len(c.OnCall) == 0 {
		return "", time.Time{}, time.Time{}
	}
	if c.Turn <= 0 {
		return c.OnCall[0], c.Since, time.Time{}
	}
	n := int64(now.Sub(c.Since) / c.Turn)
	if n < 0 {
		n = 0
	}
	start = c.Since.Add(time.Duration(n) * c.Turn)
	return c.OnCall[n%int64(len(c.OnCall))], start, start.Add(c.Turn)
}

// paged are the users a rule reaches at this moment, each once.
func (s *Server) paged(r Rule) []string {
	var out []string
	seen := map[string]bool{}
	for _, target := range r.Targets {
		id := target
		if c := find(s.schedules, func(c *Schedule) bool { return c.ID == target }); c != nil {
			id, _, _ = c.turn(s.clock.Now())
		}
		if s.user(id) == nil || seen[id] {
			continue
		}
		seen[id] = true
		out = append(out, id)
	}
	return out
}
