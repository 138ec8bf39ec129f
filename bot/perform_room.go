package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// openRoom creates the channel under the first name that is free. A name that an
// earlier attempt of ours took is found by its marker and kept.
func (s *Slack) openRoom(ctx context.Context, t incident.Task, _ incident.OpenRoom) (incident.Command, error) {
	if r := t.State.Room; r.Channel != "" && r.Lost == "" {
		return incident.RoomIsOpen{Channel: r.Channel, Name: r.Name, URL: r.URL}, nil
	}
	me, err := s.whoami(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range templates.RoomNames(t.State) {
		ch, err := s.takeName(ctx, t, me, name)
		if err != nil {
			return nil, err
		}
		if ch == nil {
			continue
		}
		return incident.RoomIsOpen{Channel: ch.ID, Name: ch.Name, URL: me.URL + "archives/" + ch.ID}, nil
	}
	return nil, incident.GiveUp(errors.New("every name the room could have is taken; archive or rename old channels"))
}

// takeName creates the channel, or takes over the one an earlier attempt created; nil
// when the name is somebody else's.
func (s *Slack) takeName(ctx context.Context, t incident.Task, me self, name string) (*slack.Channel, error) {
	var ch *slack.Channel
	err := s.call(ctx, "conversations.create", "", t.Rank, func() (err error) {
		ch, err = s.api.CreateConversationContext(ctx, slack.CreateConversationParams{ChannelName: name, IsPrivate: t.State.Private})
		return err
	})
	switch {
	case err == nil:
		return ch, nil // it is marked as it is dressed; see mine
	case !is(err, "name_taken"):
		return nil, fmt.Errorf("open the room: %w", err)
	}
	ch, err = s.channelNamed(ctx, name, t.Rank)
	if err != nil || ch == nil || !mine(*ch, me, t.State) {
		return nil, err
	}
	return ch, nil
}

// mine reports whether a channel was opened by an earlier attempt for this incident:
// created by us, not before the incident, and marked with its number in its purpose, or
// not marked yet because we were interrupted before it was dressed. An older channel of the same number, from
// another installation, has other people in it and is never taken over.
func mine(ch slack.Channel, me self, st incident.State) bool {
	if ch.Creator != me.User || ch.IsArchived || ch.IsPrivate != st.Private {
		return false
	}
	if ch.Created.Time().Before(st.Declared.Add(-2 * time.Minute)) {
		return false
	}
	return ch.Purpose.Value == "" || strings.Contains(ch.Purpose.Value, string(st.Stream))
}

// maxPages bounds how much of a workspace's list of channels is read for one name.
const maxPages = 60

// channelNamed finds a channel by its name; nil when it cannot be seen.
func (s *Slack) channelNamed(ctx context.Context, name string, rank incident.Rank) (*slack.Channel, error) {
	cursor := ""
	for range maxPages {
		var list []slack.Channel
		err := s.call(ctx, "conversations.list", "", rank, func() (err error) {
			list, cursor, err = s.api.GetConversationsContext(ctx, &slack.GetConversationsParameters{
				Cursor: cursor, Limit: 1000, Types: []string{"public_channel", "private_channel"},
			})
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("look for #%s: %w", name, err)
		}
		for _, ch := range list {
			if ch.Name == name {
				return &ch, nil
			}
		}
		if cursor == "" {
			break
		}
	}
	return nil, nil
}

func (s *Slack) setPurpose(ctx context.Context, t incident.Task, channel, text string) error {
	err := s.call(ctx, "conversations.setPurpose", channel, t.Rank, func() error {
		_, err := s.api.SetPurposeOfConversationContext(ctx, channel, text)
		return err
	})
	if err != nil {
		return fmt.Errorf("set the purpose: %w", err)
	}
	return nil
}

// dressRoom sets purpose, topic and bookmarks where they are not so already; the
// purpose first, because it marks the room as ours.
func (s *Slack) dressRoom(ctx context.Context, t incident.Task) error {
	channel := t.State.Room.Channel
	var info *slack.Channel
	err := s.call(ctx, "conversations.info", channel, t.Rank, func() (err error) {
		info, err = s.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: channel})
		return err
	})
	if err != nil {
		return fmt.Errorf("look at the room: %w", err)
	}
	if info.IsArchived {
		return nil
	}
	if purpose := templates.Purpose(t.State); !sameText(info.Purpose.Value, purpose) {
		if err := s.setPurpose(ctx, t, channel, purpose); err != nil {
			return err
		}
	}
	if topic := templates.Topic(t.State); !sameText(info.Topic.Value, topic) {
		err := s.call(ctx, "conversations.setTopic", channel, t.Rank, func() error {
			_, err := s.api.SetTopicOfConversationContext(ctx, channel, topic)
			return err
		})
		if err != nil {
			return fmt.Errorf("set the topic: %w", err)
		}
	}
	return s.setBookmarks(ctx, t)
}

// sameText compares texts of which Slack may have escaped one.
func sameText(a, b string) bool { return unescape.Replace(a) == unescape.Replace(b) }

// bookmark is a link at the top of the room.
type bookmark struct{ title, url string }

func bookmarksOf(st incident.State) []bookmark {
	var out []bookmark
	add := func(title, url string) {
		if url != "" && !slices.ContainsFunc(out, func(b bookmark) bool { return b.url == url }) {
			out = append(out, bookmark{title, url})
		}
	}
	var urls []string
	for _, p := range st.Paging.Pages {
		urls = append(urls, p.Vendor.URL)
	}
	slices.Sort(urls)
	for _, u := range urls {
		add("PagerDuty", u)
	}
	if st.Report.URL != "" {
		add(fmt.Sprintf("Post-mortem #%d", st.Report.Number), st.Report.URL)
	}
	return out[:min(len(out), 10)]
}

func (s *Slack) setBookmarks(ctx context.Context, t incident.Task) error {
	want := bookmarksOf(t.State)
	if len(want) == 0 {
		return nil
	}
	channel := t.State.Room.Channel
	var have []slack.Bookmark
	err := s.call(ctx, "bookmarks.list", channel, t.Rank, func() (err error) {
		have, err = s.api.ListBookmarksContext(ctx, channel)
		return err
	})
	if err != nil {
		return fmt.Errorf("look at the bookmarks: %w", err)
	}
	for _, b := range want {
		if slices.ContainsFunc(have, func(h slack.Bookmark) bool { return h.Link == b.url }) {
			continue
		}
		err := s.call(ctx, "bookmarks.add", channel, t.Rank, func() error {
			_, err := s.api.AddBookmarkContext(ctx, channel, slack.AddBookmarkParameters{Title: b.title, Type: "link", Link: b.url})
			return err
		})
		if err != nil {
			return fmt.Errorf("add the bookmark: %w", err)
		}
	}
	return nil
}

// archiveRoom archives the channel; one that is gone already is good too.
func (s *Slack) archiveRoom(ctx context.Context, t incident.Task) error {
	channel := t.State.Room.Channel
	err := s.call(ctx, "conversations.archive", channel, t.Rank, func() error {
		return s.api.ArchiveConversationContext(ctx, channel)
	})
	if err == nil || is(err, "already_archived", "channel_not_found", "is_archived") {
		return nil
	}
	return fmt.Errorf("archive the room: %w", err)
}
