package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// crashPatience bounds, in real time, how long a step may take with all its kills.
const crashPatience = 90 * time.Second

const (
	aliceInSlack = "U0ALICE01"
	bobInSlack   = "U0BOB0001"
	carolInPager = "PCAROL1"
	incidentRepo = "acme/security-incidents"
)

// crashStep is done, and quiet is waited for, before the next.
type crashStep struct {
	name string
	do   func(context.Context) error
}

// wholeIncident plays an incident from its declaration to a second edition of its
// post-mortem, however often Tocsin dies meanwhile.
func (r *rig) wholeIncident(ctx context.Context) error {
	begins := []crashStep{
		{"declare", r.types("/incident declare p1 token on a paste site asset:web-3")},
		{"a room", r.until(func() error { _, err := r.room(); return err })},
		{"somebody is paged", r.until(func() error { return r.paged(1) })},
		{"nobody answers", r.waits(5*time.Minute + 30*time.Second)},
		{"the next rung is paged", r.until(func() error { return r.paged(2) })},
		{"carol answers the pager", r.until(r.carolAnswers)},
		{"the room hears of it", r.until(func() error { return r.said("acknowledged") })},
		{"command", r.types("/incident role take commander")},
		{"update", r.types("/incident update the paste is taken down")},
		{"note", r.types("/incident note the token was read once")},
		{"edit", r.correctsTheNote},
		{"title", r.types("/incident title deploy token on a paste site")},
		{"severity", r.types("/incident sev p2 the token could only read")},
		{"task", r.types("/incident task add rotate the deploy token owner:@dave")},
	}
	ends := []crashStep{
		{"resolve", r.types("/incident resolve the token is revoked")},
		{"action item", r.types("/postmortem item add scan the build logs owner:@dave")},
		{"write", r.types("/postmortem edit summary a deploy token was on a paste site")},
		{"publish", r.types("/postmortem publish")},
		{"issues", r.until(r.published)},
		{"write again", r.types("/postmortem edit summary a deploy token was on a paste site for an hour")},
		{"publish again", r.types("/postmortem publish")},
		{"the issue is brought up to date", r.until(r.republished)},
	}
	middle, after := []crashStep(nil), []crashStep(nil)
	if r.thorough {
		middle, after = r.reachesFurther(), r.writesAtLength()
	}
	for _, step := range slices.Concat(begins, middle, ends, after) {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		if err := r.quiet(ctx); err != nil {
			return fmt.Errorf("after %s: %w", step.name, err)
		}
	}
	return nil
}

// types types a line in the room, or in #general while there is none. Whatever the
// command leads to the request is delivered until it is taken, always as the same.
func (r *rig) types(line string) func(context.Context) error {
	return func(ctx context.Context) error {
		return r.until(func() error {
			where := "#general"
			if !strings.HasPrefix(line, "/incident declare") {
				id, err := r.room()
				if err != nil {
					return err
				}
				where = id
			}
			err := r.world.Slack.Slash(ctx, aliceInSlack, where, line)
			if e, is := errors.AsType[*slack.Error](err); is && (e.Code == "operation_timeout" || e.Code == "dispatch_failed") {
				return nil // the person waited in vain; the door delivers it all the same
			}
			return err
		})(ctx)
	}
}

func (r *rig) waits(d time.Duration) func(context.Context) error {
	return func(context.Context) error { r.advance(d); return nil }
}

func (r *rig) until(holds func() error) func(context.Context) error {
	return func(ctx context.Context) error {
		for began := time.Now(); ; {
			err := holds()
			if err == nil {
				return nil
			}
			if time.Since(began) > crashPatience {
				return fmt.Errorf("not so after %s: %w", crashPatience, err)
			}
			select {
			case <-ctx.Done():
				return errors.Join(ctx.Err(), err)
			case <-time.After(15 * time.Millisecond):
			}
		}
	}
}

// quiet waits until nothing is owed but future clocks and nothing is on its way.
func (r *rig) quiet(ctx context.Context) error {
	calm := 0
	return r.until(func() error {
		owing := r.tell("owing")
		if n := r.pending.Load(); n > 0 || owing != "owing 0" {
			calm = 0
			return fmt.Errorf("%d deliveries are on their way, %q", n, owing)
		}
		if calm++; calm < 2 {
			return errors.New("not for long enough")
		}
		return nil
	})(ctx)
}

func (r *rig) rooms() []slack.ChannelView {
	var out []slack.ChannelView
	for _, c := range r.world.Slack.View(aliceInSlack, slack.ViewOptions{}).Channels {
		if strings.HasPrefix(c.Name, "inc-") {
			out = append(out, c)
		}
	}
	return out
}

func (r *rig) room() (id string, err error) {
	rooms := r.rooms()
	if len(rooms) == 0 || len(rooms[0].Pins) == 0 || !rooms[0].Member {
		return "", errors.New("there is no room with a summary and alice in it")
	}
	return rooms[0].ID, nil
}

func (r *rig) paged(people int) error {
	if n := len(r.world.PagerDuty.Incidents()); n < people {
		return fmt.Errorf("PagerDuty has %d incidents", n)
	}
	return nil
}

func (r *rig) carolAnswers() error {
	why := errors.New("carol is not paged")
	for _, in := range r.world.PagerDuty.Incidents() {
		for _, who := range in.Assigned {
			if who.ID == carolInPager && in.Status == "triggered" {
				why = r.world.PagerDuty.Acknowledge(carolInPager, in.ID)
				if why == nil {
					return nil
				}
			}
		}
	}
	return why
}

func (r *rig) said(text string) error {
	id, err := r.room()
	if err != nil {
		return err
	}
	for _, m := range r.world.Slack.View(aliceInSlack, slack.ViewOptions{Channel: id, Limit: 1000}).Messages {
		if strings.Contains(m.Text+string(m.Blocks), text) {
			return nil
		}
	}
	return fmt.Errorf("the room does not read %q", text)
}

// correctsTheNote edits the entry of the timeline that has the slip.
func (r *rig) correctsTheNote(ctx context.Context) error {
	db, err := openVictim(ctx, r.orders.Database)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	entries, err := db.Timeline(ctx, "INC-0001", 0, 1000)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if _, is := e.Event.(incident.Noted); is {
			return r.types(fmt.Sprintf("/incident timeline edit %d the token was read twice why:counted again", e.Seq))(ctx)
		}
	}
	return errors.New("the note is not on the timeline")
}

func (r *rig) published() error {
	if n := len(r.world.GitHub.Issues(incidentRepo)); n < 2 {
		return fmt.Errorf("there are %d issues", n)
	}
	return nil
}

func (r *rig) republished() error {
	for _, i := range r.world.GitHub.Issues(incidentRepo) {
		if strings.Contains(i.Body, "for an hour") {
			return nil
		}
	}
	return errors.New("no issue has the second edition")
}
