package screen

import (
	"fmt"
	"strings"
	"time"
)

// Size is where a View is drawn.
type Size struct {
	Columns int // 0 takes 80
	Rows    int // 0: as many as it takes
	Colour  bool
	Zone    *time.Location // of the reader; nil is UTC
	Now     time.Time      // by the clock the View came from
	// Stale says since when and why what is shown is not live; "" while it is.
	Stale string
}

// The colours. They repeat what words say: nothing is told by colour alone.
const (
	red, yellow, green, bold, dim, off = "\x1b[1;31m", "\x1b[33m", "\x1b[32m", "\x1b[1m", "\x1b[2m", "\x1b[0m"
)

// Draw is the View as lines, each ending in a line end, none wider than the screen
// and no more than it has rows. What is most urgent comes first: what it is, who has
// it, how much time is left, what there is to do; the timeline takes what room is left
// and shows its end.
func Draw(v View, s Size) string {
	d := newDrawing(s)
	v = tamed(v)
	d.head(v)
	d.clocks(v)
	d.duties(v)
	foot := d.foot()
	d.timeline(v, foot)
	d.out = append(d.out, foot...)
	if d.s.Rows > 0 && len(d.out) > d.s.Rows {
		keep := max(1, d.s.Rows-len(foot))
		d.out = append(d.out[:min(keep, len(d.out))], foot...)
		d.out = d.out[:min(len(d.out), d.s.Rows)]
	}
	return strings.Join(d.out, "\n") + "\n"
}

// narrowest is what is drawn for whatever is narrower; small is a screen on which
// clocks and duties give way to the timeline.
const (
	narrowest = 30
	small     = 40 // rows
)

type drawing struct {
	s   Size
	out []string
}

func (d *drawing) small() bool { return d.s.Rows > 0 && d.s.Rows < small }

func newDrawing(s Size) *drawing {
	d := &drawing{s: s}
	if d.s.Columns <= 0 {
		d.s.Columns = 80
	}
	d.s.Columns = max(narrowest, d.s.Columns)
	if d.s.Zone == nil {
		d.s.Zone = time.UTC
	}
	return d
}

func (d *drawing) head(v View) {
	what := oneLine(strings.Join(keep(mark(v.Drill, "DRILL"), v.Severity, v.Incident, mark(v.Confidential, "CONFIDENTIAL")), " "))
	d.para(d.tint(severityTint(v.Severity), what)+"  ", columns(what)+2, v.Title, 2, bold)
	stand := keep(strings.ToUpper(v.Status), v.Phase, "declared "+ago(d.s.Now.Sub(v.Declared)))
	d.para("", 0, strings.Join(stand, " · "), 2, "")
	lead, tint := v.Commander, ""
	if lead == "" {
		lead, tint = "nobody yet", yellow
	}
	d.field("Commander", lead, tint)
	if v.Paging != "" {
		tint := yellow
		if strings.HasPrefix(v.Paging, "acknowledged") {
			tint = green
		}
		d.field("Paging", v.Paging, tint)
	}
	update := "none yet"
	if v.Update != "" {
		update = v.Update + " (" + ago(d.s.Now.Sub(v.Updated)) + ")"
	}
	d.field("Update", update, "")
}

func (d *drawing) clocks(v View) {
	if len(v.Clocks) == 0 {
		return
	}
	if d.small() {
		d.clocksInALine(v)
		return
	}
	d.title("CLOCKS")
	for _, c := range v.Clocks {
		text, tint := d.left(c)
		d.field("  "+pad(oneLine(c.Name), 11), text, tint)
	}
}

// clocksInALine leaves out what is over.
func (d *drawing) clocksInALine(v View) {
	var running []string
	worst := ""
	for _, c := range v.Clocks {
		text, tint := d.left(c)
		if c.End != "" {
			continue
		}
		if running = append(running, c.Name+" "+text); tint == red || worst == "" {
			worst = tint
		}
	}
	if len(running) > 0 {
		d.field("Clocks", strings.Join(running, " · "), worst)
	}
}

// left says how much time a clock has left, and how urgent that is.
func (d *drawing) left(c Clock) (text, tint string) {
	switch left := c.Due.Sub(d.s.Now); {
	case c.End == "missed":
		return c.End, yellow
	case c.End != "":
		return c.End, dim
	case left < 0:
		return "OVERDUE by " + age(-left), red
	case left < 5*time.Minute:
		return age(left) + " left", yellow
	default:
		return age(left) + " left", ""
	}
}

func (d *drawing) duties(v View) {
	d.title("TO DO")
	if len(v.Duties) == 0 {
		d.para("", 0, "  Nothing is open.", 2, dim)
	}
	room := len(v.Duties) * 20
	if d.small() {
		room = max(2, (d.s.Rows-len(d.out)-4)/2)
	}
	for i, t := range v.Duties {
		before := len(d.out)
		d.duty(t)
		if room -= len(d.out) - before; room < 0 && i > 0 || room == 0 && i < len(v.Duties)-1 {
			d.out = d.out[:before]
			d.para("", 0, fmt.Sprintf("  %d more", len(v.Duties)-i), 2, dim)
			return
		}
	}
}

