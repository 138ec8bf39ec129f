package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// onceThorough is what is more than once says in a thorough run.
var onceThorough = map[string]int{
	"PostMortemEdited": 2 + len(incident.Sections()), "PublishAsked": 3, "PostMortemPublished": 3, "WasClosed": 1, "Excluded": 1,
}

// reachesFurther pages a person and a policy, and puts somebody out of the room.
func (r *rig) reachesFurther() []crashStep {
	return []crashStep{
		{"page a person", r.types("/incident page @dave the runner is his")},
		{"dave is paged", r.until(func() error { return r.paged(3) })},
		{"page by policy", r.types("/incident page policy")},
		{"the policy is paged", r.until(func() error { return r.paged(4) })},
		{"exclude", r.types("/incident exclude @bob")},
		{"bob is out", r.until(r.withoutBob)},
	}
}

// writesAtLength makes the post-mortem longer than an issue, and has the room archived.
func (r *rig) writesAtLength() []crashStep {
	var steps []crashStep
	for _, section := range incident.Sections() {
		steps = append(steps, crashStep{"write at length", r.types("/postmortem edit " + section + " " + strings.Repeat("what happened ", 710))})
	}
	return append(steps,
		crashStep{"publish the long one", r.types("/postmortem publish")},
		crashStep{"it goes on in comments", r.until(r.continued)},
		crashStep{"what was said is remembered", r.remembersSaid},
		crashStep{"close", r.types("/incident close waive the rest is for the platform team")},
		crashStep{"a week passes", r.waits(8 * 24 * time.Hour)},
		crashStep{"the room is archived", r.until(r.archived)},
	)
}

func (r *rig) withoutBob() error {
	for _, c := range r.world.Slack.View(bobInSlack, slack.ViewOptions{}).Channels {
		if strings.HasPrefix(c.Name, "inc-") && c.Member {
			return errors.New("bob is in the room")
		}
	}
	return nil
}

func (r *rig) continued() error {
	for _, i := range r.world.GitHub.Issues(incidentRepo) {
		if len(i.Comments) > 0 && strings.Contains(i.Body, "Continued") {
			return nil
		}
	}
	return errors.New("no issue goes on in a comment")
}

func (r *rig) archived() error {
	for _, c := range r.rooms() {
		if !c.Archived {
			return fmt.Errorf("%s is open", c.Name)
		}
	}
	return nil
}
