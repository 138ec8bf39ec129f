package slack

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

const maxPages = 10 // of 200 channels

// channel is what is read of one.
type channel struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Private bool   `json:"is_private"`
	General bool   `json:"is_general"`
}

// channels lists where a user is: public channels, and private ones the bot is in too
// (https://docs.slack.dev/reference/methods/users.conversations). In order of id.
func (s *slack) channels(ctx context.Context, id string) ([]channel, error) {
	q := url.Values{"types": {"public_channel,private_channel"}, "exclude_archived": {"true"}, "limit": {"200"}, "user": {id}}
	var all []channel
	for range maxPages {
		var page struct {
			Channels []channel `json:"channels"`
			Meta     struct {
				Next string `json:"next_cursor"`
			} `json:"response_metadata"`
		}
		_, err := s.do(ctx, s.bot, call{step: "list the user's channels", method: "users.conversations", right: readPublic, query: q, out: &page})
		if err != nil {
			return nil, err
		}
		all = append(all, page.Channels...)
		if page.Meta.Next == "" {
			slices.SortFunc(all, func(a, b channel) int { return strings.Compare(a.ID, b.ID) })
			return all, nil
		}
		q.Set("cursor", page.Meta.Next)
	}
	return nil, incident.GiveUp(errTooMany)
}

// pick are the channels that are meant: all, or those named by id or name. What is named and
// not among them is a *actions.BadParam.
func pick(all []channel, named string) ([]channel, error) {
	if named == "" {
		return all, nil
	}
	var out []channel
	for n := range strings.SplitSeq(named, ",") {
		n = strings.TrimPrefix(strings.TrimSpace(n), "#")
		at := slices.IndexFunc(all, func(c channel) bool { return c.ID == n || strings.EqualFold(c.Name, n) })
		if at < 0 {
			return nil, &actions.BadParam{Name: "channels", Why: "the user is not in #" + cut(n) + ", or Tocsin cannot see that they are"}
		}
		if !slices.Contains(out, all[at]) {
			out = append(out, all[at])
		}
	}
	slices.SortFunc(out, func(a, b channel) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

func ids(list []channel) []string {
	out := make([]string, 0, len(list))
	for _, c := range list {
		out = append(out, c.ID)
	}
	return out
}

func names(list []channel) string {
	var out []string
	for _, c := range list {
		out = append(out, "#"+c.Name)
	}
	return strings.Join(out, ", ")
}
