package slack

import (
	"net/http"
	"strings"
	"time"
)

// A response_url works five times within thirty minutes.
// https://docs.slack.dev/interactivity/handling-user-interaction
const (
	responseUses = 5
	responseLife = 30 * time.Minute
)

type response struct {
	born    time.Time // workspace's clock
	uses    int
	user    string
	channel string
	origin  string // ts of the message the press was on
}

// respondTo makes a response_url. The caller holds mu.
func (s *Server) respondTo(user, channel, origin string) string {
	clip(s.responses, func(r *response) time.Time { return r.born })
	id := random(48)
	s.responses[id] = &response{born: s.clock.Now(), user: user, channel: channel, origin: origin}
	return s.base + "/response/" + id
}

func (s *Server) serveResponse(w http.ResponseWriter, r *http.Request) {
	args, _, err := readArgs(w, r)
	if v, isForm := args["payload"].(string); err == nil && isForm {
		payload, ok := (&call{args: obj{"v": v}}).json("v")
		if args, _ = payload.(obj); !ok || args == nil {
			err = no("invalid_payload")
		}
	}
	if err == nil {
		s.locked(func() { err = s.respond(strings.TrimPrefix(r.URL.Path, "/response/"), args) })
	}
	if err != nil {
		status := http.StatusBadRequest
		if code := err.Error(); code == "used_url" || code == "expired_url" || code == "invalid_url" {
			status = http.StatusNotFound
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(raw(obj{"ok": false, "error": err.Error()}))
		return
	}
	w.Header().Set("Content-Type", "text/html")
	_, _ = w.Write([]byte("ok"))
}

func (s *Server) respond(id string, args obj) error {
	r := s.responses[id]
	switch {
	case r == nil:
		return no("invalid_url")
	case s.clock.Now().Sub(r.born) > responseLife:
		return no("expired_url")
	case r.uses >= responseUses:
		return no("used_url")
	}
	if err := s.answerPerson(r, args); err != nil {
		return err
	}
	r.uses++
	return nil
}

// answerPerson shows what the app sent to a response_url or with its
// acknowledgement of a slash command.
func (s *Server) answerPerson(r *response, args obj) error {
	ch := s.channels[r.channel]
	if ch == nil {
		return no("channel_not_found")
	}
	c := &call{args: args}
	origin := ch.byTS[r.origin]
	if c.flag("delete_original") {
		if origin == nil {
			return no("message_not_found")
		}
		s.takeAway(ch, origin)
		return nil
	}
	m := &message{user: s.botUser, bot: true}
	if err := c.content(m); err != nil {
		return err
	}
	m.text = cut(m.text, maxText)
	if c.flag("replace_original") {
		if origin == nil {
			return no("message_not_found")
		}
		if origin.only != "" {
			origin.text, origin.blocks, origin.attachments = m.text, m.blocks, m.attachments
			s.changed()
			return nil
		}
		s.rewrite(ch, origin, s.botUser, m)
		return nil
	}
	m.thread = c.str("thread_ts")
	if ch.archived {
		return no("is_archived")
	}
	if c.str("response_type") == "in_channel" {
		s.deliverMessage(ch, m)
		return nil
	}
	m.only = r.user
	s.whisper(ch, m)
	return nil
}

func (s *Server) takeAway(ch *channel, m *message) {
	if m.only != "" {
		ch.drop(m)
		s.changed()
		return
	}
	s.remove(ch, m)
}
