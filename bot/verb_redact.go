package bot

import (
	"context"
	"fmt"
	"regexp"

	"github.com/tocsin-ir/tocsin/incident"
)

var redactVerb = verb{
	Name:     "redact",
	Usage:    "<n, or a message's link> <why>",
	Summary:  "Erase the text of an entry of the timeline, or of a message, for good, with all that was captured of it; the line stays and says so.",
	Examples: []string{"redact 17 password pasted"},
	Who:      incident.MayRedact,
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		ts := messageNamed(w.peek())
		var n int
		var err error
		if ts == "" {
			n, err = a.number(w, "entry")
		} else {
			_, _ = w.next() // just looked at
		}
		if err != nil {
			return deed{}, err
		}
		why, err := a.text(ctx, w, "reason", incident.MaxName)
		if err != nil {
			return deed{}, err
		}
		if why == "" {
			return deed{}, a.usage("Say why, without repeating the text.")
		}
		if ts != "" {
			seq, err := a.entryOf(ctx, ts)
			if err != nil {
				return deed{}, err
			}
			n = int(seq)
		}
		return ask(incident.Redact{Seq: int64(n), Why: why}, fmt.Sprintf("The text of entry %d is erased. Slack's own copy, if it was a message, has to be deleted there.", n))
	},
}

// A message is named by its link, or by the number that reconcile shows.
var (
	linkOf = regexp.MustCompile(`/p(\d{10})(\d{6})(?:\?.*)?$`)
	tsOf   = regexp.MustCompile(`^\d{10}\.\d{6}$`)
)

func messageNamed(word string) (ts string) {
	if m := linkOf.FindStringSubmatch(word); m != nil {
		return m[1] + "." + m[2]
	}
	return tsOf.FindString(word)
}

// entryOf is the entry of the timeline about a captured message. One that is on no
// timeline is put there, without its text: what is redacted is redacted by its entry,
// and so by the same rules, in the same record.
func (a *asking) entryOf(ctx context.Context, ts string) (int64, error) {
	channel := a.state.Room.Channel
	if a.state.Kept[channel+"/"+ts] {
		return a.keptAs(ctx, ts)
	}
	if a.room.Message == nil {
		return 0, incident.Refuse("nothing-captured", "There is no room whose messages are captured.", "")
	}
	c, ok, err := a.room.Message(ctx, a.state, ts)
	if err != nil {
		return 0, err
	}
	if !ok {
		return 0, incident.Refuse("no-such-message", "No such message was captured in the room of this incident.", "Give the link of the message, or the number that `reconcile` shows.")
	}
	author, err := a.room.Directory.BySlack(ctx, c.Author)
	if _, refused := asRefusal(err); refused {
		author, err = incident.Person{ID: incident.PersonID(c.Author), Slack: c.Author}, nil
	}
	if err != nil {
		return 0, err
	}
	answer, err := a.room.Asker.Handle(ctx, a.state.Stream, incident.Asked{
		ID: a.call.CommandID + "#message", Root: a.call.Root, By: a.call.Person, Via: a.call.Via, At: a.now, Occurred: c.Occurred,
		What: incident.KeepMessage{Ref: incident.MessageRef{Channel: channel, TS: ts}, Author: author, Text: "[a message that was redacted]"},
	})
	if err == nil && answer.Refused != nil {
		err = answer.Refused
	}
	return answer.Last, err
}

func (a *asking) keptAs(ctx context.Context, ts string) (int64, error) {
	const page = 500
	for after := int64(0); ; {
		some, err := a.room.Reader.Timeline(ctx, a.state.Stream, after, page)
		if err != nil {
			return 0, err
		}
		for _, r := range some {
			if k, ok := r.Event.(incident.Kept); ok && k.Ref.TS == ts && k.Ref.Channel == a.state.Room.Channel {
				return r.Seq, nil
			}
			after = r.Seq
		}
		if len(some) < page {
			return 0, incident.Refuse("no-such-entry", "That message is not on the timeline.", "`timeline` shows what is.")
		}
	}
}

// message finds what was captured of a message in the room of an incident.
func (s *Slack) message(ctx context.Context, st incident.State, ts string) (incident.Captured, bool, error) {
	const page = 1000
	for after := (incident.Captured{Occurred: timeOf(ts)}); ; {
		some, err := s.batch.to.CapturedInTime(ctx, st.Stream, after, page)
		if err != nil {
			return incident.Captured{}, false, err
		}
		for _, c := range some {
			if c.TS == ts && (c.Kind == incident.SaidMessage || c.Kind == incident.SaidReply || c.Kind == incident.SaidEdited || c.Kind == incident.SaidDeleted) {
				return c, true, nil
			}
		}
		if len(some) < page {
			return incident.Captured{}, false, nil
		}
		after = some[len(some)-1]
	}
}