func (d *drawing) duty(t Duty) {
	who, tint := t.Who, ""
	switch who {
	case "you":
		who, tint = "YOU", bold
	case "":
		who = "nobody"
	}
	if !t.Due.IsZero() && d.s.Now.After(t.Due) {
		tint = red
	}
	d.para("  ", 2, who+": "+t.What+due(t.Due, d.s.Now), 4, tint)
}

func due(at, now time.Time) string {
	switch left := at.Sub(now); {
	case at.IsZero():
		return ""
	case left < 0:
		return " (OVERDUE by " + age(-left) + ")"
	default:
		return " (due in " + age(left) + ")"
	}
}

// timeline shows the latest lines that fit, and says how many came before.
func (d *drawing) timeline(v View, foot []string) {
	d.title("TIMELINE, times in " + d.s.Now.In(d.s.Zone).Format("MST"))
	room := len(v.Lines) * 100
	if d.s.Rows > 0 {
		room = d.s.Rows - len(d.out) - len(foot) - 1
	}
	var shown [][]string
	used, i := 0, len(v.Lines)
	for ; i > 0; i-- {
		lines := d.entry(v.Lines[i-1])
		if used+len(lines) > room {
			break
		}
		used += len(lines)
		shown = append(shown, lines)
	}
	if n := i + v.Earlier; n > 0 {
		d.para("", 0, fmt.Sprintf("  %d earlier", n), 2, dim)
	}
	for n := len(shown) - 1; n >= 0; n-- {
		d.out = append(d.out, shown[n]...)
	}
}

func (d *drawing) entry(l Line) []string {
	before := len(d.out)
	tint := ""
	if l.Key {
		tint = bold
	}
	stamp := "  " + d.clock(l.Occurred) + "  "
	d.para(d.tint(dim, stamp), columns(stamp), l.Text, columns(stamp), tint)
	lines := append([]string(nil), d.out[before:]...)
	d.out = d.out[:before]
	return lines
}

// clock is the time of day, with the day where it is not today's.
func (d *drawing) clock(t time.Time) string {
	t, now := t.In(d.s.Zone), d.s.Now.In(d.s.Zone)
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04")
	}
	return t.Format("01-02 15:04")
}

// foot says whether this is live: a picture of an hour ago must not pass for now.
func (d *drawing) foot() []string {
	before := len(d.out)
	if !d.small() {
		d.out = append(d.out, "")
	}
	now := d.s.Now.In(d.s.Zone).Format("15:04:05 MST")
	if _, east := d.s.Now.In(d.s.Zone).Zone(); east != 0 {
		now += d.s.Now.UTC().Format(" (15:04 UTC)")
	}
	if d.s.Stale != "" {
		d.para("", 0, "NOT LIVE: "+Tame(d.s.Stale), 2, red)
	} else {
		d.para("", 0, "live · "+now+" · Ctrl-C ends", 2, dim)
	}
	foot := append([]string(nil), d.out[before:]...)
	d.out = d.out[:before]
	return foot
}

func (d *drawing) title(text string) {
	if !d.small() {
		d.out = append(d.out, "")
	}
	d.out = append(d.out, d.tint(bold, text))
}

func (d *drawing) field(name, text, tint string) {
	name = pad(name, 11) + "  "
	d.para(name, columns(name), text, columns(name), tint)
}

// para writes a text after a prefix of that many columns, wrapped and indented.
func (d *drawing) para(prefix string, columns int, text string, indent int, tint string) {
	if indent > d.s.Columns/2 {
		indent = 4
	}
	first := d.s.Columns - columns
	lines := wrap(text, first)
	if columns != indent && len(lines) > 1 { // the first line has another width than the rest
		rest := strings.TrimPrefix(strings.Join(strings.Fields(text), " "), lines[0])
		lines = append(lines[:1], wrap(rest, d.s.Columns-indent)...)
	}
	for i, l := range lines {
		if i == 0 {
			d.out = append(d.out, prefix+d.tint(tint, lead(text)+l))
			continue
		}
		d.out = append(d.out, strings.Repeat(" ", indent)+d.tint(tint, l))
	}
}

// lead is the indentation of a text, which wrapping takes off.
func lead(text string) string { return text[:len(text)-len(strings.TrimLeft(text, " "))] }

func (d *drawing) tint(tint, text string) string {
	if !d.s.Colour || tint == "" || text == "" {
		return text
	}
	return tint + text + off
}

func severityTint(severity string) string {
	switch severity {
	case "P1":
		return red
	case "P2":
		return yellow
	}
	return bold
}

// age is a length of time as a person says it, the seconds while they matter.
func age(d time.Duration) string {
	d = max(0, d).Truncate(time.Second)
	switch {
	case d < 10*time.Minute:
		return fmt.Sprintf("%d:%02d min", int(d.Minutes()), int(d.Seconds())%60)
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}

// ago is a length of time since something, in minutes and more.
func ago(d time.Duration) string {
	if d < time.Minute {
		return "just now"
	}
	if d < 10*time.Minute {
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	}
	return age(d) + " ago"
}

func keep(parts ...string) []string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return out
}

// oneLine is a short text from elsewhere that nothing wraps.
func oneLine(text string) string {
	r := []rune(strings.Join(strings.Fields(Tame(text)), " "))
	return string(r[:min(len(r), 40)])
}

func mark(is bool, word string) string {
	if is {
		return word
	}
	return ""
}

func pad(text string, n int) string { return text + strings.Repeat(" ", max(0, n-columns(text))) }
