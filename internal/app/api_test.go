//go:build !solo

package app

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
	"github.com/tocsin-ir/tocsin/internal/screen"
)

// Every verb has an answer for whoever comes with a token while Slack is down: done,
// refused by a rule, or shown; never "that did not work", and never a form that only
// Slack could open.
func TestEveryVerbWorksWithSlackDown(t *testing.T) {
	t.Parallel()
	d, err := StartDemo(t.Context(), DemoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	a := d.App()
	text, _, err := a.MakeToken(t.Context(), "alice", "", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	d.World.Slack.Faults().Add(fault.Rule{Kind: fault.Down})
	h := house{a}
	who, err := h.Identify(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	say := func(key, line string) (string, string) {
		t.Helper()
		answer, err := h.Say(t.Context(), who, line, key)
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if strings.TrimSpace(answer.Text) == "" {
			t.Errorf("%s: no answer", line)
		}
		return answer.Text, answer.Refused
	}
	first, _ := say("declare", "/incident declare p2 odd logins")
	if again, _ := say("declare", "/incident declare p2 odd logins"); again != first {
		t.Errorf("the same asking was answered %q and then %q", first, again)
	}
	said := 0
	for _, v := range bot.Verbs("/incident", "/postmortem") {
		for _, line := range append(v.Examples, v.Text) {
			if strings.HasSuffix(v.Text, " declare") && line != v.Text {
				continue // one is enough
			}
			answer, refused := say("k", line)
			if refused == "which" { // an exercise is open by now
				answer, refused = say("k", strings.Replace(line, " ", " INC-0001 ", 1))
			}
			said++
			if refused == "which" || refused == "unknown-verb" {
				t.Errorf("%s: %s", line, answer)
			}
			if testing.Verbose() {
				t.Logf("%s → %s %.90q", line, refused, answer)
			}
		}
	}
	if said < 60 {
		t.Errorf("only %d lines were said", said)
	}
}

// A token is good until it expires, and its text is nowhere but with its owner.
func TestTokens(t *testing.T) {
	t.Parallel()
	d, err := StartDemo(t.Context(), DemoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	a := d.App()
	text, made, err := a.MakeToken(t.Context(), "alice@example.com", "laptop\x1b[2J", time.Hour)
	if err != nil || made.Person != "alice" || !looksLikeToken(text) || strings.Contains(string(made.Hash), text) {
		t.Fatalf("%q %+v %v", text, made, err)
	}
	if strings.ContainsRune(made.Name, '\x1b') {
		t.Errorf("its name is %q", made.Name)
	}
	refused := func(text, why string) {
		t.Helper()
		_, _, err := a.bearerOf(t.Context(), text)
		var no *incident.Refusal
		if !errors.As(err, &no) || !strings.Contains(no.Why, why) {
			t.Errorf("%.20s…: %v, want %q", text, err, why)
		}
	}
	if who, _, err := a.bearerOf(t.Context(), text); err != nil || who.ID != "alice" || who.Standing != incident.Member {
		t.Errorf("her own: %+v, %v", who, err)
	}
	other := text[:len(text)-1] + map[bool]string{true: "B", false: "A"}[text[len(text)-1] == 'A']
	refused(other, "I do not know this token.")
	refused(strings.ToUpper(text), "I do not know this token.")
	refused(text+" ", "I do not know this token.")
	refused("", "I do not know this token.")
	for _, c := range []struct{ person, why string }{{"gus@partner.example", "only members"}, {"dora", "only members"}, {"nobody at all", ""}, {"", ""}} {
		if text, _, err := a.MakeToken(t.Context(), c.person, "", time.Hour); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%q got %q, %v", c.person, text, err)
		}
	}
	for _, good := range []time.Duration{0, -time.Hour, TokenMost + time.Hour} {
		if _, _, err := a.MakeToken(t.Context(), "alice", "", good); err == nil {
			t.Errorf("one for %s was made", good)
		}
	}
	d.Clock.Advance(2 * time.Hour)
	refused(text, "This token expired")
	if _, err := a.tokenStill(t.Context(), made.ID); err == nil {
		t.Error("whoever watches with it watches on")
	}
}

// Whoever is shut out while they follow what they did hears nothing of it.
func TestFollowingEndsForWhoeverIsShutOut(t *testing.T) {
	t.Parallel()
	d, err := StartDemo(t.Context(), DemoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	d.World.Slack.Faults().Add(fault.Rule{Kind: fault.Down})
	a := d.App()
	alice, _ := a.PlanPerson("alice")
	bob, _ := a.PlanPerson("bob")
	reply, err := a.Say(t.Context(), alice, incident.ViaAPI, "/incident declare p2 odd logins", "one")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	heard := 0
	owed, err := a.Follow(ctx, alice, reply.Stream, "one", func(screen.Line) error { heard++; return nil })
	if err != nil || heard == 0 || strings.Join(owed, "|") == "" || !strings.Contains(strings.Join(owed, "|"), "open the room in Slack") {
		t.Errorf("alice heard %d lines, owed %q, %v", heard, owed, err)
	}
	if _, err := a.Say(t.Context(), alice, incident.ViaAPI, "/incident exclude @bob", "two"); err != nil {
		t.Fatal(err)
	}
	owed, err = a.Follow(t.Context(), bob, reply.Stream, "one", func(l screen.Line) error { t.Errorf("bob hears %q", l.Text); return nil })
	if err != nil || len(owed) > 0 {
		t.Errorf("bob: owed %q, %v", owed, err)
	}
}
