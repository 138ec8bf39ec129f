package pagerduty

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
	"unicode/utf8"
)

// Limits of the Events API v2.
const (
	maxEvent     = 512 << 10 // bytes of one request
	maxSummary   = 1024      // runes of payload.summary
	maxDedupKey  = 255       // runes of dedup_key
	keyLength    = 32        // characters of routing_key
	eventsPerMin = 120       // calls per integration key
)

type event struct {
	RoutingKey string        `json:"routing_key"`
	Action     string        `json:"event_action"`
	DedupKey   string        `json:"dedup_key"`
	Client     string        `json:"client"`
	ClientURL  string        `json:"client_url"`
	Links      []eventLink   `json:"links"`
	Images     []eventImage  `json:"images"`
	Payload    *eventPayload `json:"payload"`
}

type eventLink struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

type eventImage struct {
	Src  string `json:"src"`
	Href string `json:"href"`
	Alt  string `json:"alt"`
}

type eventPayload struct {
	Summary   string          `json:"summary"`
	Source    string          `json:"source"`
	Severity  string          `json:"severity"`
	Timestamp string          `json:"timestamp"`
	Component string          `json:"component"`
	Group     string          `json:"group"`
	Class     string          `json:"class"`
	Details   json.RawMessage `json:"custom_details"`
}

// faults are what is wrong with an event, in the words of the Events API.
func (e event) faults() []string {
	var out []string
	if e.RoutingKey == "" {
		out = append(out, "'routing_key' is missing or blank")
	} else if len(e.RoutingKey) != keyLength {
		out = append(out, "Length of 'routing_key' is incorrect (should be 32 characters)")
	}
	switch e.Action {
	case "trigger":
		out = append(out, e.Payload.faults()...)
	case "acknowledge", "resolve":
		if e.DedupKey == "" {
			out = append(out, "'dedup_key' is missing or blank (required for acknowledge and resolve)")
		}
	case "":
		out = append(out, "'event_action' is missing or blank")
	default:
		out = append(out, "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')")
	}
	if utf8.RuneCountInString(e.DedupKey) > maxDedupKey {
		out = append(out, "Length of 'dedup_key' is too long (maximum is 255 characters)")
	}
	for i, l := range e.Links {
		if l.Href == "" {
			out = append(out, fmt.Sprintf("'links[%d].href' is missing or blank", i))
		}
	}
	for i, m := range e.Images {
		if m.Src == "" {
			out = append(out, fmt.Sprintf("'images[%d].src' is missing or blank", i))
		}
	}
	return out
}

func (p *eventPayload) faults() []string {
	if p == nil {
		return []string{"'payload' is missing or blank"}
	}
	var out []string
	if p.Summary == "" {
		out = append(out, "'payload.summary' is missing or blank")
	}
	if utf8.RuneCountInString(p.Summary) > maxSummary {
		out = append(out, "Length of 'payload.summary' is too long (maximum is 1024 characters)")
	}
	if p.Source == "" {
		out = append(out, "'payload.source' is missing or blank")
	}
	switch p.Severity {
	case "critical", "error", "warning", "info":
	case "":
		out = append(out, "'payload.severity' is missing or blank")
	default:
		out = append(out, "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')")
	}
	if p.Timestamp != "" && !isTime(p.Timestamp) {
		out = append(out, "'payload.timestamp' is invalid (must be in ISO 8601 format)")
	}
	return out
}

func isTime(v string) bool {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999"} {
		if _, err := time.Parse(layout, v); err == nil {
			return true
		}
	}
	return false
}

// enqueue is POST /v2/enqueue.
func (s *Server) enqueue(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEvent+1))
	var tooBig *http.MaxBytesError
	if errors.As(err, &tooBig) || len(body) > maxEvent {
		answer(w, http.StatusRequestEntityTooLarge, obj{"status": "invalid event", "message": "Event object is invalid",
			"errors": []string{"Event is too large (maximum is 512 KB)"}})
		return
	}
	if err != nil {
		return // the caller went away
	}
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		answer(w, http.StatusBadRequest, obj{"status": "invalid event", "message": "Event object is invalid",
			"errors": []string{"JSON is invalid, or a field has the wrong type"}})
		return
	}
	if wrong := e.faults(); len(wrong) > 0 {
		answer(w, http.StatusBadRequest, obj{"status": "invalid event", "message": "Event object is invalid", "errors": wrong})
		return
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		answer(w, http.StatusServiceUnavailable, obj{"status": "unavailable", "message": "Service Unavailable"})
		return
	}
	v := find(s.services, func(v *Service) bool { return v.RoutingKey == e.RoutingKey })
	if v == nil {
		answer(w, http.StatusBadRequest, obj{"status": "invalid key", "message": "Invalid routing key", "errors": []string{"Invalid routing key"}})
		return
	}
	if _, ok := s.spend("events:"+e.RoutingKey, eventsPerMin); !ok {
		answer(w, http.StatusTooManyRequests, obj{"status": "throttle exceeded",
			"message": "Requests for this service are arriving too quickly.  Please retry later."})
		return
	}
	if e.DedupKey == "" {
		e.DedupKey = s.id("", 12) + s.id("", 12) + s.id("", 8)
	}
	s.accept(v, e)
	answer(w, http.StatusAccepted, obj{"status": "success", "message": "Event processed", "dedup_key": e.DedupKey})
}

// accept does what an event asks. An acknowledgement or resolution of a key nobody
// opened is dropped without a word, as the real API does.
func (s *Server) accept(v *Service, e event) {
	by := actor{serviceID: v.ID, channel: "events"}
	in, a := s.openAlert(v, e.DedupKey)
	switch {
	case e.Action == "trigger" && in == nil:
		s.open(s.fromEvent(v, e), by, nil)
	case e.Action == "trigger":
		a.summary, a.severity = e.Payload.Summary, e.Payload.Severity
		s.changed()
	case in == nil:
	case e.Action == "acknowledge":
		s.acknowledge(in, by)
	case e.Action == "resolve":
		s.resolve(in, by)
	}
}

func (s *Server) fromEvent(v *Service, e event) *incident {
	now := s.clock.Now()
	in := &incident{service: v, title: e.Payload.Summary}
	if v.AlertCreation == "create_incidents" {
		in.key = e.DedupKey
	}
	in.alerts = []*alert{{id: s.id("Q", 13), key: e.DedupKey, summary: e.Payload.Summary,
		severity: e.Payload.Severity, status: triggered, created: now}}
	return in
}

// openAlert finds the unresolved alert with this key on the service.
func (s *Server) openAlert(v *Service, key string) (*incident, *alert) {
	for _, in := range s.incidents {
		if in.service != v || in.status == resolved {
			continue
		}
		for _, a := range in.alerts {
			if a.key == key && a.status != resolved {
				return in, a
			}
		}
	}
	return nil, nil
}
