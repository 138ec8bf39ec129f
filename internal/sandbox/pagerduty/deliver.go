package pagerduty

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// How webhooks v3 are delivered.
const (
	hookTimeout  = 5 * time.Second
	hookRetryFor = 48 * time.Hour
	hookDisabled = 24 * time.Hour
	dropsAllowed = 3    // dropped in a row, and the subscription is disabled
	maxQueued    = 4000 // webhooks waiting for one subscription
	keptAttempts = 1000
	maxHookBody  = 256 << 10 // bytes; larger webhooks are dropped
)

// hookBackoff are the waits between attempts; the last repeats until 48 hours have passed.
var hookBackoff = []time.Duration{10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}

// Delivery is one attempt to deliver a webhook.
type Delivery struct {
	At        time.Time `json:"at"`
	WebhookID string    `json:"webhook_id"`
	EventType string    `json:"event_type"`
	Attempt   int       `json:"attempt"`
	Status    int       `json:"status"`  // 0: no answer
	Outcome   string    `json:"outcome"` // delivered, retrying, dropped
}

// queue keeps the webhooks of one subscription and incident in order.
type queue struct {
	waiting []*webhook
	busy    bool
	gone    bool
	retry   func() bool
}

type webhook struct {
	id, eventType string
	body          []byte
	first         time.Time
	attempts      int
}

func (h *subscription) stop() {
	h.active = false
	for _, q := range h.queues {
		q.gone, q.waiting = true, nil
		if q.retry != nil {
			q.retry()
		}
	}
}

// say queues an event about an incident for whoever subscribed. A nil data means the
// incident itself.
func (s *Server) say(in *incident, eventType string, by actor, data obj) {
	if data == nil {
		data = s.incidentData(in)
	}
	for _, h := range s.hooks {
		if !slices.Contains(h.events, eventType) {
			continue
		}
		if h.filterType == "service_reference" && h.filterID != in.service.ID {
			continue
		}
		s.post(h, in.id, eventType, "incident", by, data)
	}
}

func (s *Server) post(h *subscription, incidentID, eventType, resource string, by actor, data obj) {
	now := s.clock.Now()
	if s.closed || !h.active || now.Before(h.disabledUntil) {
		return
	}
	var client any
	if by.channel == "website" || by.channel == "mobile" {
		client = obj{"name": "PagerDuty"}
	}
	body, err := json.Marshal(obj{"event": obj{"id": s.id("01", 24), "event_type": eventType, "resource_type": resource,
		"occurred_at": now.UTC().Format("2006-01-02T15:04:05.000Z"), "agent": s.agentRef(by), "client": client, "data": data}})
	waiting := 0
	for _, q := range h.queues {
		waiting += len(q.waiting)
	}
	if err != nil || len(body) > maxHookBody || waiting >= maxQueued {
		return
	}
	q := h.queues[incidentID]
	if q == nil {
		q = &queue{}
		h.queues[incidentID] = q
	}
	q.waiting = append(q.waiting, &webhook{id: strings.ToLower(s.id("", 12) + "-" + s.id("", 12)), eventType: eventType, body: body, first: now})
	s.drain(h, q)
}

// drain sends the head of a queue unless it is being sent or waits for its next attempt.
func (s *Server) drain(h *subscription, q *queue) {
	if q.busy || q.gone || len(q.waiting) == 0 || s.closed {
		return
	}
	q.busy = true
	hook := q.waiting[0]
	hook.attempts++
	req := s.sign(h, hook)
	go func() {
		status := s.send(req)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.settle(h, q, hook, status)
	}()
}

// sign builds the request. While a secret is rotated there is a signature for each,
// separated by a comma without a space.
func (s *Server) sign(h *subscription, hook *webhook) *http.Request {
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, h.url, bytes.NewReader(hook.body))
	if err != nil {
		return nil
	}
	var sigs []string
	for _, secret := range h.secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(hook.body)
		sigs = append(sigs, "v1="+hex.EncodeToString(mac.Sum(nil)))
	}
	for _, kv := range h.headers {
		req.Header.Set(kv[0], kv[1])
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "PagerDuty-Webhook/V3.0")
	req.Header.Set("X-PagerDuty-Signature", strings.Join(sigs, ","))
	req.Header.Set("X-Webhook-Id", hook.id)
	req.Header.Set("X-Webhook-Subscription", h.id)
	return req
}

