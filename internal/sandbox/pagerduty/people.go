package pagerduty

import (
	"fmt"
	"net/http"
	"slices"
)

// as finds the person and the incident; a person may be named by id or e-mail.
func (s *Server) as(who, incidentID string) (*User, *incident, error) {
	u := s.user(who)
	if u == nil {
		u = s.userByEmail(who)
	}
	if u == nil {
		return nil, nil, fmt.Errorf("user %s: not found", who)
	}
	in := s.incident(incidentID)
	if in == nil {
		return nil, nil, fmt.Errorf("incident %s: not found", incidentID)
	}
	return u, in, nil
}

// act does one thing as a person in the mobile app.
func (s *Server) act(who, incidentID string, do func(*incident, actor) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, in, err := s.as(who, incidentID)
	if err != nil {
		return err
	}
	return do(in, actor{userID: u.ID, channel: "mobile"})
}

// Acknowledge takes an incident. who is a user's id or e-mail.
func (s *Server) Acknowledge(who, incidentID string) error {
	return s.act(who, incidentID, func(in *incident, by actor) error {
		if !s.acknowledge(in, by) {
			return fmt.Errorf("acknowledge: the incident is %s", in.status)
		}
		return nil
	})
}

// Unacknowledge gives it back: it rings again where it stood.
func (s *Server) Unacknowledge(who, incidentID string) error {
	return s.act(who, incidentID, func(in *incident, by actor) error {
		if !s.unacknowledge(in, by) {
			return fmt.Errorf("unacknowledge: the incident is %s", in.status)
		}
		return nil
	})
}

// Resolve ends an incident.
func (s *Server) Resolve(who, incidentID string) error {
	return s.act(who, incidentID, func(in *incident, by actor) error {
		if !s.resolve(in, by) {
			return fmt.Errorf("resolve: the incident is resolved")
		}
		return nil
	})
}

// Reopen opens a resolved incident again, at the first rung.
func (s *Server) Reopen(who, incidentID string) error {
	return s.act(who, incidentID, func(in *incident, by actor) error {
		if !s.reopen(in, by) {
			return fmt.Errorf("reopen: the incident is %s", in.status)
		}
		return nil
	})
}

// Reassign hands an incident to other users, by id.
func (s *Server) Reassign(who, incidentID string, to ...string) error {
	return s.act(who, incidentID, func(in *incident, by actor) error {
		if in.status == resolved || len(to) == 0 {
			return fmt.Errorf("reassign: the incident is %s, to %d users", in.status, len(to))
		}
		for _, id := range to {
			if s.user(id) == nil {
				return fmt.Errorf("reassign: user %s not found", id)
			}
		}
		s.reassign(in, to, by)
		return nil
	})
}

// Delegate hands an incident to another escalation policy, by id.
func (s *Server) Delegate(who, incidentID, policyID string) error {
	return s.act(who, incidentID, func(in *incident, by actor) error {
		p := s.policy(policyID)
		if in.status == resolved || p == nil {
			return fmt.Errorf("delegate: the incident is %s, policy %q", in.status, policyID)
		}
		s.delegate(in, p, by)
		return nil
	})
}

// Escalate moves an incident to the next rung by hand.
func (s *Server) Escalate(who, incidentID string) error {
	return s.act(who, incidentID, func(in *incident, by actor) error {
		if in.status == resolved || in.policy == nil || in.level >= len(in.policy.Rules) {
			return fmt.Errorf("escalate: the incident is %s, at level %d", in.status, in.level)
		}
		s.escalate(in, in.level+1, by)
		return nil
	})
}

// SetPriority changes the priority; an empty id removes it.
func (s *Server) SetPriority(who, incidentID, priorityID string) error {
	return s.act(who, incidentID, func(in *incident, by actor) error {
		p := s.priority(priorityID)
		if p == nil && priorityID != "" {
			return fmt.Errorf("set priority: %s not found", priorityID)
		}
		s.prioritise(in, p, by)
		return nil
	})
}

// Note adds a note.
func (s *Server) Note(who, incidentID, text string) error {
	return s.act(who, incidentID, func(in *incident, by actor) error {
		if len(in.notes) >= maxNotes {
			return fmt.Errorf("note: an incident can have at most %d", maxNotes)
		}
		s.annotate(in, text, by)
		return nil
	})
}

// Reply answers a request to respond: joins or declines.
func (s *Server) Reply(who, incidentID string, joins bool) error {
	return s.act(who, incidentID, func(in *incident, by actor) error {
		p := find(in.responders, func(p *responder) bool { return p.userID == by.userID })
		if p == nil {
			return fmt.Errorf("reply: %s was not asked", who)
		}
		s.reply(in, p, joins)
		return nil
	})
}

// Trigger opens an incident by hand, as a person would on the website.
func (s *Server) Trigger(who, serviceID, title string) (incidentID string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.user(who)
	if u == nil {
		u = s.userByEmail(who)
	}
	v := s.service(serviceID)
	if u == nil || v == nil || title == "" {
		return "", fmt.Errorf("trigger: user %q, service %q, title %q", who, serviceID, title)
	}
	return s.open(&incident{service: v, title: title}, actor{userID: u.ID, channel: "website"}, nil).id, nil
}

// AddWebhook subscribes url to every event type of the account and returns the
// subscription's id and secret. An empty secret is made up.
func (s *Server) AddWebhook(url, secret string) (id, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := &subscription{url: url, events: slices.Clone(EventTypes), filterType: "account_reference"}
	if secret != "" {
		h.secrets = []string{secret}
	}
	s.addHook(h)
	return h.id, h.secrets[0]
}

// RotateSecret adds a new secret; deliveries carry a signature by each until DropOldSecret.
func (s *Server) RotateSecret(subscriptionID, secret string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hook(subscriptionID)
	if h == nil {
		return fmt.Errorf("webhook subscription %s: not found", subscriptionID)
	}
	h.secrets = append([]string{secret}, h.secrets...)
	return nil
}

// DropOldSecret ends a rotation: only the newest secret signs from now on.
func (s *Server) DropOldSecret(subscriptionID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hook(subscriptionID)
	if h == nil {
		return fmt.Errorf("webhook subscription %s: not found", subscriptionID)
	}
	h.secrets = h.secrets[:1]
	return nil
}

// Deliveries are the last attempts of a subscription, oldest first, and whether the
// subscription is disabled after repeated drops.
func (s *Server) Deliveries(subscriptionID string) (list []Delivery, disabled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hook(subscriptionID)
	if h == nil {
		return nil, false
	}
	return slices.Clone(h.deliveries), s.clock.Now().Before(h.disabledUntil)
}

var _ http.Handler = (*Server)(nil)
