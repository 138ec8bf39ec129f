package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// interaction is a click, a submission or a shortcut.
// https://docs.slack.dev/reference/interaction-payloads
type interaction struct {
	Type        string  `json:"type"`
	CallbackID  string  `json:"callback_id"`
	TriggerID   string  `json:"trigger_id"`
	ResponseURL string  `json:"response_url"`
	Team        named   `json:"team"`
	User        named   `json:"user"`
	Channel     named   `json:"channel"`
	Container   held    `json:"container"`
	Message     quoted  `json:"message"`
	Actions     []click `json:"actions"`
	View        modal   `json:"view"`
}

type named struct {
	ID     string `json:"id"`
	TeamID string `json:"team_id"`
}

type held struct {
	Type      string `json:"type"`
	MessageTS string `json:"message_ts"`
	ChannelID string `json:"channel_id"`
	ThreadTS  string `json:"thread_ts"`
	Ephemeral bool   `json:"is_ephemeral"`
}

type quoted struct {
	TS     string            `json:"ts"`
	User   string            `json:"user"`
	BotID  string            `json:"bot_id"`
	Text   string            `json:"text"`
	Blocks []json.RawMessage `json:"blocks"`
}

type click struct {
	ActionID string `json:"action_id"`
	BlockID  string `json:"block_id"`
	Value    string `json:"value"`
	Text     struct {
		Text string `json:"text"`
	} `json:"text"`
}

type modal struct {
	ID              string `json:"id"`
	Hash            string `json:"hash"`
	CallbackID      string `json:"callback_id"`
	PrivateMetadata string `json:"private_metadata"`
	State           struct {
		Values map[string]map[string]value `json:"values"`
	} `json:"state"`
}

// The shortcuts, by callback id. They are named in the manifest.
const (
	shortcutDeclare     = "declare"
	shortcutDeclareFrom = "declare_from_message"
	shortcutKeep        = "keep_message"
	shortcutTask        = "task_from_message"
	shortcutItem        = "item_from_message"
)

// interact carries a click, a submission or a shortcut. What it returns goes back with
// the acknowledgement.
func (s *Slack) interact(ctx context.Context, in interaction, envelope string) (any, error) {
	if !s.ours(ctx, in.Team.ID) {
		return nil, errForeign
	}
	p, err := s.asker(ctx, in)
	if err != nil {
		s.answer(ctx, in, s.trouble(err))
		return nil, nil //nolint:nilerr // whoever asked was told; delivering it again would not help
	}
	if in.Channel.ID == "" {
		in.Channel.ID = in.Container.ChannelID
	}
	if in.Type == "view_submission" {
		return s.submitted(ctx, in, p)
	}
	return nil, s.within(ctx, lateInteraction, envelope, in, func(ctx context.Context) error {
		s.act(ctx, in, p, envelope)
		return nil
	})
}

// asker is who clicked, submitted or took a shortcut.
func (s *Slack) asker(ctx context.Context, in interaction) (incident.Person, error) {
	p, err := s.person(ctx, in.User.ID)
	if err == nil && in.User.TeamID != "" && in.User.TeamID != in.Team.ID {
		p.Standing = incident.Foreign
	}
	return p, err
}

// act does what was clicked, or what a shortcut stands for.
func (s *Slack) act(ctx context.Context, in interaction, p incident.Person, envelope string) {
	switch in.Type {
	case "block_actions":
		for _, c := range in.Actions {
			s.clicked(ctx, in, c, p, envelope)
		}
	case "shortcut":
		if in.CallbackID == shortcutDeclare {
			s.form(ctx, in, p, meta{Form: formDeclare})
		}
	case "message_action":
		s.shortcut(ctx, in, p, envelope)
	}
}

// clicked does what typing a button's words would do.
func (s *Slack) clicked(ctx context.Context, in interaction, c click, p incident.Person, envelope string) {
	var b pressed
	if !strings.HasPrefix(c.ActionID, "do-") || json.Unmarshal([]byte(c.Value), &b) != nil {
		return // a link, or a field of a form
	}
	if _, ok := findForm(b.Opens); ok {
		s.form(ctx, in, p, meta{Form: b.Opens, Stream: b.Stream, Channel: in.Channel.ID, Drill: b.Words == "declare drill"})
		return
	}
	reply, err := s.do(ctx, Call{
		Line: b.Words, Marked: true, Person: p, Via: incident.ViaSlack, Channel: in.Channel.ID, Stream: b.Stream,
		ThreadTS: in.Container.ThreadTS, CommandID: commandID("click", in.TriggerID, envelope),
	})
	if err != nil {
		s.answer(ctx, in, s.trouble(err))
		return
	}
	if reply.Opens != "" {
		s.form(ctx, in, p, meta{Form: reply.Opens, Stream: reply.Stream, Channel: in.Channel.ID})
		return
	}
	if reply.Asked && reply.Refused == nil {
		s.decided(ctx, in, c, p, reply)
	}
	if reply.redundant() {
		return
	}
	s.answer(ctx, in, reply.Card)
}

