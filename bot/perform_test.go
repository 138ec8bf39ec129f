package bot_test

import (
	"strings"
	"testing"
	"time"

	slackgo "github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// The answer to creating the room and to the first messages is lost: still one room,
// and everything in it once.
func TestAnAnswerLostOnTheWayIsNotDoneTwice(t *testing.T) {
	t.Parallel()
	w := begin(t, true)
	w.Faults().Add(fault.Rule{Vendor: "slack", Method: "conversations.create", Kind: fault.Ambiguous, Times: 1})
	w.Faults().Add(fault.Rule{Vendor: "slack", Method: "chat.postMessage", Kind: fault.Ambiguous, Times: 2})
	w.types("alice", "general", "/incident declare p1 lost answers")
	room := w.roomOf("alice", "inc-0001-")
	w.wait("the summary", func() bool { return w.load("INC-0001").Messages[incident.ViewSummary].TS != "" })
	w.wait("everything is done", func() bool { open, err := w.db.OpenEffects(w.ctx, "INC-0001"); return err == nil && onlyClocks(open) })
	rooms := 0
	for _, c := range w.View("alice", slack.ViewOptions{}).Channels {
		if strings.HasPrefix(c.Name, "inc-0001") {
			rooms++
		}
	}
	if rooms != 1 {
		t.Errorf("%d rooms", rooms)
	}
	seen := map[string]int{}
	for _, m := range w.View("alice", slack.ViewOptions{Channel: room.ID}).Messages {
		if m.Metadata != nil && string(m.Metadata) != "null" {
			seen[string(m.Metadata)]++
		}
	}
	if len(seen) == 0 {
		t.Error("no message carries its effect")
	}
	for effect, n := range seen {
		if n != 1 {
			t.Errorf("said %d times: %s", n, effect)
		}
	}
}

func onlyClocks(tasks []incident.Task) bool {
	for _, task := range tasks {
		if _, ok := task.Effect.(incident.Wake); !ok {
			return false
		}
	}
	return true
}

func task(id incident.EffectID, e incident.Effect, s incident.State) incident.Task {
	return incident.Task{Owed: incident.Owed{ID: id, Effect: e, Rank: incident.RankAct}, Incident: s.Stream, Attempt: 1, State: s}
}

func TestANameThatIsTakenOrArchivedIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := begin(t, true)
	s := incident.State{Stream: "INC-0007", Exists: true, Declared: time.Now().UTC(), Title: incident.Seal("old name")}
	first, err := w.bot.Perform(w.ctx, task("INC-0007/1/1", incident.OpenRoom{}, s), nil)
	if err != nil {
		t.Fatal(err)
	}
	one := first.(incident.RoomIsOpen)
	again, err := w.bot.Perform(w.ctx, task("INC-0007/1/1", incident.OpenRoom{}, s), nil)
	if err != nil || again.(incident.RoomIsOpen).Channel != one.Channel {
		t.Errorf("a second attempt opened %v, %v", again, err)
	}
	if !strings.Contains(one.URL, one.Channel) {
		t.Errorf("its address is %q", one.URL)
	}
	// Another installation's incident of the same number, much older.
	s.Declared = s.Declared.Add(time.Hour)
	later, err := w.bot.Perform(w.ctx, task("INC-0007/1/1", incident.OpenRoom{}, s), nil)
	if err != nil || later.(incident.RoomIsOpen).Channel == one.Channel {
		t.Errorf("an old room was taken over: %v, %v", later, err)
	}
	app := slackgo.New(w.App().BotToken, slackgo.OptionAPIURL(w.api))
	if err := app.ArchiveConversation(one.Channel); err != nil {
		t.Fatal(err)
	}
	s.Declared = s.Declared.Add(-time.Hour)
	next, err := w.bot.Perform(w.ctx, task("INC-0007/1/1", incident.OpenRoom{}, s), nil)
	if err != nil || next.(incident.RoomIsOpen).Channel == one.Channel {
		t.Errorf("an archived room was taken over: %v, %v", next, err)
	}
	s.Room = incident.Room{Channel: one.Channel, Name: one.Name}
	gone, err := w.bot.Perform(w.ctx, task("INC-0007/2/1", incident.Invite{Person: "U0BOB0001"}, s), nil)
	if _, ok := gone.(incident.RoomIsGone); !ok || err != nil {
		t.Errorf("inviting into an archived room: %v, %v", gone, err)
	}
}

