package story

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// channelForms list what is true of a channel, whoever looks.
func channelForms() []form {
	about := func(pattern, help string, holds func(p *Player, c slack.ChannelView, a args) error) form {
		return expect("channel <channel> "+pattern, help, onRoom(holds))
	}
	not := func(pattern, help string, holds func(p *Player, c slack.ChannelView, a args) error) form {
		return never("channel <channel> "+pattern, help, onRoom(holds))
	}
	return []form{
		about("exists", "", func(*Player, slack.ChannelView, args) error { return nil }),
		never("channel <channel> does not exist", "", func(p *Player, a args) error {
			for _, c := range p.rooms() {
				if named(c.Name, a["channel"]) {
					return fmt.Errorf("there is #%s", c.Name)
				}
			}
			return nil
		}),
		about("is private", "", func(_ *Player, c slack.ChannelView, _ args) error {
			return holdsIf(c.Private, "it is public")
		}),
		about("is public", "", func(_ *Player, c slack.ChannelView, _ args) error {
			return holdsIf(!c.Private, "it is private")
		}),
		about("is archived", "", func(_ *Player, c slack.ChannelView, _ args) error {
			return holdsIf(c.Archived, "it is open")
		}),
		not("is open", "not archived, once all is quiet", func(_ *Player, c slack.ChannelView, _ args) error {
			return holdsIf(!c.Archived, "it is archived")
		}),
		about("has message <text> [<n> times|time]", "with a number: exactly so often", hasMessage),
		about("message <text> count is <n>", "exactly so many messages say it", hasMessage),
		not("lacks message <text>", "", func(p *Player, c slack.ChannelView, a args) error {
			for _, s := range p.lines(c) {
				if p.says(s.text, a["text"]) {
					return fmt.Errorf("there is%s", last([]sight{s}, 1))
				}
			}
			return nil
		}),
		about("has file with <text>", "a file that says it was shared there", func(p *Player, c slack.ChannelView, a args) error {
			return p.hasFile(c, a["text"], false)
		}),
		about("has file in a thread with <text>", "", func(p *Player, c slack.ChannelView, a args) error {
			return p.hasFile(c, a["text"], true)
		}),
		not("lacks file with <text>", "", func(p *Player, c slack.ChannelView, a args) error {
			if p.hasFile(c, a["text"], false) == nil {
				return fmt.Errorf("there is one")
			}
			return nil
		}),
		about("pins <text>", "a pinned message says it", func(p *Player, c slack.ChannelView, a args) error {
			r := p.reading()
			var pinned []sight
			for _, m := range p.messagesOf(c) {
				if slices.Contains(c.Pins, m.TS) {
					pinned = append(pinned, sight{"", p.written(r, m)})
				}
			}
			if slices.ContainsFunc(pinned, func(s sight) bool { return p.says(s.text, a["text"]) }) {
				return nil
			}
			return fmt.Errorf("pinned there is%s", last(pinned, 3))
		}),
		about("bookmark <text>", "a bookmark has that title", func(_ *Player, c slack.ChannelView, a args) error {
			var have []string
			for _, b := range c.Bookmarks {
				if says(b.Title, a["text"]) {
					return nil
				}
				have = append(have, b.Title)
			}
			return fmt.Errorf("the bookmarks are %q", have)
		}),
		about("topic has <text>", "", func(p *Player, c slack.ChannelView, a args) error {
			return holdsIf(p.says(p.reading().mrkdwn(c.Topic), a["text"]), "the topic is "+c.Topic)
		}),
		about("purpose has <text>", "", func(p *Player, c slack.ChannelView, a args) error {
			return holdsIf(p.says(p.reading().mrkdwn(c.Purpose), a["text"]), "the purpose is "+c.Purpose)
		}),
		about("has <who>", "is a member", func(p *Player, c slack.ChannelView, a args) error {
			return p.member(c, a["who"], true)
		}),
		not("lacks <who>", "is no member", func(p *Player, c slack.ChannelView, a args) error {
			return p.member(c, a["who"], false)
		}),
	}
}

func onRoom(holds func(*Player, slack.ChannelView, args) error) func(*Player, args) error {
	return func(p *Player, a args) error {
		c, err := p.room(a["channel"])
		if err != nil {
			return err
		}
		if err := holds(p, c, a); err != nil {
			return fmt.Errorf("#%s: %w", c.Name, err)
		}
		return nil
	}
}

func holdsIf(ok bool, otherwise string) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%s", otherwise)
}

// lines are a channel's messages as its members read them.
func (p *Player) lines(c slack.ChannelView) []sight {
	r := p.reading()
	var out []sight
	for _, m := range p.messagesOf(c) {
		out = append(out, sight{"", p.written(r, m)})
	}
	return out
}

func hasMessage(p *Player, c slack.ChannelView, a args) error {
	n := 0
	all := p.lines(c)
	for _, s := range all {
		if p.says(s.text, a["text"]) {
			n++
		}
	}
	if want := a.number("n", -1); want >= 0 && n != want {
		return fmt.Errorf("%d messages say so, of%s", n, last(all, 12))
	} else if want < 0 && n == 0 {
		return fmt.Errorf("there is%s", last(all, 10))
	}
	return nil
}

// hasFile reads the files that were shared in a channel.
func (p *Player) hasFile(c slack.ChannelView, text string, inThread bool) error {
	var names []string
	for _, m := range p.messagesOf(c) {
		for _, f := range m.Files {
			names = append(names, f.Name)
			data, _ := p.World.Slack.FileData(f.ID)
			if (!inThread || m.ThreadTS != "" && m.ThreadTS != m.TS) && strings.Contains(string(data), text) {
				return nil
			}
		}
	}
	return fmt.Errorf("the files are %q", names)
}

func (p *Player) member(c slack.ChannelView, who string, want bool) error {
	user, err := p.person(who)
	if err != nil {
		return err
	}
	if slices.Contains(c.Members, user) == want {
		return nil
	}
	r := p.reading()
	var have []string
	for _, m := range c.Members {
		have = append(have, r.names[m])
	}
	return fmt.Errorf("the members are %v", have)
}
