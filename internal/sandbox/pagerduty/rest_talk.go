package pagerduty

import (
	"net/http"
	"slices"
)

const maxNotes = 2000 // notes of one incident

func (s *Server) renderNote(n *note) obj {
	return obj{"id": n.id, "content": n.content, "created_at": stamp(n.at), "user": s.userRef(n.userID),
		"channel": obj{"summary": "The PagerDuty website or APIs"}}
}

func (s *Server) listNotes(c *call) (int, any, *refusal) {
	in := s.incident(c.PathValue("id"))
	if in == nil {
		return 0, nil, notFound()
	}
	out := []obj{}
	for _, n := range in.notes {
		out = append(out, s.renderNote(n))
	}
	return http.StatusOK, obj{"notes": out}, nil
}

func (s *Server) createNote(c *call) (int, any, *refusal) {
	if no := s.needFrom(c); no != nil {
		return 0, nil, no
	}
	var body struct {
		Note *struct {
			Content string `json:"content"`
		} `json:"note"`
	}
	if no := decode(c, &body); no != nil {
		return 0, nil, no
	}
	in := s.incident(c.PathValue("id"))
	if in == nil {
		return 0, nil, notFound()
	}
	if body.Note == nil || body.Note.Content == "" {
		return 0, nil, invalid("Content cannot be empty")
	}
	if len(in.notes) >= maxNotes {
		return 0, nil, invalid("An incident can have a maximum of 2000 notes")
	}
	n := s.annotate(in, body.Note.Content, c.by())
	return http.StatusOK, obj{"note": s.renderNote(n)}, nil
}

func (s *Server) annotate(in *incident, content string, by actor) *note {
	n := &note{id: s.id("P", 6), userID: by.userID, content: content, at: s.clock.Now()}
	in.notes = append(in.notes, n)
	s.log(in, "annotate_log_entry", "Note added by "+s.actorName(by), by)
	s.entries[len(s.entries)-1].note = content
	s.say(in, "incident.annotated", by, obj{"incident": s.incidentRef(in), "id": n.id, "content": content,
		"trimmed": false, "type": "incident_note"})
	s.changed()
	return n
}

func (s *Server) createStatusUpdate(c *call) (int, any, *refusal) {
	if no := s.needFrom(c); no != nil {
		return 0, nil, no
	}
	var body struct {
		Message     string `json:"message"`
		Subject     string `json:"subject"`
		HTMLMessage string `json:"html_message"`
	}
	if no := decode(c, &body); no != nil {
		return 0, nil, no
	}
	in := s.incident(c.PathValue("id"))
	if in == nil {
		return 0, nil, notFound()
	}
	if body.Message == "" {
		return 0, nil, invalid("Message cannot be empty")
	}
	by := c.by()
	u := &statusUpdate{id: s.id("P", 6), userID: by.userID, message: body.Message, subject: body.Subject,
		html: body.HTMLMessage, at: s.clock.Now()}
	in.updates = append(in.updates, u)
	s.log(in, "status_update_log_entry", "Status update published by "+s.actorName(by), by)
	s.say(in, "incident.status_update_published", by, obj{"incident": s.incidentRef(in), "id": u.id,
		"message": u.message, "trimmed": false, "type": "incident_status_update"})
	s.changed()
	out := obj{"id": u.id, "message": u.message, "sender": s.userRef(u.userID), "created_at": stamp(u.at)}
	if u.subject != "" {
		out["subject"] = u.subject
	}
	if u.html != "" {
		out["html_message"] = u.html
	}
	return http.StatusOK, obj{"status_update": out}, nil
}

type target struct {
	Target reference `json:"responder_request_target"`
}

