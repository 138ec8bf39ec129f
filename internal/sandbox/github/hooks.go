package github

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	hookTimeout    = 10 * time.Second
	keptDeliveries = 500
	maxHookBody    = 25 << 20 // bytes; larger payloads are not sent
)

// HookEvents are the webhook events this server causes.
var HookEvents = []string{"ping", "issues", "issue_comment", "sub_issues"}

// hook is one repository webhook. Its deliveries go out one at a time, in order.
type hook struct {
	id          int64
	repo        *repo
	url, secret string
	events      []string
	queue       []*delivery
	sending     bool
	done        []*delivery
}

type delivery struct {
	id         int64
	guid       string
	event      string
	action     string
	body       []byte
	at         time.Time
	status     int
	redelivery bool
}

// Delivery is one attempt to deliver a webhook. GitHub makes one and never tries again
// by itself. A status of 0 means nobody answered in ten seconds.
type Delivery struct {
	ID         int64     `json:"id"`
	GUID       string    `json:"guid"`
	Event      string    `json:"event"`
	Action     string    `json:"action"`
	At         time.Time `json:"delivered_at"`
	Status     int       `json:"status_code"`
	Redelivery bool      `json:"redelivery"`
}

// AddHook sends a repository's events to url and returns the webhook's id. No events
// means all of HookEvents. A ping is sent at once.
func (s *Server) AddHook(repoName, url, secret string, events ...string) (id int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.repoNamed(repoName)
	if r == nil {
		return 0, fmt.Errorf("add webhook: repository %s not found", repoName)
	}
	if len(events) == 0 {
		events = HookEvents
	}
	h := &hook{id: s.id(), repo: r, url: url, secret: secret, events: slices.Clone(events)}
	s.hooks = append(s.hooks, h)
	s.enqueue(h, "ping", "", obj{"zen": "Keep it logically awesome.", "hook_id": h.id,
		"hook": obj{"id": h.id, "type": "Repository", "name": "web", "active": true, "events": h.events}, "repository": s.renderRepo(&call{}, r),
		"sender": s.renderUser(r.owner)})
	return h.id, nil
}

// Deliveries are the last attempts of a webhook, oldest first.
func (s *Server) Deliveries(hookID int64) []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Delivery{}
	if h := find(s.hooks, func(h *hook) bool { return h.id == hookID }); h != nil {
		for _, d := range h.done {
			out = append(out, Delivery{d.id, d.guid, d.event, d.action, d.at, d.status, d.redelivery})
		}
	}
	return out
}

// Redeliver sends a delivery once more, with the same body and the same X-GitHub-Delivery.
func (s *Server) Redeliver(hookID, deliveryID int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := find(s.hooks, func(h *hook) bool { return h.id == hookID })
	if h == nil {
		return fmt.Errorf("redeliver: webhook %d not found", hookID)
	}
	d := find(h.done, func(d *delivery) bool { return d.id == deliveryID })
	if d == nil {
		return fmt.Errorf("redeliver: delivery %d not found", deliveryID)
	}
	again := *d
	again.id, again.redelivery, again.status = s.id(), true, 0
	h.queue = append(h.queue, &again)
	s.drain(h)
	return nil
}

// say tells a repository's webhooks what happened.
func (s *Server) say(r *repo, event, action, by string, payload obj) {
	payload["action"], payload["repository"], payload["sender"] = action, s.renderRepo(&call{}, r), s.renderUser(by)
	for _, h := range s.hooks {
		if h.repo == r && slices.Contains(h.events, event) {
			s.enqueue(h, event, action, payload)
		}
	}
}

func (s *Server) enqueue(h *hook, event, action string, payload obj) {
	body, err := json.Marshal(payload)
	if err != nil || len(body) > maxHookBody {
		return
	}
	id := s.id()
	h.queue = append(h.queue, &delivery{id: id, guid: guid(id), event: event, action: action, body: body})
	s.drain(h)
}

// guid spreads an id into the form of a UUID.
func guid(id int64) string {
	sum := sha256.Sum256(fmt.Append(nil, id))
	x := hex.EncodeToString(sum[:16])
	return strings.Join([]string{x[:8], x[8:12], x[12:16], x[16:20], x[20:]}, "-")
}

// drain sends the head of the queue unless one is on its way.
func (s *Server) drain(h *hook) {
	if h.sending || len(h.queue) == 0 || s.closed {
		return
	}
	h.sending = true
	d := h.queue[0]
	h.queue = h.queue[1:]
	d.at = s.clock.Now()
	go func() {
		status := s.send(h, d)
		s.mu.Lock()
		defer s.mu.Unlock()
		h.sending, d.status = false, status
		if len(h.done) >= keptDeliveries {
			h.done = slices.Delete(h.done, 0, 1)
		}
		h.done = append(h.done, d)
		s.changed()
		s.drain(h)
	}()
}

// send makes the one attempt. What it reads of h never changes.
func (s *Server) send(h *hook, d *delivery) int {
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, h.url, bytes.NewReader(d.body))
	if err != nil {
		return 0
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "GitHub-Hookshot/sandbox")
	req.Header.Set("X-GitHub-Event", d.event)
	req.Header.Set("X-GitHub-Delivery", d.guid)
	req.Header.Set("X-GitHub-Hook-ID", fmt.Sprint(h.id))
	if h.secret != "" {
		mac := hmac.New(sha256.New, []byte(h.secret))
		mac.Write(d.body)
		req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode
}
