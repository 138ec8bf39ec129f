package story

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// clicking lists what people press.
func clicking() []form {
	return []form{
		deed("<who> clicks <label> [in <channel>] [on home] [under <message>] [confirming]",
			"presses the newest button of that label: in the form on top, in the channel, in the direct messages or on the home tab; confirming answers its question with yes", clicks),
		deed("<who> is asked <text> on clicking <label> [in <channel>] [under <message>]", "the button wants confirmation, in these words; nothing is done", isAsked),
		expect("<who> can click <label>", "there is such a button", func(p *Player, a args) error {
			user, err := p.person(a["who"])
			if err != nil {
				return err
			}
			_, err = p.button(user, a)
			return err
		}),
		never("<who> cannot click <label>", "there is no such button in the channel, the form or the direct messages", func(p *Player, a args) error {
			user, err := p.person(a["who"])
			if err != nil {
				return err
			}
			if _, err := p.button(user, a); err != nil {
				return nil //nolint:nilerr // not to be found is what was wanted
			}
			return fmt.Errorf("there is a button %q; %s sees%s", a["label"], a["who"], last(p.sights(user), 6))
		}),
		deed("<who> uses shortcut <label> [on message <message>] [in <channel>]", "picks it from the lightning menu, or from the message's", shortcut),
		deed("<who> opens home", "opens the app's home tab", func(ctx context.Context, p *Player, a args) error {
			user, err := p.person(a["who"])
			if err != nil {
				return err
			}
			p.home[user] = true
			return p.World.Slack.OpenHome(ctx, user)
		}),
	}
}

func clicks(ctx context.Context, p *Player, a args) error {
	user, err := p.person(a["who"])
	if err != nil {
		return err
	}
	return p.until(ctx, func() error {
		k, err := p.button(user, a)
		if err != nil {
			return err
		}
		k.Confirmed = a.has("confirming")
		err = p.World.Slack.Click(ctx, user, k)
		if confirm, is := errors.AsType[*slack.ErrConfirm](err); is {
			return errSure{fmt.Errorf("the button asks first (add confirming): %w", confirm)}
		}
		if gone, is := errors.AsType[*slack.Error](err); is && (gone.Code == "message_not_found" || gone.Code == "no_such_element") {
			return err // it was redrawn meanwhile: look again
		}
		if err != nil {
			return errSure{fmt.Errorf("what Slack says: %w", err)}
		}
		return nil
	})
}

func isAsked(ctx context.Context, p *Player, a args) error {
	user, err := p.person(a["who"])
	if err != nil {
		return err
	}
	return p.until(ctx, func() error {
		k, err := p.button(user, a)
		if err != nil {
			return err
		}
		err = p.World.Slack.Click(ctx, user, k)
		confirm, is := errors.AsType[*slack.ErrConfirm](err)
		if !is {
			return errSure{errors.New("the button asked nothing")}
		}
		if !p.says(confirm.Title+" "+confirm.Text+" "+confirm.Confirm, a["text"]) {
			return errSure{confirm}
		}
		return nil
	})
}

// button finds what a label names: the form on top first, then the channel the person
// is in, newest first, their direct messages and the home tab.
func (p *Player) button(user string, a args) (slack.Click, error) {
	want := a["label"]
	v := p.World.Slack.View(user, slack.ViewOptions{})
	if a.has("on") {
		return in(v.Home, want, "on the home tab")
	}
	if v.Modal != nil && !a.has("channel") {
		if k, err := pressable(decoded(v.Modal.View), want); err == nil {
			k.ViewID = v.Modal.ID
			return k, nil
		}
	}
	places := []string{p.place(user), p.World.Slack.DM(user, p.bot())}
	if a.has("channel") {
		one, err := p.where(user, a)
		if err != nil {
			return slack.Click{}, err
		}
		places = []string{one}
	}
	r := p.reading()
	for _, channel := range places {
		view := p.World.Slack.View(user, slack.ViewOptions{Channel: channel, Limit: 500})
		for _, m := range slices.Backward(view.Messages) {
			if under, ok := a["message"]; ok && !p.says(p.written(r, m), under) {
				continue
			}
			if k, err := pressable(messageBlocks(m.Blocks), want); err == nil {
				k.Channel, k.MessageTS = channel, m.TS
				return k, nil
			}
		}
	}
	if p.home[user] {
		if k, err := in(v.Home, want, ""); err == nil {
			return k, nil
		}
	}
	return slack.Click{}, fmt.Errorf("there is no button %q; %s sees%s", want, v.Me.Name, last(p.sights(user), 6))
}

