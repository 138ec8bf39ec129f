package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// ackTime is how long the app has to acknowledge, in real seconds.
const ackTime = 3 * time.Second

// retries of an event, on the workspace's clock: nearly at once, after a minute,
// after five. https://docs.slack.dev/apis/events-api/#retries
var retries = []time.Duration{0, time.Minute, 5 * time.Minute}

const maxQueue = 10_000 // events that wait for the app

// delivery is one event on its way, through all its attempts.
type delivery struct {
	payload obj
	attempt int
	reason  string
	last    *conn // the socket that had it last
}

// eventScopes is what the bot token must carry to receive an event.
var eventScopes = map[string]string{
	"message.channels": "channels:history", "message.groups": "groups:history", "message.im": "im:history",
	"app_mention": "app_mentions:read", "reaction_added": "reactions:read", "reaction_removed": "reactions:read",
	"pin_added": "pins:read", "pin_removed": "pins:read", "file_shared": "files:read",
	"user_change": "users:read", "team_join": "users:read",
	"channel_created": "channels:read", "channel_archive": "channels:read", "channel_unarchive": "channels:read",
	"channel_rename": "channels:read", "channel_left": "channels:read",
	"group_archive": "groups:read", "group_unarchive": "groups:read", "group_rename": "groups:read", "group_left": "groups:read",
}

// Events lists the kinds of events that the sandbox sends, as an app subscribes to them.
func Events() []string {
	all := []string{"app_home_opened", "member_joined_channel", "member_left_channel"}
	return slices.Sorted(slices.Values(slices.AppendSeq(all, maps.Keys(eventScopes))))
}

// emit sends an event to the app if it subscribed to kind, its token may see such
// events, and the bot is a member of the channel, where there is one. The caller
// holds mu.
func (s *Server) emit(kind, channel string, event obj) {
	if !slices.Contains(s.app.Events, kind) {
		return
	}
	if need := eventScopes[kind]; need != "" && !slices.Contains(s.app.Scopes, need) {
		s.log.Warn("event not delivered: scope missing", "event", kind, "needed", need)
		return
	}
	external := false
	if c := s.channels[channel]; channel != "" {
		if c == nil || !c.has(s.botUser) {
			return
		}
		external = c.extShared
	}
	if event["event_ts"] == nil {
		event["event_ts"] = s.eventTS()
	}
	// The payload is frozen now: what it shows may change before it is sent.
	var frozen obj
	if err := json.Unmarshal(raw(obj{
		"token": "sandbox", "team_id": s.team.ID, "context_team_id": s.team.ID, "context_enterprise_id": nil,
		"api_app_id": s.app.AppID, "event": event, "type": "event_callback",
		"event_id": s.id("Ev"), "event_time": s.now(), "is_ext_shared_channel": external,
		"event_context": "4-" + random(24),
		"authorizations": []obj{{
			"enterprise_id": nil, "team_id": s.team.ID, "user_id": s.botUser, "is_bot": true, "is_enterprise_install": false,
		}},
	}), &frozen); err != nil {
		s.log.Error("event is no JSON", "event", kind, "error", err)
		return
	}
	s.dispatch(&delivery{payload: frozen})
	if s.repeat > 0 {
		s.repeat--
		s.dispatch(&delivery{payload: frozen})
	}
}

// eventTS is a time stamp for what has no message: to the microsecond, and no two alike.
func (s *Server) eventTS() string {
	s.lastEvent = max(s.lastEvent+1, s.clock.Now().UnixMicro())
	return fmt.Sprintf("%d.%06d", s.lastEvent/1e6, s.lastEvent%1e6)
}

// dispatch sends a delivery off. The caller holds mu.
func (s *Server) dispatch(d *delivery) {
	if s.ctx.Err() != nil {
		return
	}
	if s.app.SocketMode {
		s.sendEvent(d)
		return
	}
	if s.app.EventsURL == "" && s.app.RequestURL == "" {
		return
	}
	if len(s.queue) >= maxQueue {
		s.log.Warn("event dropped: too many wait")
		return
	}
	s.queue = append(s.queue, d)
	if !s.pushing {
		s.pushing = true
		s.after = append(s.after, func() { go s.pushEvents() })
	}
}

// missed plans the next attempt of a delivery, or gives up. The caller holds mu.
func (s *Server) missed(d *delivery, reason string) {
	if d.attempt >= len(retries) || s.ctx.Err() != nil {
		s.log.Warn("event given up", "event_id", d.payload["event_id"], "reason", reason)
		return
	}
	wait := retries[d.attempt]
	d.attempt++
	d.reason = reason
	if wait == 0 {
		s.dispatch(d)
		return
	}
	s.after = append(s.after, func() {
		s.clock.AfterFunc(wait, func() { s.locked(func() { s.dispatch(d) }) })
	})
}

// ask brings a slash command or an interaction to the app and returns what it
// acknowledged with; the error is what Slack's client would tell the person.
func (s *Server) ask(ctx context.Context, kind, url string, payload obj) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, ackTime)
	defer cancel()
	var ack json.RawMessage
	var err error
	if s.socketMode() {
		ack, err = s.askSocket(ctx, kind, payload)
	} else {
		ack, err = s.askHTTP(ctx, kind, url, payload)
	}
	if err != nil {
		s.log.Info("app did not acknowledge", "kind", kind, "error", err)
		return nil, err
	}
	return ack, nil
}

func (s *Server) socketMode() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.app.SocketMode
}

// notDelivered is what a person reads when the app stays silent.
func notDelivered(what, code string) *Error {
	return &Error{code, strings.TrimSpace(what + " failed with the error \"" + code + "\"")}
}