func (s *Server) createResponderRequest(c *call) (int, any, *refusal) {
	if s.lacking["coordinated_responding"] {
		return 0, nil, &refusal{http.StatusPaymentRequired, codeAbility, "Account does not have the abilities to perform the action",
			[]string{"coordinated_responding"}}
	}
	if no := s.needFrom(c); no != nil {
		return 0, nil, no
	}
	var body struct {
		RequesterID string   `json:"requester_id"`
		Message     string   `json:"message"`
		Targets     []target `json:"responder_request_targets"`
	}
	if no := decode(c, &body); no != nil {
		return 0, nil, no
	}
	in := s.incident(c.PathValue("id"))
	if in == nil {
		return 0, nil, notFound()
	}
	if s.user(body.RequesterID) == nil {
		return 0, nil, invalid("Requester not found")
	}
	if body.Message == "" {
		return 0, nil, invalid("Message cannot be empty")
	}
	if len(body.Targets) == 0 {
		return 0, nil, invalid("Responder request targets cannot be empty")
	}
	if in.status == resolved {
		return 0, nil, &refusal{http.StatusBadRequest, 1001, "Incident Already Resolved", nil}
	}
	targets, no := s.findTargets(body.Targets)
	if no != nil {
		return 0, nil, no
	}
	now := s.clock.Now()
	out := []obj{}
	for _, t := range targets {
		asked := []obj{}
		for _, userID := range t.users {
			p := s.ask(in, responder{userID: userID, requesterID: body.RequesterID, message: body.Message,
				state: "pending", policyID: t.policyID, requested: now, updated: now}, c.by())
			asked = append(asked, s.renderResponder(in, p))
		}
		out = append(out, obj{"responder_request_target": obj{"id": t.id, "type": t.kind, "incidents_responders": asked}})
	}
	return http.StatusOK, obj{"responder_request": obj{"incident": s.incidentRef(in), "requester": s.userRef(body.RequesterID),
		"requested_at": stamp(now), "message": body.Message, "responder_request_targets": out}}, nil
}

type foundTarget struct {
	id, kind, policyID string
	users              []string
}

func (s *Server) findTargets(list []target) ([]foundTarget, *refusal) {
	var out []foundTarget
	for _, t := range list {
		switch t.Target.Type {
		case "user_reference", "user":
			if s.user(t.Target.ID) == nil {
				return nil, invalid("Responder request target not found")
			}
			out = append(out, foundTarget{t.Target.ID, "user", "", []string{t.Target.ID}})
		case "escalation_policy_reference", "escalation_policy":
			p := s.policy(t.Target.ID)
			if p == nil || len(p.Rules) == 0 {
				return nil, invalid("Responder request target not found")
			}
			out = append(out, foundTarget{p.ID, "escalation_policy", p.ID, s.paged(p.Rules[0])})
		default:
			return nil, invalid("Responder request target type must be user_reference or escalation_policy_reference")
		}
	}
	return out, nil
}

// ask requests a responder; asking again renews a request already answered.
func (s *Server) ask(in *incident, want responder, by actor) *responder {
	i := slices.IndexFunc(in.responders, func(p *responder) bool { return p.userID == want.userID })
	if i >= 0 {
		*in.responders[i] = want
	} else {
		in.responders = append(in.responders, &want)
		i = len(in.responders) - 1
	}
	p := in.responders[i]
	s.log(in, "responder_request_log_entry", s.user(p.userID).Name+" was asked to respond by "+s.actorName(by), by, p.userID)
	s.notify(in, []string{p.userID})
	s.say(in, "incident.responder.added", by, s.responderData(in, p))
	s.changed()
	return p
}

// reply records a responder's answer.
func (s *Server) reply(in *incident, p *responder, joins bool) {
	p.state, p.updated = "declined", s.clock.Now()
	if joins {
		p.state = "joined"
	}
	by := actor{userID: p.userID, channel: "mobile"}
	s.log(in, "responder_reply_log_entry", s.actorName(by)+" "+p.state, by, p.userID)
	s.say(in, "incident.responder.replied", by, s.responderData(in, p))
	s.changed()
}
