package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var reconcileVerb = verb{
	Name:     "reconcile",
	Summary:  "Compares the whole room with what was captured of it: what was missing is written down, what Slack has no more is named.",
	Examples: []string{"reconcile"},
	Who:      incident.MayRespond,
	Run:      runReconcile,
}

func runReconcile(ctx context.Context, a *asking, _ *words) (deed, error) {
	if !a.state.People[a.call.Person.ID].Joined {
		return deed{}, incident.Refuse("responders-only", "Only responders of the incident compare its room with the record.", "Join it first: "+a.room.prefix(bookIncident)+" join.")
	}
	if a.room.Compare == nil || a.state.Room.Channel == "" {
		return deed{}, incident.Refuse("nothing-captured", "There is no room whose messages are captured.", "")
	}
	found, err := a.room.Compare(ctx, a.state)
	if wait, later := incident.LaterBy(err); later {
		return deed{}, incident.Refuse("slack-busy", fmt.Sprintf("Slack lets no more history be read just now. %s so far.", missing(found.Missing)),
			fmt.Sprintf("Say it again in %s; what was found stays.", wait.Round(time.Second)))
	}
	if err != nil {
		return deed{}, err
	}
	c := line(fmt.Sprintf("Slack has %s in this room. %s. %s.", count(found.Messages, "message"), missing(found.Missing), beyond(found.Gone)))
	if text := a.named(found.Gone); text != "" {
		c.Blocks = append(c.Blocks, templates.Block{Text: text})
	}
	return show(c)
}

// missing says what the record did not have.
func missing(lines []incident.Captured) string {
	if len(lines) == 0 {
		return "Nothing was missing from the record"
	}
	kinds := map[incident.CaptureKind]int{}
	for _, c := range lines {
		kinds[c.Kind]++
	}
	var list []string
	for kind, n := range kinds {
		list = append(list, fmt.Sprintf("%d %s", n, kindNames[kind]))
	}
	slices.Sort(list)
	were := "lines were"
	if len(lines) == 1 {
		were = "line was"
	}
	return fmt.Sprintf("%d %s missing from the record, back-filled now: %s", len(lines), were, strings.Join(list, ", "))
}

var kindNames = map[incident.CaptureKind]string{
	incident.SaidMessage: "said", incident.SaidReply: "said in a thread", incident.SaidEdited: "edited", incident.SaidDeleted: "deleted",
	incident.FileShared: "shared", incident.FileKept: "file kept", incident.ReactionAdded: "reacted", incident.ReactionRemoved: "reaction taken back",
	incident.MemberJoined: "joined", incident.MemberLeft: "left", incident.PinAdded: "pinned", incident.PinRemoved: "pin taken out",
	incident.TopicChanged: "topic set",
}

// beyond says what the record keeps and Slack does not.
func beyond(gone []incident.Captured) string {
	if len(gone) == 0 {
		return "Slack still has everything that the record keeps"
	}
	return fmt.Sprintf("The record keeps %s that Slack has no more", count(len(gone), "message"))
}

const maxNamed = 5

// named are the latest of the messages that Slack has no more.
func (a *asking) named(gone []incident.Captured) string {
	var b strings.Builder
	for _, c := range gone[max(0, len(gone)-maxNamed):] {
		who := templates.Line(c.Author, 40)
		if strings.HasPrefix(c.Author, "U") || strings.HasPrefix(c.Author, "W") {
			who = "<@" + c.Author + ">"
		}
		fmt.Fprintf(&b, "`%s` %s of %s: %s\n", c.TS, who, echo(timeOf(c.TS), a.zone), templates.Line(c.Was.String(), 60))
	}
	return strings.TrimSpace(b.String())
}

// compare compares a whole room, for whoever asked.
func (s *Slack) compare(ctx context.Context, st incident.State) (Compared, error) {
	return s.fill(ctx, st.Stream, st.Room.Channel, true)
}