// send returns the status, or 0 when nobody answered in five seconds.
func (s *Server) send(req *http.Request) int {
	if req == nil {
		return 0
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode
}

// settle decides what an answer means: delivered, again later, or dropped.
func (s *Server) settle(h *subscription, q *queue, hook *webhook, status int) {
	q.busy = false
	if s.closed || q.gone || len(q.waiting) == 0 {
		return
	}
	now := s.clock.Now()
	wait := hookBackoff[min(hook.attempts, len(hookBackoff))-1]
	transient := status == 0 || status == http.StatusTooManyRequests || status >= 500
	outcome := "dropped"
	switch {
	case status >= 200 && status < 300:
		outcome, h.dropsInRow = "delivered", 0
	case transient && now.Add(wait).Sub(hook.first) < hookRetryFor:
		outcome = "retrying"
	}
	if len(h.deliveries) >= keptAttempts {
		h.deliveries = slices.Delete(h.deliveries, 0, 1)
	}
	h.deliveries = append(h.deliveries, Delivery{At: now, WebhookID: hook.id, EventType: hook.eventType,
		Attempt: hook.attempts, Status: status, Outcome: outcome})
	s.changed()
	if outcome == "retrying" {
		q.busy = true // newer webhooks of this incident may not overtake
		q.retry = s.clock.AfterFunc(wait, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			q.busy = false
			s.drain(h, q)
		})
		return
	}
	q.waiting = q.waiting[1:]
	if outcome == "dropped" {
		s.dropped(h)
	}
	s.drain(h, q)
}

// dropped counts towards the day-long disablement.
func (s *Server) dropped(h *subscription) {
	h.dropsInRow++
	if h.dropsInRow < dropsAllowed {
		return
	}
	h.dropsInRow, h.disabledUntil = 0, s.clock.Now().Add(hookDisabled)
	for _, q := range h.queues {
		q.waiting = nil
	}
}

// incidentData is the incident as webhooks v3 show it, which is not as REST does.
func (s *Server) incidentData(in *incident) obj {
	o := s.full("incident", "incidents", in.id, in.title)
	delete(o, "summary")
	o["number"], o["status"], o["title"], o["urgency"] = in.number, in.status, in.title, in.urgency
	o["incident_key"], o["created_at"] = nil, stamp(in.created)
	if in.key != "" {
		o["incident_key"] = in.key
	}
	o["service"], o["escalation_policy"], o["teams"] = s.serviceRef(in.service), s.policyRef(in.policy), []obj{}
	people := []obj{}
	for _, a := range in.assignments {
		people = append(people, s.userRef(a.userID))
	}
	o["assignees"], o["priority"], o["conference_bridge"], o["resolve_reason"] = people, nil, nil, nil
	if in.priority != nil {
		o["priority"] = s.ref("priority", "priorities", in.priority.ID, in.priority.Name)
	}
	if in.bridgeNumber != "" || in.bridgeURL != "" {
		o["conference_bridge"] = obj{"conference_number": in.bridgeNumber, "conference_url": in.bridgeURL}
	}
	return o
}

func (s *Server) responderData(in *incident, p *responder) obj {
	o := obj{"incident": s.incidentRef(in), "user": s.userRef(p.userID), "escalation_policy": nil,
		"message": p.message, "state": p.state, "type": "incident_responder"}
	if policy := s.policy(p.policyID); policy != nil {
		o["escalation_policy"] = s.policyRef(policy)
	}
	return o
}

func (s *Server) bridgeData(in *incident) obj {
	return obj{"incident": s.incidentRef(in), "conference_numbers": []obj{{"label": "", "number": in.bridgeNumber}},
		"conference_url": in.bridgeURL, "type": "incident_conference_bridge"}
}
