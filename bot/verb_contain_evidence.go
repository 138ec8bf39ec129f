package bot

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var containEvidenceVerb = verb{
	Name: "evidence", Aliases: []string{"custody"}, Book: bookContain,
	Usage:    "[<number> | E<item>]",
	Summary:  "What was kept, with size, digest, who and when. With the number of a request, or of an item: the lines of the record that tell of it.",
	Examples: []string{"evidence", "evidence 3", "evidence E2"},
	Run: func(ctx context.Context, a *asking, w *words) (deed, error) {
		if m := evidenceNumber.FindStringSubmatch(w.peek()); m != nil {
			_, _ = w.next() // just looked at
			n, _ := strconv.Atoi(m[1])
			return a.evidenceItem(ctx, n)
		}
		all := w.left() == 0
		var of incident.Deed
		var err error
		if !all {
			if of, err = a.deed(w); err != nil {
				return deed{}, err
			}
		}
		kept, err := a.evidence(ctx)
		if err != nil {
			return deed{}, err
		}
		if all {
			return show(a.shown(templates.EvidenceList(a.state, kept)))
		}
		kept = slices.DeleteFunc(kept, func(e incident.Evidence) bool { return e.Deed != of.N })
		lead := fmt.Sprintf("Evidence kept before %s: %s", of.ID(a.state.Stream), count(len(kept), "item"))
		return show(a.shown(templates.EvidenceItems(a.state, lead, kept)))
	},
}

var evidenceNumber = regexp.MustCompile(`^[eE](\d{1,9})$`)

func (a *asking) evidenceItem(ctx context.Context, n int) (deed, error) {
	kept, err := a.evidence(ctx)
	if err != nil {
		return deed{}, err
	}
	if n < 1 || n > len(kept) {
		return deed{}, incident.Refuse("no-such-item", fmt.Sprintf("There is no item E%d in the evidence of %s.", n, a.state.Stream), "See "+a.room.prefix(bookContain)+" evidence.")
	}
	return show(a.shown(templates.EvidenceItems(a.state, fmt.Sprintf("Evidence of %s: item %d of %d", a.state.Stream, n, len(kept)), kept[n-1:n])))
}

// evidence folds the whole record: it is asked for seldom, and never on the way of a
// command.
func (a *asking) evidence(ctx context.Context) ([]incident.Evidence, error) {
	const page = 1000
	var lines []incident.Recorded
	for after := int64(0); ; {
		some, err := a.room.Reader.Timeline(ctx, a.state.Stream, after, page)
		if err != nil {
			return nil, fmt.Errorf("read the record of %s: %w", a.state.Stream, err)
		}
		lines = append(lines, some...)
		if len(some) < page {
			break
		}
		after = some[len(some)-1].Seq
	}
	var room []incident.Captured
	if a.room.Files != nil {
		var err error
		if room, err = a.room.Files(ctx, a.state.Stream); err != nil {
			return nil, err
		}
	}
	return incident.EvidenceIn(lines, room), nil
}

// files are the captured lines that speak of files.
func (s *Slack) files(ctx context.Context, id incident.ID) ([]incident.Captured, error) {
	const page = 1000
	var out []incident.Captured
	for after := (incident.Captured{}); ; {
		some, err := s.batch.to.CapturedInTime(ctx, id, after, page)
		if err != nil {
			return nil, fmt.Errorf("read what was captured of %s: %w", id, err)
		}
		for _, c := range some {
			if c.Kind == incident.FileShared || c.Kind == incident.FileKept {
				out = append(out, c)
			}
		}
		if len(some) < page {
			slices.SortFunc(out, func(a, b incident.Captured) int { return cmp.Compare(a.Seq, b.Seq) })
			return out, nil
		}
		after = some[len(some)-1]
	}
}
