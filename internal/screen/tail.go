package screen

import "strings"

// Tail shows a View where nothing can be drawn again, a pipe or a log: all of it once,
// then only what is new. Its zero value is ready.
type Tail struct {
	begun bool
	head  string
	shown map[int64]string
	last  int64
}

// Next is what to append; "" when nothing is new.
func (t *Tail) Next(v View, s Size) string {
	s.Rows = 0
	v = tamed(v)
	d := newDrawing(s)
	if !t.begun {
		t.begun, t.shown = true, map[int64]string{}
		d.head(v)
		d.clocks(v)
		d.duties(v)
		d.timeline(v, nil)
		t.note(v)
		return strings.Join(d.out, "\n") + "\n"
	}
	if head := headline(v); head != t.head {
		d.para("== ", 3, head, 3, bold)
	}
	for _, l := range v.Lines {
		was, known := t.shown[l.Seq]
		if known && was == l.Text || !known && l.Seq <= t.last {
			continue
		}
		if known {
			l.Text = "changed: " + l.Text
		}
		d.out = append(d.out, d.entry(l)...)
	}
	t.note(v)
	if len(d.out) == 0 {
		return ""
	}
	return strings.Join(d.out, "\n") + "\n"
}

func (t *Tail) note(v View) {
	t.head = headline(v)
	clear(t.shown)
	for _, l := range v.Lines {
		t.shown[l.Seq] = l.Text
		t.last = max(t.last, l.Seq)
	}
}

// headline is where an incident stands, in one line.
func headline(v View) string {
	lead := "no commander yet"
	if v.Commander != "" {
		lead = "commander " + v.Commander
	}
	return strings.Join(keep(v.Severity+" "+strings.ToUpper(v.Status), v.Phase, lead, v.Paging), " · ")
}
