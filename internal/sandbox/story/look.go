package story

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// What people and the room look like, for expectations and for telling what went wrong.

// person finds who a story names.
func (p *Player) person(name string) (string, error) {
	if who, ok := p.World.Person(name); ok {
		return who.Slack, nil
	}
	for _, u := range p.World.Slack.Users() {
		if u.Name == name {
			return u.ID, nil
		}
	}
	return "", errSure{fmt.Errorf("there is nobody called %s in this world", name)}
}

func (p *Player) bot() string {
	id, _ := p.World.Slack.BotUser()
	return id
}

// says is says with full names taken for the mentions they stand for: whether a card
// writes @alice, who is then notified, or Alice Archer, a reader knows who is meant.
func (p *Player) says(text, want string) bool {
	var pairs []string
	for _, u := range p.World.Slack.Users() {
		if strings.Contains(u.RealName, " ") {
			pairs = append(pairs, u.RealName, "@"+u.Name)
		}
	}
	full := strings.NewReplacer(pairs...)
	return says(full.Replace(text), full.Replace(want))
}

// reading knows all names.
func (p *Player) reading() reading {
	r := reading{names: map[string]string{}, channels: map[string]string{}}
	for _, u := range p.World.Slack.Users() {
		r.names[u.ID] = u.Name
	}
	for _, c := range p.rooms() {
		r.channels[c.ID] = c.Name
	}
	return r
}

// rooms are all channels of the workspace that the app or any persona may see.
func (p *Player) rooms() []slack.ChannelView {
	var out []slack.ChannelView
	seen := map[string]bool{}
	for _, id := range append([]string{p.bot()}, p.slackIDs()...) {
		for _, c := range p.World.Slack.View(id, slack.ViewOptions{}).Channels {
			if !seen[c.ID] && !c.IM {
				seen[c.ID] = true
				out = append(out, c)
			}
		}
	}
	return out
}

func (p *Player) slackIDs() []string {
	var out []string
	for _, x := range p.World.People {
		out = append(out, x.Slack)
	}
	return out
}

// room finds the one channel of that name.
func (p *Player) room(pattern string) (slack.ChannelView, error) {
	c, err := pick(p.rooms(), pattern)
	if err != nil {
		return c, fmt.Errorf("%w; there are %s", err, names(p.rooms()))
	}
	return c, nil
}

func pick(list []slack.ChannelView, pattern string) (slack.ChannelView, error) {
	var found []slack.ChannelView
	for _, c := range list {
		if c.Name == strings.TrimPrefix(pattern, "#") {
			return c, nil
		}
		if named(c.Name, pattern) {
			found = append(found, c)
		}
	}
	switch len(found) {
	case 0:
		return slack.ChannelView{}, fmt.Errorf("there is no channel %s", pattern)
	case 1:
		return found[0], nil
	}
	return slack.ChannelView{}, fmt.Errorf("%s could be %s", pattern, names(found))
}

func names(list []slack.ChannelView) string {
	var out []string
	for _, c := range list {
		name := "#" + c.Name
		if c.Private {
			name += " (private)"
		}
		if c.Archived {
			name += " (archived)"
		}
		out = append(out, name)
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

// messagesOf reads a channel as its members do, without anybody's ephemerals.
func (p *Player) messagesOf(c slack.ChannelView) []slack.MessageView {
	as := p.bot()
	if !slices.Contains(c.Members, as) && len(c.Members) > 0 {
		as = c.Members[0]
	}
	v := p.World.Slack.View(as, slack.ViewOptions{Channel: c.ID, Limit: 1000})
	return slices.DeleteFunc(v.Messages, func(m slack.MessageView) bool { return m.Ephemeral })
}

// place is where a person is looking: a channel's id, #general unless they went on.
func (p *Player) place(user string) string {
	if at := p.at[user]; at != "" {
		return at
	}
	return "general"
}

// where finds the channel a step names for a person, or the one they are in.
func (p *Player) where(user string, a args) (string, error) {
	pattern, ok := a["channel"]
	if !ok {
		return p.place(user), nil
	}
	if pattern == "dm" {
		return p.World.Slack.DM(user, p.bot()), nil
	}
	v := p.World.Slack.View(user, slack.ViewOptions{})
	mine := slices.DeleteFunc(v.Channels, func(c slack.ChannelView) bool { return c.IM })
	c, err := pick(mine, pattern)
	if err != nil {
		return "", fmt.Errorf("%w for %s, who sees %s", err, v.Me.Name, names(mine))
	}
	return c.ID, nil
}

// sight is one thing a person can read.
type sight struct{ where, text string }

// sights are all a person can read now: the channel they are in, their direct
// messages with the app, the form on top, the home tab once opened, and what Slack
// told them.
func (p *Player) sights(user string) []sight {
	r := p.reading()
	here := p.place(user)
	v := p.World.Slack.View(user, slack.ViewOptions{Channel: here, Limit: 500})
	var out []sight
	for _, m := range v.Messages {
		out = append(out, sight{"", p.written(r, m)})
	}
	dm := p.World.Slack.DM(user, p.bot())
	if dm != here {
		for _, m := range p.World.Slack.View(user, slack.ViewOptions{Channel: dm, Limit: 200}).Messages {
			out = append(out, sight{"direct message", p.written(r, m)})
		}
	}
	if v.Modal != nil {
		out = append(out, sight{"form", r.view(v.Modal.View, v.Modal.Errors)})
	}
	if p.home[user] {
		out = append(out, sight{"home tab", r.view(v.Home, nil)})
	}
	for _, n := range v.Notices {
		out = append(out, sight{"notice", n})
	}
	return out
}

// written is a message as it reads, its author first.
func (p *Player) written(r reading, m slack.MessageView) string {
	by := m.BotName
	if by == "" {
		by = r.names[m.User]
	}
	mark := ""
	if m.Ephemeral {
		mark = " (only for you)"
	}
	return by + mark + ": " + r.message(m.Text, m.Blocks)
}

// last shows the end of what somebody sees, indented, each thing on few lines.
func last(list []sight, n int) string {
	var b strings.Builder
	if len(list) > n {
		fmt.Fprintf(&b, "\n  (%d earlier)", len(list)-n)
		list = list[len(list)-n:]
	}
	for _, s := range list {
		text := flat(s.text)
		if r := []rune(text); len(r) > 700 {
			text = string(r[:700]) + " …(cut)"
		}
		if s.where != "" {
			text = "[" + s.where + "] " + text
		}
		b.WriteString("\n  | " + text)
	}
	if len(list) == 0 {
		return "\n  nothing"
	}
	return b.String()
}

// find returns the newest message of a channel, as user sees it, that says text.
func (p *Player) find(user, channel, text string) (slack.MessageView, error) {
	r := p.reading()
	v := p.World.Slack.View(user, slack.ViewOptions{Channel: channel, Limit: 500})
	for _, m := range slices.Backward(v.Messages) {
		if p.says(p.written(r, m), text) {
			return m, nil
		}
	}
	var seen []sight
	for _, m := range v.Messages {
		seen = append(seen, sight{"", p.written(r, m)})
	}
	return slack.MessageView{}, fmt.Errorf("no message says %q; there are%s", text, last(seen, 8))
}

// decoded is a view's list of blocks.
func decoded(view json.RawMessage) []obj {
	var v struct{ Blocks []obj }
	if json.Unmarshal(view, &v) != nil {
		return nil
	}
	return v.Blocks
}
