package incident

import (
	"maps"
	"slices"
)

func applyPaging(s State, r Recorded) State {
	p := s.Paging
	p.Pages = maps.Clone(p.Pages)
	if p.Pages == nil {
		p.Pages = map[PageID]PageAt{}
	}
	change := func(id PageID, f func(*PageAt)) {
		if at, ok := p.Pages[id]; ok {
			f(&at)
			p.Pages[id] = at
		}
	}
	switch e := r.Event.(type) {
	case LadderStarted:
		p.Ladder, p.Running, p.Ended, p.Rung, p.Round = e.Ladder, true, false, 0, 1
	case RungFired:
		at := PageAt{At: r.At, Rung: e.Rung, To: e.To, Why: e.Why, Again: e.Again}
		if e.To == "" && e.Rung < len(p.Ladder.Rungs) {
			at.Def = p.Ladder.Rungs[e.Rung]
		}
		p.Pages[e.Page] = at
		if e.To == "" {
			p.Rung, p.Round = e.Rung, e.Round
		}
	case RungSkipped:
		change(e.Page, func(a *PageAt) { a.Skipped, a.Trouble = true, e.Why })
	case Paged:
		change(e.Page, func(a *PageAt) {
			v := e.Vendor
			fill(&v.Incident, a.Vendor.Incident) // the webhook may have named it first
			fill(&v.URL, a.Vendor.URL)
			a.Taken, a.People, a.Vendor, a.Trouble = true, merge(a.People, e.People), v, ""
		})
	case PagerNamed:
		change(e.Page, func(a *PageAt) { a.Vendor = e.Vendor })
	case PageTrouble:
		change(e.Page, func(a *PageAt) { a.Trouble, a.People = e.Why, merge(a.People, e.People) })
	case LadderEnded:
		p.Running, p.Ended = false, true
	case LadderStopped:
		p.Running = false
	case Acknowledged:
		p.Running, p.Ended, p.AckedBy, p.AckedVia, p.AskedAt = false, false, e.Person, r.Via, Times{}.Heard
		change(e.Page, func(a *PageAt) { a.AckedBy = e.Person })
		for id := range p.Pages {
			change(id, func(a *PageAt) { a.Told = true })
		}
		if s.Times.Acknowledged.IsZero() {
			s.Times.Acknowledged = r.Occurred
		}
		s.Times.Heard = r.At
	case Unacknowledged:
		change(e.Page, func(a *PageAt) { a.Told, a.AckedBy = false, "" })
		p.AckedBy, p.AckedVia, p.AskedAt = "", "", Times{}.Heard
	case AskedAgain:
		p.AskedAt = r.At
	}
	s.Paging = p
	return s
}

func merge(a, b []PersonID) []PersonID {
	out := slices.Clip(a)
	for _, id := range b {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}
