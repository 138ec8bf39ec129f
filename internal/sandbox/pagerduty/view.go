package pagerduty

import (
	"slices"
	"time"
)

// Notification is one message sent to one contact method.
type Notification struct {
	At      time.Time `json:"at"`
	UserID  string    `json:"user_id"`
	User    string    `json:"user"`
	Type    string    `json:"type"`
	Address string    `json:"address"`
	Level   int       `json:"level"`
}

// Incident is an incident as a person sees it.
type Incident struct {
	ID               string         `json:"id"`
	Number           int            `json:"number"`
	Key              string         `json:"incident_key"`
	AlertKeys        []string       `json:"alert_keys"`
	Title            string         `json:"title"`
	Details          string         `json:"details"`
	Status           string         `json:"status"`
	Urgency          string         `json:"urgency"`
	Service          string         `json:"service"`
	ServiceID        string         `json:"service_id"`
	EscalationPolicy string         `json:"escalation_policy"`
	Priority         string         `json:"priority"`
	Level            int            `json:"level"`
	Loop             int            `json:"loop"`
	NextEscalation   *time.Time     `json:"next_escalation"`
	Assigned         []Person       `json:"assigned"`
	AcknowledgedBy   []Person       `json:"acknowledged_by"`
	Responders       []Responder    `json:"responders"`
	Notes            []Note         `json:"notes"`
	StatusUpdates    []Note         `json:"status_updates"`
	Notifications    []Notification `json:"notifications"`
	ConferenceNumber string         `json:"conference_number"`
	ConferenceURL    string         `json:"conference_url"`
	Log              []Entry        `json:"log"`
	CreatedAt        time.Time      `json:"created_at"`
	ResolvedAt       *time.Time     `json:"resolved_at"`
}

// Person is a user by id and name.
type Person struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Responder is somebody asked to help. State is pending, joined or declined.
type Responder struct {
	Person
	State   string `json:"state"`
	Message string `json:"message"`
}

// Note is a note or a status update.
type Note struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Text string    `json:"text"`
}

// Entry is a line of the incident's log.
type Entry struct {
	At      time.Time `json:"at"`
	Type    string    `json:"type"`
	Summary string    `json:"summary"`
	By      string    `json:"by"`
}

// Incidents are all incidents, newest first.
func (s *Server) Incidents() []Incident {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Incident{}
	for _, in := range slices.Backward(s.incidents) {
		out = append(out, s.view(in))
	}
	return out
}

// Incident is one of them; ok is false when there is none.
func (s *Server) Incident(id string) (view Incident, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.incident(id)
	if in == nil {
		return Incident{}, false
	}
	return s.view(in), true
}

// Users are the people of the account.
func (s *Server) Users() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []User{}
	for _, u := range s.users {
		out = append(out, *u)
	}
	return out
}

func (s *Server) view(in *incident) Incident {
	v := Incident{ID: in.id, Number: in.number, Key: in.key, AlertKeys: []string{}, Title: in.title, Details: in.details,
		Status: in.status, Urgency: in.urgency, Service: in.service.Name, ServiceID: in.service.ID,
		Level: in.level, Loop: in.loop, NextEscalation: at(in.climbAt), Assigned: s.people(in.assignments),
		AcknowledgedBy: s.people(in.acks), Responders: []Responder{}, Notes: []Note{}, StatusUpdates: []Note{},
		Notifications: append([]Notification{}, in.notifications...), ConferenceNumber: in.bridgeNumber,
		ConferenceURL: in.bridgeURL, Log: []Entry{}, CreatedAt: in.created, ResolvedAt: at(in.resolvedAt)}
	if in.policy != nil {
		v.EscalationPolicy = in.policy.Name
	}
	if in.priority != nil {
		v.Priority = in.priority.Name
	}
	for _, a := range in.alerts {
		v.AlertKeys = append(v.AlertKeys, a.key)
	}
	for _, p := range in.responders {
		v.Responders = append(v.Responders, Responder{Person{p.userID, s.user(p.userID).Name}, p.state, p.message})
	}
	for _, n := range in.notes {
		v.Notes = append(v.Notes, Note{n.at, s.actorName(actor{userID: n.userID}), n.content})
	}
	for _, u := range in.updates {
		v.StatusUpdates = append(v.StatusUpdates, Note{u.at, s.actorName(actor{userID: u.userID}), u.message})
	}
	for _, e := range s.entries {
		if e.incident == in {
			v.Log = append(v.Log, Entry{e.at, e.kind, e.summary, s.actorName(e.by)})
		}
	}
	return v
}

func (s *Server) people(list []assignment) []Person {
	out := []Person{}
	for _, a := range list {
		out = append(out, Person{a.userID, s.actorName(actor{userID: a.userID})})
	}
	return out
}

func at(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