// answer shows a card to whoever clicked.
func (s *Slack) answer(ctx context.Context, in interaction, c templates.Card) {
	if c.Lead == "" && len(c.Blocks) == 0 {
		return
	}
	if in.ResponseURL != "" && s.tryRespond(ctx, in.ResponseURL, toOne(c)) == nil {
		return
	}
	s.whisper(ctx, in.Channel.ID, in.Container.ThreadTS, in.User.ID, c)
}

// decided takes the buttons away that were just decided, so that nobody presses what
// means nothing any more. What is kept up to date in place draws its own.
func (s *Slack) decided(ctx context.Context, in interaction, c click, p incident.Person, reply Reply) {
	if in.ResponseURL == "" || len(in.Message.Blocks) == 0 {
		return
	}
	st, err := s.c.Room.Reader.Load(ctx, reply.Stream)
	if err != nil {
		return
	}
	for _, ref := range st.Messages {
		if ref.TS == in.Container.MessageTS && ref.Channel == in.Channel.ID { // a time stamp names a message of one channel
			return
		}
	}
	blocks, ok := without(in.Message.Blocks, c.BlockID, "✓ "+templates.Line(c.Text.Text, maxButtonText)+" · "+called(p))
	if !ok {
		return
	}
	s.respond(ctx, in.ResponseURL, struct {
		Replace bool              `json:"replace_original"`
		Text    string            `json:"text"`
		Blocks  []json.RawMessage `json:"blocks"`
	}{true, in.Message.Text, blocks})
}

// without puts a line of small print in the place of one block.
func without(blocks []json.RawMessage, id, text string) ([]json.RawMessage, bool) {
	note, err := json.Marshal(slack.NewContextBlock("", mrkdwn(text)))
	if err != nil {
		return nil, false
	}
	out := append([]json.RawMessage(nil), blocks...)
	for i, b := range out {
		var head struct {
			BlockID string `json:"block_id"`
			Type    string `json:"type"`
		}
		if json.Unmarshal(b, &head) == nil && head.BlockID == id && head.Type == "actions" {
			out[i] = note
			return out, true
		}
	}
	return nil, false
}

// shortcut does what a message shortcut stands for.
func (s *Slack) shortcut(ctx context.Context, in interaction, p incident.Person, envelope string) {
	me, err := s.whoami(ctx)
	if err != nil {
		s.answer(ctx, in, s.trouble(err))
		return
	}
	m := meta{
		Channel: in.Channel.ID, Author: in.Message.User, FromText: unmark(in.Message.Text, map[string]string{}),
		From: &incident.MessageRef{Channel: in.Channel.ID, TS: in.Message.TS, Permalink: permalink(me, in.Channel.ID, in.Message.TS)},
	}
	if in.CallbackID == shortcutDeclareFrom {
		m.Form = formDeclare
		s.form(ctx, in, p, m)
		return
	}
	id, _, err := s.c.Room.Reader.ByClaim(ctx, "slack:"+in.Channel.ID)
	if err != nil {
		s.answer(ctx, in, s.trouble(err))
		return
	}
	m.Stream = id
	switch in.CallbackID {
	case shortcutTask:
		m.Form = formTask
	case shortcutItem:
		m.Form = formItem
	case shortcutKeep:
		m.Form = formKeep
		if id != "" {
			reply, err := s.keep(ctx, p, id, m, commandID("shortcut", in.TriggerID, envelope))
			if err != nil {
				reply.Card = s.trouble(err)
			}
			s.answer(ctx, in, reply.Card)
			return
		}
	default:
		return
	}
	s.form(ctx, in, p, m)
}

