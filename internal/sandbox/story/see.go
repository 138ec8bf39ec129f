package story

import (
	"fmt"
	"slices"

	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// seeing lists what people can, or must not, see.
func seeing() []form {
	return []form{
		expect("<who> sees <text>", "in the channel they are in, their direct messages with the app, a form, the opened home tab or a notice of Slack's", func(p *Player, a args) error {
			user, err := p.person(a["who"])
			if err != nil {
				return err
			}
			all := p.sights(user)
			if slices.ContainsFunc(all, func(s sight) bool { return p.says(s.text, a["text"]) }) {
				return nil
			}
			return fmt.Errorf("%s sees%s", a["who"], last(all, 8))
		}),
		never("<who> does not see <text>", "nowhere, once all is quiet", func(p *Player, a args) error {
			user, err := p.person(a["who"])
			if err != nil {
				return err
			}
			for _, s := range p.sights(user) {
				if p.says(s.text, a["text"]) {
					return fmt.Errorf("it is there:%s", last([]sight{s}, 1))
				}
			}
			return nil
		}),
		expect("<who> sees <channel>", "the channel is in their list", func(p *Player, a args) error {
			user, err := p.person(a["who"])
			if err != nil {
				return err
			}
			_, err = p.where(user, a)
			return err
		}),
		never("<who> cannot see <channel>", "no such channel is in their list", func(p *Player, a args) error {
			user, err := p.person(a["who"])
			if err != nil {
				return err
			}
			for _, c := range p.World.Slack.View(user, slack.ViewOptions{}).Channels {
				if !c.IM && named(c.Name, a["channel"]) {
					return fmt.Errorf("%s sees #%s", a["who"], c.Name)
				}
			}
			return nil
		}),
		expect("<who> gets a dm with <text>", "the app wrote it to them alone", func(p *Player, a args) error {
			list, err := p.direct(a["who"])
			if err != nil {
				return err
			}
			if slices.ContainsFunc(list, func(s sight) bool { return p.says(s.text, a["text"]) }) {
				return nil
			}
			return fmt.Errorf("%s's direct messages are%s", a["who"], last(list, 8))
		}),
		never("<who> gets no dm [with <text>]", "", func(p *Player, a args) error {
			list, err := p.direct(a["who"])
			if err != nil {
				return err
			}
			for _, s := range list {
				if want, ok := a["text"]; !ok || p.says(s.text, want) {
					return fmt.Errorf("there is%s", last([]sight{s}, 1))
				}
			}
			return nil
		}),
	}
}

// direct are the app's messages to one person.
func (p *Player) direct(name string) ([]sight, error) {
	user, err := p.person(name)
	if err != nil {
		return nil, err
	}
	r := p.reading()
	var out []sight
	for _, m := range p.World.Slack.View(user, slack.ViewOptions{Channel: p.World.Slack.DM(user, p.bot()), Limit: 500}).Messages {
		if m.User != user && !m.Ephemeral {
			out = append(out, sight{"", p.written(r, m)})
		}
	}
	return out, nil
}
