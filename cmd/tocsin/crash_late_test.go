package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// Slack waits three seconds and no longer. What was answered with "still at it" is
// carried out although the process dies before it came to it, and once only.
func TestCrashAfterTheEarlyAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(boundary) blow { return spare }, false)
	ctx := t.Context()
	slow := r.world.Slack.Faults().Add(fault.Rule{Vendor: "slack", Method: "users.info", Kind: fault.Latency, Delay: 6 * time.Second})
	victim := r.living()
	if err := r.world.Slack.Slash(ctx, aliceInSlack, "#general", "/incident declare p1 token on a paste site"); err != nil {
		t.Fatal(err)
	}
	if !r.told("still at it") {
		t.Fatal("alice was not told that Tocsin is still at it")
	}
	if _, err := r.room(); err == nil {
		t.Fatal("it was carried out already: nothing is shown by this")
	}
	r.kill(victim)
	r.world.Slack.Faults().Remove(slow)
	if err := r.until(func() error {
		if _, err := r.room(); err != nil {
			return err
		}
		if !r.told("INC-0001") {
			return errors.New("alice has not been told what came of it")
		}
		return nil
	})(ctx); err != nil {
		t.Fatal(err)
	}
	if err := r.quiet(ctx); err != nil {
		t.Fatal(err)
	}
	if n := len(r.rooms()); n != 1 {
		t.Errorf("%d rooms", n)
	}
}

// told reports whether alice alone was told something in #general.
func (r *rig) told(what string) bool {
	for _, c := range r.world.Slack.View(aliceInSlack, slack.ViewOptions{}).Channels {
		if c.Name != "general" {
			continue
		}
		for _, m := range r.world.Slack.View(aliceInSlack, slack.ViewOptions{Channel: c.ID}).Messages {
			if m.Ephemeral && strings.Contains(m.Text, what) {
				return true
			}
		}
	}
	return false
}
