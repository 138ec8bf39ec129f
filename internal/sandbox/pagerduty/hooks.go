package pagerduty

import (
	"net/http"
	"net/url"
	"slices"
	"time"
)

// EventTypes are the incident event types of webhooks v3 this account can send.
var EventTypes = []string{
	"incident.triggered", "incident.acknowledged", "incident.unacknowledged", "incident.escalated",
	"incident.reassigned", "incident.delegated", "incident.reopened", "incident.resolved",
	"incident.annotated", "incident.priority_updated", "incident.responder.added",
	"incident.responder.replied", "incident.status_update_published", "incident.conference_bridge.updated",
}

// silentTypes may be subscribed to but nothing here causes them.
var silentTypes = []string{"incident.role.assigned", "incident.action_invocation.created", "incident.action_invocation.terminated",
	"incident.action_invocation.updated", "incident.custom_field_values.updated", "incident.incident_type.changed",
	"incident.service_updated", "incident.workflow.started", "incident.workflow.completed",
	"service.created", "service.deleted", "service.updated"}

// subscription is one webhook subscription; its queues are in deliver.go.
type subscription struct {
	id, url, description string
	events               []string
	filterType, filterID string
	headers              [][2]string
	secrets              []string // newest first; several while a secret is rotated
	active               bool
	disabledUntil        time.Time
	dropsInRow           int
	queues               map[string]*queue // by incident
	deliveries           []Delivery
}

func (s *Server) hook(id string) *subscription {
	return find(s.hooks, func(h *subscription) bool { return h.id == id })
}

// render shows the secret only when the subscription is made.
func (s *Server) renderHook(h *subscription, secret any) obj {
	headers := []obj{}
	for _, kv := range h.headers {
		headers = append(headers, obj{"name": kv[0], "value": "<redacted>"})
	}
	o := obj{"id": h.id, "type": "webhook_subscription", "active": h.active, "description": h.description, "events": h.events,
		"delivery_method": obj{"id": h.id + "D", "type": "http_delivery_method", "url": h.url, "secret": secret,
			"temporarily_disabled": s.clock.Now().Before(h.disabledUntil), "custom_headers": headers},
		"filter": obj{"type": h.filterType}}
	if h.filterID != "" {
		o["filter"] = obj{"type": h.filterType, "id": h.filterID}
	}
	return o
}

func (s *Server) listHooks(c *call) (int, any, *refusal) {
	q := c.URL.Query()
	kind := q.Get("filter_type")
	if !slices.Contains([]string{"", "account", "service", "team"}, kind) {
		return 0, nil, invalid("filter_type must be account, service or team")
	}
	return page(c, "webhook_subscriptions", filter(s.hooks, func(h *subscription) bool {
		return (kind == "" || h.filterType == kind+"_reference") && (q.Get("filter_id") == "" || h.filterID == q.Get("filter_id"))
	}), func(h *subscription) obj { return s.renderHook(h, nil) })
}

func (s *Server) getHook(c *call) (int, any, *refusal) {
	h := s.hook(c.PathValue("id"))
	if h == nil {
		return 0, nil, notFound()
	}
	return http.StatusOK, obj{"webhook_subscription": s.renderHook(h, nil)}, nil
}

func (s *Server) createHook(c *call) (int, any, *refusal) {
	var body struct {
		Sub *struct {
			Type           string    `json:"type"`
			Description    string    `json:"description"`
			Events         []string  `json:"events"`
			Filter         reference `json:"filter"`
			DeliveryMethod struct {
				Type    string `json:"type"`
				URL     string `json:"url"`
				Headers []struct {
					Name  string `json:"name"`
					Value string `json:"value"`
				} `json:"custom_headers"`
			} `json:"delivery_method"`
		} `json:"webhook_subscription"`
	}
	if no := decode(c, &body); no != nil {
		return 0, nil, no
	}
	w := body.Sub
	if w == nil || w.Type != "webhook_subscription" {
		return 0, nil, invalid("Webhook subscription type must be webhook_subscription")
	}
	if w.DeliveryMethod.Type != "http_delivery_method" {
		return 0, nil, invalid("Delivery method type must be http_delivery_method")
	}
	if u, err := url.Parse(w.DeliveryMethod.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return 0, nil, invalid("Delivery method URL is invalid")
	}
	if len(w.Events) == 0 {
		return 0, nil, invalid("Events cannot be empty")
	}
	for _, e := range w.Events {
		if !slices.Contains(EventTypes, e) && !slices.Contains(silentTypes, e) {
			return 0, nil, invalid("Event type is not supported: " + e)
		}
	}
	if no := s.checkFilter(w.Filter); no != nil {
		return 0, nil, no
	}
	h := &subscription{url: w.DeliveryMethod.URL, description: w.Description, events: w.Events,
		filterType: w.Filter.Type, filterID: w.Filter.ID}
	for _, kv := range w.DeliveryMethod.Headers {
		if slices.ContainsFunc(h.headers, func(have [2]string) bool { return have[0] == kv.Name }) {
			return 0, nil, invalid("Custom header names must be unique")
		}
		h.headers = append(h.headers, [2]string{kv.Name, kv.Value})
	}
	s.addHook(h)
	return http.StatusOK, obj{"webhook_subscription": s.renderHook(h, h.secrets[0])}, nil
}

func (s *Server) checkFilter(f reference) *refusal {
	switch f.Type {
	case "account_reference":
		return nil
	case "service_reference":
		if s.service(f.ID) == nil {
			return invalid("Filter service not found")
		}
		return nil
	case "team_reference":
		return invalid("Filter team not found") // the account has no teams
	}
	return invalid("Filter type must be account_reference, service_reference or team_reference")
}

func (s *Server) addHook(h *subscription) {
	h.id, h.active, h.queues = s.id("P", 6), true, map[string]*queue{}
	if len(h.secrets) == 0 {
		h.secrets = []string{s.id("s", 12) + s.id("k", 12) + s.id("x", 12)}
	}
	s.hooks = append(s.hooks, h)
}

func (s *Server) deleteHook(c *call) (int, any, *refusal) {
	h := s.hook(c.PathValue("id"))
	if h == nil {
		return 0, nil, notFound()
	}
	h.stop()
	s.hooks = slices.DeleteFunc(s.hooks, func(x *subscription) bool { return x == h })
	return http.StatusNoContent, nil, nil
}

func (s *Server) enableHook(c *call) (int, any, *refusal) {
	h := s.hook(c.PathValue("id"))
	if h == nil {
		return 0, nil, notFound()
	}
	h.disabledUntil, h.dropsInRow = time.Time{}, 0
	return http.StatusOK, obj{"webhook_subscription": s.renderHook(h, nil)}, nil
}

// pingHook sends a pagey.ping to the endpoint.
func (s *Server) pingHook(c *call) (int, any, *refusal) {
	h := s.hook(c.PathValue("id"))
	if h == nil {
		return 0, nil, notFound()
	}
	s.post(h, "", "pagey.ping", "pagey", c.by(), obj{"message": "Hello from your friend Pagey!", "type": "ping"})
	return http.StatusAccepted, obj{}, nil
}
