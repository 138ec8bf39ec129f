package story

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// filling lists what people do with a form.
func filling() []form {
	return []form{
		deed("<who> fills <field> <text>", "types into a field of the form on top, named by its label", fills),
		deed("<who> picks <field> <choice>", "picks an option, a person, a date (2026-03-01) or a time; several with commas", fills),
		deed("<who> ticks <label>", "ticks a box by its text", ticks),
		deed("<who> submits", "submits the form on top, which must close or go on", func(ctx context.Context, p *Player, a args) error {
			return p.submit(ctx, a)
		}),
		deed("<who> cannot submit [because <text>]", "the form objects, in these words, and stays open", func(ctx context.Context, p *Player, a args) error {
			err := p.submit(ctx, a)
			if err == nil {
				return errors.New("the form was taken")
			}
			if want, ok := a["text"]; ok && !says(err.Error(), want) {
				return err
			}
			return nil
		}),
		deed("<who> cancels", "closes the form on top", func(ctx context.Context, p *Player, a args) error {
			user, m, err := p.modal(ctx, a)
			if err != nil {
				return err
			}
			delete(p.filled, m.ID)
			return p.World.Slack.CloseModal(ctx, user, m.ID)
		}),
		never("<who> has no form", "nothing to fill in is open", func(p *Player, a args) error {
			user, err := p.person(a["who"])
			if err != nil {
				return err
			}
			if m := p.World.Slack.View(user, slack.ViewOptions{}).Modal; m != nil {
				return fmt.Errorf("a form is open:%s", last([]sight{{"", p.reading().view(m.View, m.Errors)}}, 1))
			}
			return nil
		}),
	}
}

// modal waits for the form on top of a person's screen.
func (p *Player) modal(ctx context.Context, a args) (user string, m *slack.ModalView, err error) {
	if user, err = p.person(a["who"]); err != nil {
		return "", nil, err
	}
	err = p.until(ctx, func() error {
		if m = p.World.Slack.View(user, slack.ViewOptions{}).Modal; m == nil {
			return fmt.Errorf("%s has no form open; there is%s", a["who"], last(p.sights(user), 4))
		}
		return nil
	})
	return user, m, err
}

func fills(ctx context.Context, p *Player, a args) error {
	user, m, err := p.modal(ctx, a)
	if err != nil {
		return err
	}
	blocks := decoded(m.View)
	e, err := fieldNamed(blocks, a["field"])
	if err != nil {
		return err
	}
	text, picks := a["text"]
	text, picks = text+a["choice"], !picks
	input, err := p.input(e, text)
	if err != nil {
		return err
	}
	dispatch, _ := e.at["dispatch_action"].(bool)
	if !e.input || dispatch {
		k := slack.Click{ViewID: m.ID, BlockID: e.block, ActionID: e.action(), Value: text}
		if picks {
			k.Value = input.Option + input.User + input.Channel + input.Date + input.Time + input.Value
			k.Values = append(append(input.Options, input.Users...), input.Channels...)
		}
		return p.World.Slack.Click(ctx, user, k)
	}
	p.keep(m.ID, e, input)
	return nil
}

func (e elementAt) action() string {
	id, _ := e.element["action_id"].(string)
	return id
}

func (p *Player) keep(view string, e elementAt, in slack.Input) {
	if p.filled[view] == nil {
		p.filled[view] = map[string]map[string]slack.Input{}
	}
	if p.filled[view][e.block] == nil {
		p.filled[view][e.block] = map[string]slack.Input{}
	}
	p.filled[view][e.block][e.action()] = in
}

// fieldNamed finds a field by its label, the start of it, or its id.
func fieldNamed(blocks []obj, name string) (elementAt, error) {
	all := elements(blocks)
	var have []string
	for _, exact := range []bool{true, false} {
		for _, e := range all {
			l, want := strings.ToLower(flat(e.label)), strings.ToLower(flat(name))
			if l == want || e.block == name || e.action() == name || !exact && want != "" && strings.HasPrefix(l, want) {
				return e, nil
			}
			if exact {
				have = append(have, e.label)
			}
		}
	}
	return elementAt{}, fmt.Errorf("the form has no field %q; it has %s", name, strings.Join(have, ", "))
}

// input is what a person's entry comes to in an element of this kind.
func (p *Player) input(e elementAt, text string) (slack.Input, error) {
	parts := strings.Split(text, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	kind, _ := e.element["type"].(string)
	switch kind {
	case "static_select", "radio_buttons", "external_select":
		v, err := optionNamed(e.element, text)
		return slack.Input{Option: v}, err
	case "multi_static_select", "checkboxes":
		var in slack.Input
		for _, t := range parts {
			v, err := optionNamed(e.element, t)
			if err != nil {
				return in, err
			}
			in.Options = append(in.Options, v)
		}
		return in, nil
	case "users_select":
		id, err := p.person(strings.TrimPrefix(text, "@"))
		return slack.Input{User: id}, err
	case "multi_users_select":
		var in slack.Input
		for _, t := range parts {
			id, err := p.person(strings.TrimPrefix(t, "@"))
			if err != nil {
				return in, err
			}
			in.Users = append(in.Users, id)
		}
		return in, nil
	case "channels_select", "conversations_select":
		c, err := p.room(text)
		return slack.Input{Channel: c.ID}, err
	case "datepicker":
		return slack.Input{Date: text}, nil
	case "timepicker":
		return slack.Input{Time: text}, nil
	case "datetimepicker":
		t, err := time.Parse("2006-01-02 15:04", text)
		return slack.Input{DateTime: t.Unix()}, err
	}
	return slack.Input{Value: text}, nil
}

// optionNamed finds an option by its text, the start of it, or its value.
func optionNamed(e obj, text string) (string, error) {
	r := reading{}
	var have []string
	for _, exact := range []bool{true, false} {
		for _, o := range options(e) {
			shown, value := flat(r.text(o["text"])), fmt.Sprint(o["value"])
			if strings.EqualFold(shown, text) || strings.EqualFold(value, text) ||
				!exact && text != "" && strings.HasPrefix(strings.ToLower(shown), strings.ToLower(text)) {
				return value, nil
			}
			if exact {
				have = append(have, shown)
			}
		}
	}
	return "", fmt.Errorf("there is no option %q; there are %s", text, strings.Join(have, ", "))
}

// ticks adds one box to what is ticked already.
func ticks(ctx context.Context, p *Player, a args) error {
	user, m, err := p.modal(ctx, a)
	if err != nil {
		return err
	}
	for _, e := range elements(decoded(m.View)) {
		if e.element["type"] != "checkboxes" {
			continue
		}
		v, err := optionNamed(e.element, a["label"])
		if err != nil {
			continue
		}
		in := p.filled[m.ID][e.block][e.action()]
		in.Options = append(slices.Clone(in.Options), v)
		p.keep(m.ID, e, in)
		return nil
	}
	return fmt.Errorf("there is no box %q; there is%s", a["label"], last(p.sights(user), 1))
}

func (p *Player) submit(ctx context.Context, a args) error {
	user, m, err := p.modal(ctx, a)
	if err != nil {
		return err
	}
	err = p.World.Slack.Submit(ctx, user, m.ID, p.filled[m.ID])
	if wrong, is := errors.AsType[*slack.FieldErrors](err); is {
		return fmt.Errorf("the form objects: %w", wrong)
	}
	if err != nil {
		return fmt.Errorf("what Slack says: %w", err)
	}
	delete(p.filled, m.ID)
	return nil
}
