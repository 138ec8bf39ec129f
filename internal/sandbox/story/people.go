package story

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// saying lists what people write and do in channels.
func saying() []form {
	return []form{
		deed("<who> types <text> [in <channel>]", "types into the message box: a slash command, or an ordinary message", types),
		deed("<who> cannot type <text> [in <channel>] [because <text-why>]", "Slack itself refuses the command or message", cannotType),
		deed("<who> says <text> [in <channel>] [in thread of <message>]", "writes an ordinary message", speaks),
		deed("<who> mentions tocsin <text> [in <channel>] [in thread of <message>]", "writes to the app by name, as in threads", mentions),
		deed("<who> goes to <channel>", "looks at another channel from now on; dm: the app's direct messages", goes),
		deed("<who> reacts <emoji> to <message> [in <channel>]", "", func(ctx context.Context, p *Player, a args) error {
			return p.onMessage(ctx, a, func(user, channel, ts string) error {
				return p.World.Slack.React(ctx, user, channel, ts, a["emoji"], true)
			})
		}),
		deed("<who> unreacts <emoji> to <message> [in <channel>]", "takes the reaction away", func(ctx context.Context, p *Player, a args) error {
			return p.onMessage(ctx, a, func(user, channel, ts string) error {
				return p.World.Slack.React(ctx, user, channel, ts, a["emoji"], false)
			})
		}),
		deed("<who> edits <message> to <text> [in <channel>]", "rewrites a message of their own", func(ctx context.Context, p *Player, a args) error {
			return p.onMessage(ctx, a, func(user, channel, ts string) error {
				return p.World.Slack.Edit(ctx, user, channel, ts, a["text"])
			})
		}),
		deed("<who> deletes <message> [in <channel>]", "deletes a message of their own", func(ctx context.Context, p *Player, a args) error {
			return p.onMessage(ctx, a, func(user, channel, ts string) error {
				return p.World.Slack.Delete(ctx, user, channel, ts)
			})
		}),
		deed("<who> joins <channel>", "joins a public channel", func(ctx context.Context, p *Player, a args) error {
			return p.inChannel(ctx, a, func(user, channel string) error {
				p.at[user] = channel
				return p.World.Slack.Join(ctx, user, channel)
			})
		}),
		deed("<who> leaves <channel>", "", func(ctx context.Context, p *Player, a args) error {
			return p.inChannel(ctx, a, func(user, channel string) error { return p.World.Slack.Leave(ctx, user, channel) })
		}),
		deed("<who> invites <who-other> to <channel>", "", func(ctx context.Context, p *Player, a args) error {
			return p.inChannel(ctx, a, func(user, channel string) error {
				other, err := p.person(a["who-other"])
				if err != nil {
					return err
				}
				return p.World.Slack.Invite(ctx, user, channel, other)
			})
		}),
		deed("<who> archives <channel>", "by hand, behind the app's back", func(ctx context.Context, p *Player, a args) error {
			return p.inChannel(ctx, a, func(user, channel string) error {
				return p.World.Slack.Archive(ctx, user, channel, false)
			})
		}),
		deed("<who> is deactivated", "an administrator ends the account", func(_ context.Context, p *Player, a args) error {
			user, err := p.person(a["who"])
			if err != nil {
				return err
			}
			p.World.Slack.Deactivate(user)
			return nil
		}),
	}
}

// inChannel does something once the channel is there for the person.
func (p *Player) inChannel(ctx context.Context, a args, do func(user, channel string) error) error {
	user, err := p.person(a["who"])
	if err != nil {
		return err
	}
	return p.until(ctx, func() error {
		channel, err := p.where(user, a)
		if err != nil {
			return err
		}
		err = do(user, channel)
		if out, is := errors.AsType[*slack.Error](err); is && out.Code == "not_in_channel" {
			return err // who is being invited sees a public channel a moment earlier
		}
		if err != nil {
			return errSure{fmt.Errorf("what Slack says: %w", err)}
		}
		return nil
	})
}

// onMessage does something with a message once it is there.
func (p *Player) onMessage(ctx context.Context, a args, do func(user, channel, ts string) error) error {
	user, err := p.person(a["who"])
	if err != nil {
		return err
	}
	return p.until(ctx, func() error {
		channel, err := p.where(user, a)
		if err != nil {
			return err
		}
		m, err := p.find(user, channel, a["message"])
		if err != nil {
			return err
		}
		if err := do(user, channel, m.TS); err != nil {
			return errSure{fmt.Errorf("what Slack says: %w", err)}
		}
		return nil
	})
}

func types(ctx context.Context, p *Player, a args) error {
	if !strings.HasPrefix(a["text"], "/") {
		return speaks(ctx, p, a)
	}
	return p.inChannel(ctx, a, func(user, channel string) error {
		return p.World.Slack.Slash(ctx, user, channel, a["text"])
	})
}

func cannotType(ctx context.Context, p *Player, a args) error {
	err := types(ctx, p, a)
	if err == nil {
		return errors.New("it was taken")
	}
	if why := a["text-why"]; why != "" && !p.says(err.Error(), why) {
		return fmt.Errorf("it was refused, but not because %q: %w", why, err)
	}
	return nil
}

func speaks(ctx context.Context, p *Player, a args) error {
	return p.inChannel(ctx, a, func(user, channel string) error {
		thread := ""
		if on, ok := a["message"]; ok {
			m, err := p.find(user, channel, on)
			if err != nil {
				return err
			}
			thread = m.TS
			if m.ThreadTS != "" {
				thread = m.ThreadTS
			}
		}
		_, err := p.World.Slack.Post(ctx, user, channel, a["text"], thread)
		return err
	})
}

func mentions(ctx context.Context, p *Player, a args) error {
	bot := p.World.Slack.View(p.bot(), slack.ViewOptions{}).Me
	said := args{}
	for k, v := range a {
		said[k] = v
	}
	said["text"] = "@" + bot.Name + " " + a["text"]
	return speaks(ctx, p, said)
}

func goes(ctx context.Context, p *Player, a args) error {
	user, err := p.person(a["who"])
	if err != nil {
		return err
	}
	return p.until(ctx, func() error {
		channel, err := p.where(user, a)
		if err == nil {
			p.at[user] = channel
		}
		return err
	})
}
