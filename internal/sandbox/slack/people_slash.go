package slack

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
)

// Slash types a slash command into a channel and returns when the app acknowledged.
// Slash commands do not work in threads, which is why there is no thread here. An
// app that stays silent for three seconds earns the person an ephemeral error.
func (s *Server) Slash(ctx context.Context, user, where, line string) error {
	name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
	var payload obj
	var to string
	var u *User
	var ch *channel
	var err error
	s.locked(func() {
		if u, ch, err = s.inside(user, where); err != nil {
			return
		}
		i := slices.IndexFunc(s.app.Commands, func(c Command) bool { return c.Command == name })
		if i < 0 || u.TeamID != "" || !slices.Contains(s.app.Scopes, "commands") { // their workspace has no such app
			err = &Error{"command_not_found", name + " is not a valid command."}
			return
		}
		to = or(s.app.Commands[i].URL, s.app.RequestURL)
		if s.app.Commands[i].Escape {
			text = s.labelled(s.typed(text))
		}
		payload = obj{
			"token": "sandbox", "team_id": s.team.ID, "team_domain": s.team.Domain,
			"channel_id": ch.id, "channel_name": ch.commandName(), "user_id": u.ID, "user_name": u.Name,
			"command": name, "text": strings.TrimSpace(text), "api_app_id": s.app.AppID,
			"is_enterprise_install": "false", "response_url": s.respondTo(u.ID, ch.id, ""),
			"trigger_id": s.pull(u.ID, ""),
		}
	})
	if err != nil {
		return err
	}
	ack, err := s.ask(ctx, "slash_commands", to, payload)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		code := "dispatch_failed"
		if errors.Is(err, errSilent) || errors.Is(err, context.DeadlineExceeded) {
			code = "operation_timeout"
		}
		failed := notDelivered(name, code)
		s.locked(func() {
			s.whisper(ch, &message{user: "USLACKBOT", only: u.ID, text: failed.Text})
		})
		return failed
	}
	return s.ackedWith(ack, u.ID, ch)
}

var bareMention = regexp.MustCompile(`<@(\w+)>`)

// labelled names the people mentioned, as slash commands do and messages do not.
func (s *Server) labelled(text string) string {
	return bareMention.ReplaceAllStringFunc(text, func(m string) string {
		u := s.users[m[2:len(m)-1]]
		if u == nil {
			return m
		}
		return "<@" + u.ID + "|" + u.Name + ">"
	})
}

// ackedWith shows what came with an acknowledgement, if anything did.
func (s *Server) ackedWith(ack json.RawMessage, user string, ch *channel) (err error) {
	var args obj
	if len(ack) == 0 || json.Unmarshal(ack, &args) != nil || len(args) == 0 {
		return nil
	}
	s.locked(func() {
		err = told(s.answerPerson(&response{user: user, channel: ch.id}, args))
		if err != nil {
			s.log.Warn("acknowledgement not shown", "error", err)
		}
	})
	return err
}

// commandName is the channel_name of slash commands.
func (c *channel) commandName() string {
	switch {
	case c.im:
		return "directmessage"
	case c.private:
		return "privategroup"
	}
	return c.name
}
