package incident

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// claimSignal is the key by which a group of signals declares, or is told, once.
func claimSignal(group string) string { return "signal:" + group }

// signalsSeen tells the room of a group once. The same group again only counts: it
// leaves a line when it has doubled, and is said again when it got worse.
func (d *deciding) signalsSeen(c SignalsSeen) error {
	g := cleanGroup(c.Group)
	if g.ID == "" || g.Level.rank() == 0 || g.Count < 1 {
		return fmt.Errorf("signals: a group without a name, a level or a signal")
	}
	if !d.s.Live() {
		return Refuse("not-open", fmt.Sprintf("%s is %s.", d.s.Stream, d.s.Status), "")
	}
	if g.Drill != d.s.Drill {
		// What a drill makes must not look real to whoever responds, and the other way round.
		return Refuse("drill", "Signals of drills and real ones do not meet.", "")
	}
	if had, known := d.s.Signal(g.ID); known {
		d.signalGrew(had, g)
		return nil
	}
	if !c.Moved {
		d.c.Claims = append(d.c.Claims, claimSignal(g.ID))
	}
	d.newSignal(g)
	return nil
}

func (d *deciding) newSignal(g SignalGroup) {
	full := len(d.s.Signals) >= MaxSignals
	stands, known := d.hostInScope(g.Host)
	d.emit(SignalSeen{Group: g.ID, Source: g.Source, Rule: Seal(g.Rule), Title: Seal(g.Title), Level: g.Level, Techniques: g.Techniques, Host: Seal(g.Host), Hosts: g.Hosts,
		Entities: Seal(strings.Join(g.Entities, "\n")), Count: g.Count, First: g.First, Last: g.Last, Summary: Seal(g.Summary), Cleared: known && stands == Cleared})
	if !full || g.Level.Loud() { // beyond the bound only what matters is said: a flood must not bury it
		d.say(PlaceRoom, "", g.Level.Loud())
	}
	if g.Host != "" && !known && len(d.s.Scope) < MaxItems {
		d.emit(Scoped{N: len(d.s.Scope) + 1, Kind: ScopeHost, Name: Seal(g.Host), State: Suspected})
		if !d.s.Private {
			d.invite(d.r.Owners(g.Host)...)
		}
	}
}

func (d *deciding) signalGrew(had SignalAt, g SignalGroup) {
	level, techniques := g.Level, union(had.Techniques, g.Techniques)
	if level.rank() < had.Level.rank() {
		level = had.Level // what was bad once stays so
	}
	worse := level != had.Level || len(techniques) > len(had.Techniques)
	if !worse && g.Count < 2*had.Count {
		return
	}
	last := g.Last
	if last.Before(had.Last) {
		last = had.Last
	}
	list, more := news(had, g)
	d.emit(SignalGrew{Group: g.ID, Level: level, Techniques: techniques, Hosts: max(g.Hosts, had.Hosts), Count: max(g.Count, had.Count), Last: last, Worse: worse, News: list, More: more})
	if worse {
		d.say(PlaceRoom, "", level != had.Level && level.Loud())
	}
}

// news are the signals that brought what was not known, and how many more there are.
func news(had SignalAt, g SignalGroup) (list []SignalNews, more int) {
	known, level := had.Techniques, had.Level.rank()
	for _, r := range g.Rises {
		all := union(known, r.Techniques)
		if len(all) == len(known) && r.Level.rank() <= level {
			continue
		}
		known, level = all, max(level, r.Level.rank())
		if len(list) == maxNews {
			more++
			continue
		}
		list = append(list, SignalNews{Title: Seal(r.Title), Level: r.Level, Techniques: r.Techniques, Summary: Seal(r.Summary)})
	}
	return list, more
}

// hostInScope is how a host stands in the scope, whoever said so.
func (d *deciding) hostInScope(host string) (ScopeState, bool) {
	for _, it := range d.s.Scope {
		if it.Kind == ScopeHost && strings.EqualFold(it.Name.Text, host) {
			return it.State, true
		}
	}
	return "", false
}

func (d *deciding) judgeSignals(c JudgeSignals) error {
	g, ok := d.s.Signal(c.Group)
	if !ok {
		return Refuse("no-such-signal", "This incident has no such group of signals.", "See `signals recent`.")
	}
	if g.Judged == d.a.By.ID && g.False == c.False {
		return Refuse("same", "You have said so already.", "")
	}
	var why Sealed
	if c.Why != "" {
		t, err := text("reason", c.Why, MaxText)
		if err != nil {
			return err
		}
		why = Seal(t)
	}
	d.emit(SignalsJudged{Group: c.Group, False: c.False, Why: why})
	d.say(PlaceRoom, "", false)
	return nil
}

// title is what an incident is called that a group declares.
func (g SignalGroup) title() string {
	if g.Host == "" {
		return g.Title
	}
	return clip(g.Title, MaxTitle-len([]rune(g.Host))-4) + " on " + g.Host
}

// cleanGroup bounds what came from a host.
func cleanGroup(g SignalGroup) SignalGroup {
	g.ID, g.Source = clip(g.ID, MaxName), clip(g.Source, 60)
	g.Rule, g.Title, g.Host, g.Summary = clip(g.Rule, MaxName), clip(g.Title, MaxTitle), clip(g.Host, 100), clip(g.Summary, 500)
	g.Techniques = union(nil, clipAll(g.Techniques, maxTechniques, 20))
	g.Entities = clipAll(g.Entities, maxEntities, MaxName)
	g.Rises = slices.Clone(g.Rises[:min(len(g.Rises), maxTechniques)])
	for i, r := range g.Rises {
		g.Rises[i] = SignalRise{Title: clip(r.Title, MaxTitle), Level: r.Level, Techniques: clipAll(r.Techniques, maxTechniques, 20), Summary: clip(r.Summary, 200)}
	}
	if g.Title == "" {
		g.Title = g.Rule
	}
	g.First, g.Last = g.First.UTC(), g.Last.UTC()
	return g
}

func clipAll(list []string, most, runes int) []string {
	var out []string
	for _, t := range list {
		if t = clip(t, runes); t != "" && len(out) < most && !has(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// clip is a machine's text on one line without control characters, cut where a person's
// would be refused.
func clip(s string, runes int) string {
	if len(s) > 8*runes {
		s = s[:8*runes]
	}
	s = strings.ToValidUTF8(s, "")
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control) {
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > runes {
		s = string(r[:runes-1]) + "…"
	}
	return s
}

// union is both lists, sorted, each once, bounded.
func union(a, b []string) []string {
	all := append(append([]string(nil), a...), b...)
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), maxTechniques):min(len(all), maxTechniques)]
}