func in(view json.RawMessage, want, where string) (slack.Click, error) {
	k, err := pressable(decoded(view), want)
	if err != nil {
		return k, fmt.Errorf("there is no button %q %s", want, where)
	}
	var v struct{ ID string }
	if err := json.Unmarshal(view, &v); err != nil {
		return k, fmt.Errorf("read the view: %w", err)
	}
	k.ViewID = v.ID
	return k, nil
}

// pressable finds the button of that label, or the menu entry of that text.
func pressable(blocks []obj, want string) (slack.Click, error) {
	r := reading{}
	for _, e := range elements(blocks) {
		id, _ := e.element["action_id"].(string)
		k := slack.Click{BlockID: e.block, ActionID: id}
		switch e.element["type"] {
		case "button":
			if flat(r.text(e.element["text"])) == flat(want) {
				return k, nil
			}
		case "overflow", "static_select":
			for _, o := range options(e.element) {
				if flat(r.text(o["text"])) == flat(want) && !e.input {
					k.Value, _ = o["value"].(string)
					return k, nil
				}
			}
		}
	}
	return slack.Click{}, errors.New("no such button")
}

// messageBlocks are the blocks of a message.
func messageBlocks(blocks json.RawMessage) []obj {
	var list []obj
	if len(blocks) == 0 || json.Unmarshal(blocks, &list) != nil {
		return nil
	}
	return list
}

// elementAt is an interactive element and where it stands.
type elementAt struct {
	block   string
	label   string // of its input block
	input   bool
	at      obj // the block
	element obj
}

func elements(blocks []obj) []elementAt {
	var out []elementAt
	r := reading{}
	for _, b := range blocks {
		id, _ := b["block_id"].(string)
		add := func(x any) {
			if e, ok := x.(obj); ok && e["action_id"] != nil {
				out = append(out, elementAt{id, r.text(b["label"]), b["type"] == "input", b, e})
			}
		}
		add(b["element"])
		add(b["accessory"])
		list, _ := b["elements"].([]any)
		for _, e := range list {
			add(e)
		}
	}
	return out
}

func shortcut(ctx context.Context, p *Player, a args) error {
	user, err := p.person(a["who"])
	if err != nil {
		return err
	}
	v := p.World.Slack.View(user, slack.ViewOptions{})
	kind := "global"
	if a.has("message") {
		kind = "message"
	}
	i := slices.IndexFunc(v.Shortcuts, func(s slack.Shortcut) bool { return s.Type == kind && strings.EqualFold(s.Name, a["label"]) })
	if i < 0 {
		var have []string
		for _, s := range v.Shortcuts {
			have = append(have, s.Name+" ("+s.Type+")")
		}
		return fmt.Errorf("there is no %s shortcut %q; there are %s", kind, a["label"], strings.Join(have, ", "))
	}
	id := v.Shortcuts[i].CallbackID
	if kind == "global" {
		return p.World.Slack.Shortcut(ctx, user, id, nil)
	}
	return p.onMessage(ctx, a, func(user, channel, ts string) error {
		return p.World.Slack.Shortcut(ctx, user, id, &slack.MessageRef{Channel: channel, TS: ts})
	})
}
