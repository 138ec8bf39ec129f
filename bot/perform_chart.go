package bot

import (
	"context"
	"fmt"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

// showChart uploads the picture of a scorecard to the drill's room. A file carries no
// metadata, so its name is the marker that a later attempt looks for.
func (s *Slack) showChart(ctx context.Context, t incident.Task) error {
	scored, ok := t.Event.Event.(incident.DrillScored)
	if !ok {
		return incident.GiveUp(fmt.Errorf("show a chart of %T: there is none", t.Event.Event))
	}
	png, err := templates.ScoreChart(scored.Score)
	if err != nil {
		return nil //nolint:nilerr // nothing was due, so there is nothing to draw; the words are enough
	}
	name := "drill-" + strings.ReplaceAll(string(t.ID), "/", "-") + ".png"
	channel := t.State.Room.Channel
	if t.Attempt > 1 {
		if there, err := s.hasFile(ctx, t.Rank, channel, "", name); err != nil || there {
			return err
		}
	}
	return s.upload(ctx, t.Rank, upload{Channel: channel, Name: name, Title: "DRILL: scorecard", Comment: "DRILL: the scorecard as a chart",
		Alt: "Time taken and time allowed, action by action", Body: png})
}