// keep makes a message a key event of an incident.
func (s *Slack) keep(ctx context.Context, p incident.Person, id incident.ID, m meta, command incident.CommandID) (Reply, error) {
	room := s.c.Room
	reply, _, err := room.submit(ctx, Call{Person: p, Via: incident.ViaSlack, CommandID: command, Channel: m.Channel}, meta{Form: formKeep, Stream: id, From: m.From, FromText: m.FromText, Author: m.Author}, values{})
	if err == nil && reply.Refused != nil {
		reply.Card = refusalCard(reply.Refused)
	}
	return reply, err
}

// permalink is a message's address, made without asking Slack.
func permalink(me self, channel, ts string) string {
	if me.URL == "/" || me.URL == "" {
		return ""
	}
	return me.URL + "archives/" + channel + "/p" + strings.ReplaceAll(ts, ".", "")
}

// form opens a form, and says so when that fails.
func (s *Slack) form(ctx context.Context, in interaction, p incident.Person, m meta) {
	if err := s.openForm(ctx, in.TriggerID, p, m); err != nil {
		s.answer(ctx, in, s.trouble(err))
	}
}

// openForm opens a form at once, with what is known. A trigger lives 3 s and works once.
func (s *Slack) openForm(ctx context.Context, trigger string, p incident.Person, m meta) error {
	f, ok := findForm(m.Form)
	if !ok {
		return fmt.Errorf("open form %q: no such form", m.Form)
	}
	if err := welcome(p); err != nil {
		return err
	}
	a := s.c.Room.begin(Call{Person: p, Via: incident.ViaSlack, Channel: m.Channel})
	a.verb = verb{Name: f.Name, Book: f.Book}
	if !f.Fresh && m.Stream != "" {
		if err := a.take(ctx, m.Stream); err != nil {
			return err
		}
	}
	if !f.Fresh && m.Stream == "" {
		if err := a.onlyOne(ctx); err == nil {
			m.Stream = a.state.Stream
		} else if no, ok := asRefusal(err); !ok || no.Code != "which" {
			return err
		}
	}
	view, err := f.view(ctx, a, m)
	if err != nil {
		return err
	}
	return s.call(ctx, "views.open", "", incident.RankPage, func() error {
		_, err := s.api.OpenViewContext(ctx, trigger, view)
		return err
	})
}

// submitted carries out a form. Fields that do not do are named by block, and the
// form stays open.
func (s *Slack) submitted(ctx context.Context, in interaction, p incident.Person) (any, error) {
	var m meta
	if err := json.Unmarshal([]byte(in.View.PrivateMetadata), &m); err != nil {
		return nil, errUnreadable
	}
	if !strings.HasPrefix(m.Form, in.View.CallbackID+" ") { // the form of an action remembers which
		m.Form = in.View.CallbackID
	}
	v := values{}
	for block, actions := range in.View.State.Values {
		if got, ok := actions["v"]; ok {
			v[block] = got
		}
	}
	reply, wrong, err := s.c.Room.submit(ctx, Call{
		Person: p, Via: incident.ViaSlack, Channel: m.Channel,
		CommandID: submissionID(in, v),
	}, m, v)
	if err != nil {
		return closing("Not done", s.trouble(err)), nil //nolint:nilerr // whoever asked is told
	}
	if len(wrong) > 0 {
		if _, ok := wrong[""]; ok {
			return closing("Not done", refusalCard(reply.Refused)), nil
		}
		return slack.NewErrorsViewSubmissionResponse(wrong), nil
	}
	if m.Form == formDeclare || reply.Answer.First == 0 {
		return closing("Done", reply.Card), nil
	}
	return nil, nil
}

// submissionID tells a redelivery, which carries the same trigger, from a second try
// at a form that came back with a complaint. Without a trigger, what was filled in
// tells them apart: such a form keeps its id and hash.
func submissionID(in interaction, v values) incident.CommandID {
	m := in.View
	if in.TriggerID != "" {
		return incident.CommandID("slack/view/" + m.ID + "/" + in.TriggerID)
	}
	filled, err := json.Marshal(v)
	if err != nil {
		filled = nil // cannot be: it was read from JSON
	}
	return incident.CommandID("slack/view/" + m.ID + "/" + m.Hash + "/" + digest(filled)[:16])
}

// closing is a last page for a form whose outcome would be seen nowhere else.
func closing(title string, c templates.Card) *slack.ViewSubmissionResponse {
	return slack.NewUpdateViewSubmissionResponse(&slack.ModalViewRequest{
		Type: slack.VTModal, Title: plain(title), Close: plain("Close"),
		Blocks: slack.Blocks{BlockSet: draw(c, maxHomeBlocks)},
	})
}
