package api

import (
	"time"

	"github.com/tocsin-ir/tocsin/internal/api/wire"
	"github.com/tocsin-ir/tocsin/internal/screen"
)

// millis is a time on the wire: unix milliseconds, 0 for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func lineOut(l screen.Line) *wire.Line {
	return &wire.Line{Seq: l.Seq, OccurredMs: millis(l.Occurred), Text: screen.Tame(l.Text), Key: l.Key}
}

func lineIn(l *wire.Line) screen.Line {
	return screen.Line{Seq: l.GetSeq(), Occurred: moment(l.GetOccurredMs()), Text: l.GetText(), Key: l.GetKey()}
}

func viewOut(v *screen.View) *wire.View {
	if v == nil {
		return nil
	}
	w := &wire.View{
		Incident: v.Incident, Title: screen.Tame(v.Title), Severity: v.Severity, Status: v.Status, Phase: v.Phase,
		Commander: screen.Tame(v.Commander), Paging: screen.Tame(v.Paging), Update: screen.Tame(v.Update), UpdatedMs: millis(v.Updated),
		DeclaredMs: millis(v.Declared), Drill: v.Drill, Confidential: v.Confidential, Earlier: int32(min(v.Earlier, 1<<30)),
	}
	for _, c := range v.Clocks {
		w.Clocks = append(w.Clocks, &wire.Clock{Name: c.Name, DueMs: millis(c.Due), End: c.End})
	}
	for _, t := range v.Duties {
		w.Duties = append(w.Duties, &wire.Duty{What: screen.Tame(t.What), Who: screen.Tame(t.Who), DueMs: millis(t.Due)})
	}
	for _, l := range v.Lines {
		w.Lines = append(w.Lines, lineOut(l))
	}
	return w
}

func viewIn(w *wire.View) *screen.View {
	if w == nil {
		return nil
	}
	v := &screen.View{
		Incident: w.GetIncident(), Title: w.GetTitle(), Severity: w.GetSeverity(), Status: w.GetStatus(), Phase: w.GetPhase(),
		Commander: w.GetCommander(), Paging: w.GetPaging(), Update: w.GetUpdate(), Updated: moment(w.GetUpdatedMs()),
		Declared: moment(w.GetDeclaredMs()), Drill: w.GetDrill(), Confidential: w.GetConfidential(), Earlier: int(w.GetEarlier()),
	}
	for _, c := range w.GetClocks() {
		v.Clocks = append(v.Clocks, screen.Clock{Name: c.GetName(), Due: moment(c.GetDueMs()), End: c.GetEnd()})
	}
	for _, t := range w.GetDuties() {
		v.Duties = append(v.Duties, screen.Duty{What: t.GetWhat(), Who: t.GetWho(), Due: moment(t.GetDueMs())})
	}
	for _, l := range w.GetLines() {
		v.Lines = append(v.Lines, lineIn(l))
	}
	return v
}
