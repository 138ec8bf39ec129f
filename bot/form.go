package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// form is a modal that stands for words.
type form struct {
	Name   string
	Title  string // at most 24 runes
	Submit string // at most 24 runes
	Fresh  bool   // is about no incident yet
	Book   Book
	// Fields are what is asked, with what is known filled in.
	Fields func(ctx context.Context, a *asking, m meta) []field
	// Read turns what was filled in into commands. A Refusal of a field is a *slip.
	Read func(ctx context.Context, a *asking, m meta, v values) (deed, error)
	// Blame names the field a refusal of the rules belongs to, by its code; the first
	// field has it otherwise.
	Blame map[string]string
}

// The forms, by the words they stand for: a card's button names them in Opens.
const (
	formDeclare  = "declare"
	formUpdate   = "update"
	formSev      = "sev"
	formRole     = "role"
	formResolve  = "resolve"
	formReopen   = "reopen"
	formPage     = "page"
	formTask     = "task add"
	formItem     = "item add"
	formTimeline = "timeline add"
	formReport   = "postmortem edit"
	formKeep     = "keep"
)

func forms() []form {
	return []form{
		declareForm, updateForm, sevForm, roleForm, resolveForm, reopenForm, pageForm,
		taskForm, itemForm, timelineForm, reportForm, keepForm, containForm,
	}
}

func findForm(name string) (form, bool) {
	for _, f := range forms() {
		if f.Name == name || f.Name == formContain && strings.HasPrefix(name, formContain+" ") {
			return f, true
		}
	}
	return form{}, false
}

// meta is what a form remembers between opening and submission.
type meta struct {
	Form     string               `json:"f"`
	Stream   incident.ID          `json:"s,omitempty"`
	Channel  string               `json:"c,omitempty"`
	From     *incident.MessageRef `json:"m,omitempty"`
	FromText string               `json:"t,omitempty"`
	Author   string               `json:"a,omitempty"` // Slack user id of the message's author
	Drill    bool                 `json:"d,omitempty"` // the button said so
}

// kindOfField is what can be asked.
type kindOfField int

const (
	oneLine kindOfField = iota
	longText
	choice
	onePerson
	somePeople
	checkbox
	day
)

// field is one question of a form.
type field struct {
	Block    string
	Label    string
	Hint     string
	Kind     kindOfField
	Options  []option
	Initial  string
	Optional bool
	Max      int // runes; 0 takes 3000, Slack's own bound
}

type option struct{ Value, Text string }

// maxMeta is the room for private_metadata, in runes.
const maxMeta = 3000

// view draws the form.
func (f form) view(ctx context.Context, a *asking, m meta) (slack.ModalViewRequest, error) {
	if len([]rune(m.FromText)) > 1500 {
		m.FromText = cutRunes(m.FromText, 1500)
	}
	known, err := json.Marshal(m)
	if err != nil || len([]rune(string(known))) > maxMeta {
		return slack.ModalViewRequest{}, fmt.Errorf("form %s: what it has to remember is too long", f.Name)
	}
	v := slack.ModalViewRequest{
		Type: slack.VTModal, Title: plain(f.Title), Submit: plain(f.Submit), Close: plain("Cancel"),
		CallbackID: f.Name, PrivateMetadata: string(known),
	}
	for _, q := range f.Fields(ctx, a, m) {
		v.Blocks.BlockSet = append(v.Blocks.BlockSet, q.block())
	}
	return v, nil
}

func (q field) block() slack.Block {
	el := q.element()
	b := slack.NewInputBlock(q.Block, plain(q.Label), nil, el)
	if q.Hint != "" {
		b.Hint = plain(q.Hint)
	}
	b.Optional = q.Optional
	return b
}