func TestOneBadIDCostsOnlyItself(t *testing.T) {
	t.Parallel()
	w := begin(t, true)
	s := incident.State{Stream: "INC-0008", Exists: true, Declared: time.Now().UTC(), Title: incident.Seal("invitations"), People: map[incident.PersonID]incident.Part{
		"ghost": {Person: incident.Person{ID: "ghost", Slack: "U0NOBODY1"}}, "bob": {Person: incident.Person{ID: "bob", Slack: "U0BOB0001"}},
		"mallory": {Person: incident.Person{ID: "mallory", Slack: "U0MALL001"}, Excluded: true},
	}}
	if _, err := w.bot.Perform(w.ctx, task("a", incident.Invite{Person: "bob"}, s), nil); err == nil {
		t.Error("invited into no room")
	} else if _, ok := incident.LaterBy(err); !ok {
		t.Errorf("no room yet: %v", err)
	}
	room, err := w.bot.Perform(w.ctx, task("INC-0008/1/1", incident.OpenRoom{}, s), nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Room.Channel = room.(incident.RoomIsOpen).Channel
	if _, err := w.bot.Perform(w.ctx, task("b", incident.Invite{Person: "ghost"}, s), nil); !incident.IsGivenUp(err) || !strings.Contains(err.Error(), "ghost could not be invited") {
		t.Errorf("a bad id: %v", err)
	}
	for range 2 {
		if _, err := w.bot.Perform(w.ctx, task("c", incident.Invite{Person: "bob"}, s), nil); err != nil {
			t.Error(err)
		}
	}
	if _, err := w.bot.Perform(w.ctx, task("d", incident.Invite{Person: "mallory"}, s), nil); err != nil {
		t.Error(err)
	}
	w.roomOf("bob", "inc-0008")
	if c, ok := w.channel("mallory", "inc-0008"); ok && c.Member {
		t.Error("mallory is in")
	}
	w.Faults().Add(fault.Rule{Vendor: "slack", Method: "conversations.invite", Kind: fault.RateLimit, RetryAfter: 7 * time.Second, Times: 1})
	_, err = w.bot.Perform(w.ctx, task("e", incident.Invite{Person: "bob"}, s), nil)
	if wait, ok := incident.LaterBy(err); !ok || wait != 7*time.Second {
		t.Errorf("rate limited: %v", err)
	}
	w.Faults().Add(fault.Rule{Vendor: "slack", Method: "conversations.invite", Kind: fault.ServerError, Times: 1})
	_, err = w.bot.Perform(w.ctx, task("f", incident.Invite{Person: "bob"}, s), nil)
	if _, later := incident.LaterBy(err); err == nil || later || incident.IsGivenUp(err) {
		t.Errorf("server error: %v", err)
	}
	w.RevokeTokens(true)
	_, err = w.bot.Perform(w.ctx, task("g", incident.Invite{Person: "bob"}, s), nil)
	if !incident.IsGivenUp(err) || !strings.Contains(err.Error(), "install the app again") && !strings.Contains(err.Error(), "bot token") {
		t.Errorf("token revoked: %v", err)
	}
	w.RevokeTokens(false)
}

func TestADeletedSummaryComesBackAndALostRoomIsRecorded(t *testing.T) {
	t.Parallel()
	w := begin(t, true)
	w.types("alice", "general", "/incident declare p3 deleted things")
	room := w.roomOf("alice", "inc-0001-")
	w.wait("the summary", func() bool { return w.load("INC-0001").Messages[incident.ViewSummary].TS != "" })
	was := w.load("INC-0001").Messages[incident.ViewSummary]
	app := slackgo.New(w.App().BotToken, slackgo.OptionAPIURL(w.api))
	if _, _, err := app.DeleteMessage(room.ID, was.TS); err != nil {
		t.Fatal(err)
	}
	w.types("alice", room.ID, "/incident title another title")
	w.wait("a new summary", func() bool { now := w.load("INC-0001").Messages[incident.ViewSummary]; return now.TS != was.TS })
	if err := w.Archive(w.ctx, "alice", room.ID, false); err != nil {
		t.Fatal(err)
	}
	w.wait("the loss is recorded", func() bool { return w.load("INC-0001").Room.Lost != "" })
}

func TestADecidedCardLosesItsButtons(t *testing.T) {
	t.Parallel()
	w := begin(t, true)
	w.types("alice", "general", "/incident declare p3 hand over")
	room := w.roomOf("alice", "inc-0001-")
	w.types("alice", room.ID, "/incident role take commander")
	w.wait("alice commands", func() bool { return w.load("INC-0001").Holder(incident.Commander) == "alice" })
	w.types("alice", room.ID, "/incident role offer commander @bob")
	dm := w.DM("bob", w.botUser())
	m := w.sees("bob", dm, "Accept")
	if err := w.press("bob", dm, m, "Accept"); err != nil {
		t.Fatal(err)
	}
	w.wait("bob commands", func() bool { return w.load("INC-0001").Holder(incident.Commander) == "bob" })
	w.wait("the buttons are gone", func() bool {
		for _, x := range w.View("bob", slack.ViewOptions{Channel: dm}).Messages {
			if x.TS == m.TS {
				text := plainJSON(x.Blocks)
				// Until the card itself is said anew, what was pressed stands where the buttons were.
				return !strings.Contains(text, "Decline") && strings.Contains(text, "offered")
			}
		}
		return false
	})
}

func (w *world) botUser() string { user, _ := w.BotUser(); return user }