func (q field) element() slack.BlockElement {
	limit := q.Max
	if limit == 0 || limit > 3000 {
		limit = 3000
	}
	switch q.Kind {
	case choice:
		el := slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, nil, "v")
		for i, o := range q.Options {
			if i == 100 {
				break
			}
			obj := slack.NewOptionBlockObject(o.Value, plain(templates.Label(o.Text, maxButtonText)), nil)
			el.Options = append(el.Options, obj)
			if o.Value == q.Initial {
				el.InitialOption = obj
			}
		}
		return el
	case onePerson:
		el := slack.NewOptionsSelectBlockElement(slack.OptTypeUser, nil, "v")
		el.InitialUser = q.Initial
		return el
	case somePeople:
		return slack.NewOptionsMultiSelectBlockElement(slack.MultiOptTypeUser, nil, "v")
	case checkbox:
		el := slack.NewCheckboxGroupsBlockElement("v")
		for _, o := range q.Options {
			obj := slack.NewOptionBlockObject(o.Value, plain(templates.Label(o.Text, maxButtonText)), nil)
			el.Options = append(el.Options, obj)
			if o.Value == q.Initial {
				el.InitialOptions = append(el.InitialOptions, obj)
			}
		}
		return el
	case day:
		el := slack.NewDatePickerBlockElement("v")
		el.InitialDate = q.Initial
		return el
	}
	el := slack.NewPlainTextInputBlockElement(nil, "v")
	el.Multiline = q.Kind == longText
	el.InitialValue = cutRunes(q.Initial, limit)
	el.MaxLength = limit
	return el
}

// values are what was filled in, by block.
type values map[string]value

type value struct {
	Value          string   `json:"value"`
	SelectedUser   string   `json:"selected_user"`
	SelectedUsers  []string `json:"selected_users"`
	SelectedDate   string   `json:"selected_date"`
	SelectedOption struct {
		Value string `json:"value"`
	} `json:"selected_option"`
	SelectedOptions []struct {
		Value string `json:"value"`
	} `json:"selected_options"`
}

func (v values) text(block string) string { return strings.TrimSpace(v[block].Value) }

func (v values) chosen(block string) string { return v[block].SelectedOption.Value }

func (v values) ticked(block, what string) bool {
	for _, o := range v[block].SelectedOptions {
		if o.Value == what {
			return true
		}
	}
	return false
}

// slip is a refusal that belongs to one field.
type slip struct {
	block string
	no    *incident.Refusal
}

func (e *slip) Error() string { return e.no.Error() }
func (e *slip) Unwrap() error { return e.no }

func slipped(block string, err error) error {
	if no, ok := asRefusal(err); ok {
		return &slip{block, no}
	}
	return err
}

// someone is the person chosen in a field, nil for none.
func (a *asking) someone(ctx context.Context, block, user string) (*incident.Person, error) {
	if user == "" {
		return nil, nil
	}
	p, err := a.room.Directory.BySlack(ctx, user)
	if err != nil {
		return nil, slipped(block, err)
	}
	return &p, nil
}

// dueOn is a day chosen in a field: its end of work in the asker's zone.
func (a *asking) dueOn(v values, block string) (time.Time, error) {
	d := v[block].SelectedDate
	if d == "" {
		return time.Time{}, nil
	}
	at, err := parseTime(d, a.now, a.zone, future)
	if err != nil {
		return at, slipped(block, err)
	}
	return at, nil
}

// submit carries out a form that was filled in. Fields that do not do come back by
// block, each with its sentence.
func (r *Room) submit(ctx context.Context, c Call, m meta, v values) (Reply, map[string]string, error) {
	f, ok := findForm(m.Form)
	if !ok {
		return Reply{}, nil, fmt.Errorf("form %q: no such form", m.Form)
	}
	a := r.begin(c)
	a.verb = verb{Name: f.Name, Book: f.Book}
	reply, err := a.fill(ctx, f, m, v)
	if err == nil {
		return reply, nil, nil
	}
	no, ok := asRefusal(err)
	if !ok {
		return reply, nil, err
	}
	block := ""
	var s *slip
	if errors.As(err, &s) {
		block = s.block
	} else if block = f.Blame[no.Code]; block == "" {
		if fields := f.Fields(ctx, a, m); len(fields) > 0 {
			block = fields[0].Block
		}
	}
	reply.Refused = no
	return reply, map[string]string{block: no.Error()}, nil
}

func (a *asking) fill(ctx context.Context, f form, m meta, v values) (Reply, error) {
	if err := welcome(a.call.Person); err != nil {
		return Reply{}, err
	}
	if !f.Fresh {
		if id := v.chosen("incident"); id != "" {
			m.Stream = incident.ID(id)
		}
		if m.Stream == "" {
			return Reply{}, &slip{"incident", incident.Refuse("which", "Say which incident.", "")}
		}
		if err := a.take(ctx, m.Stream); err != nil {
			return Reply{}, err
		}
	}
	d, err := f.Read(ctx, a, m, v)
	if err != nil {
		return Reply{}, err
	}
	return a.perform(ctx, d)
}
