package feeds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/sensor/detect/intel"
)

// gathering is what one reading finds.
type gathering struct {
	feed    plan.Feed
	guard   *intel.Guard
	now     time.Time
	b       intel.Builder
	taken   int
	refused int
	guarded []string // the first reasons of the guard, which matter most
	first   []string // and those of the reader
}

const (
	mostReasons = 3
	guarded     = "it must never be one: "
)

// read asks a feed and returns how it stands then, and its indicators: those held where nothing has
// changed. With an error nothing of what was asked counts.
func (s *Subscriptions) read(ctx context.Context, f plan.Feed, st State, held *intel.Set) (State, *intel.Set, error) {
	g := &gathering{feed: f, guard: s.c.Guard(), now: s.c.Now(), b: intel.Builder{Max: MostIndicators}}
	w, err := s.way(f)
	if err != nil {
		return st, held, err
	}
	defer w.close()
	// What is unchanged is listed still, and its time begins again; so it is asked for whole while
	// half of that time is left at least.
	again := min(wholeRead, f.Life/4)
	if held == nil || g.now.Sub(st.Whole) >= again && !isMISPFeed(f) {
		st.Tag, st.Modified, st.Mark = "", "", ""
	}
	whole := true
	switch {
	case f.File != "":
		err = s.readFile(g)
	case f.Kind == "taxii":
		whole = st.Mark == ""
		st, err = g.taxii(ctx, w, st, held)
	case isMISPFeed(f):
		whole = false // each event has its own time
		st, err = g.misp(ctx, w, st, held)
	default:
		var a *answer
		if a, err = w.get(ctx, f.URL, st.Tag, st.Modified); err == nil && a.unchanged {
			return st, held, nil
		}
		if err == nil {
			st.Tag, st.Modified = a.tag, a.modified
			err = g.load(a, g.until())
			_ = a.Close()
		}
	}
	if err == nil && ctx.Err() != nil {
		err = errors.New("it did not answer in time")
	}
	if err != nil {
		return st, held, inWords(ctx, err)
	}
	return s.settle(g, st, held, whole)
}

// settle makes the set of what was gathered, or says why it is not believed.
func (s *Subscriptions) settle(g *gathering, st State, held *intel.Set, whole bool) (State, *intel.Set, error) {
	first := append(g.guarded, g.first...)
	first = first[:min(len(first), mostReasons)]
	switch {
	case g.taken == 0 && g.refused > 0 && (whole || held.Len() == 0):
		return st, held, fmt.Errorf("nothing of it can be taken; %s", first[0])
	case whole && g.b.Len() == 0 && held.Len() > 0:
		return st, held, errors.New("it lists nothing any more, which is not believed: what it listed ends by its own time")
	}
	set := g.b.Set()
	size := len(set.Encode(nil))
	if size > s.c.Room {
		return st, held, incident.GiveUp(fmt.Errorf("its indicators are %d bytes, and hosts take %d", size, s.c.Room))
	}
	if whole {
		st.Whole, st.Refused, st.First = g.now, g.refused, first
	} else if g.refused > 0 {
		st.Refused, st.First = g.refused, first
	}
	st.Size, st.Bytes, st.TLP = set.Len(), size, intel.Unmarked
	for in := range set.All() {
		st.TLP = max(st.TLP, in.TLP)
	}
	return st, set, nil
}

// inWords is an error of a reading in one sentence.
func inWords(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, intel.ErrFull):
		return incident.GiveUp(fmt.Errorf("it lists more than %d indicators", MostIndicators))
	case errors.Is(err, errTooLarge):
		return errTooLarge
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("it ends too early: %w", err)
	case ctx.Err() != nil:
		return errors.New("it did not answer in time")
	}
	return err
}

func (s *Subscriptions) readFile(g *gathering) error {
	if s.c.Folder == nil {
		return incident.GiveUp(errors.New("the plan has no folder here"))
	}
	folder, err := s.c.Folder()
	if err != nil {
		return errors.New("the plan's folder cannot be opened")
	}
	file, err := folder.Open(g.feed.File)
	if err != nil {
		return fmt.Errorf("the file %s of the plan's folder cannot be opened", g.feed.File)
	}
	defer func() { _ = file.Close() }()
	return g.load(&measured{file, &way{left: mostBytes}}, g.until())
}

// load reads one document of a feed.
func (g *gathering) load(r io.Reader, until time.Time) error {
	read := map[string]intel.Reader{"stix": intel.STIX, "misp": intel.MISP, "csv": intel.CSV, "list": intel.List}[g.feed.Kind]
	if read == nil {
		return incident.GiveUp(fmt.Errorf("nobody here reads %s", g.feed.Kind))
	}
	report, err := read(r, g.from(until), func(in intel.Indicator) error { return g.take(in, until) })
	g.count(report, "")
	return err
}

// until is when what is read now ends at the latest. It moves in steps of a quarter of the plan's time:
// a feed that lists the same as an hour ago must make the same set, or every host is sent it again.
func (g *gathering) until() time.Time { return g.now.Truncate(g.feed.Life / 4).Add(g.feed.Life) }

func (g *gathering) from(until time.Time) intel.From {
	var label intel.TLP
	_ = label.UnmarshalText([]byte(g.feed.TLP)) // the plan knows the labels; none is unmarked
	return intel.From{Source: g.feed.Name, Confidence: uint8(g.feed.Confidence), TLP: label, Life: until.Sub(g.now), Below: g.feed.Below, Now: g.now}
}

// take is for one indicator. Whatever the feed calls itself, it is known by its name in the plan:
// it could otherwise speak as people, or as another.
func (g *gathering) take(in intel.Indicator, until time.Time) error {
	in, err := g.fit(in, until)
	if err != nil {
		return err
	}
	return g.b.Add(in)
}

func (g *gathering) fit(in intel.Indicator, until time.Time) (intel.Indicator, error) {
	in.Source = g.feed.Name
	if in.Expires.IsZero() || in.Expires.After(until) {
		in.Expires = until
	}
	if err := g.guard.Judge(in); err != nil {
		return in, fmt.Errorf(guarded+"%w", err)
	}
	return in, nil
}

// count adds up what was not taken.
func (g *gathering) count(r intel.Report, what string) {
	g.taken += r.Taken
	g.refused += len(r.Skipped) + r.More
	for _, s := range r.Skipped {
		if len(g.guarded) >= mostReasons {
			return
		}
		to := &g.first
		if strings.HasPrefix(s.Why, guarded) {
			to = &g.guarded
		}
		if len(*to) < mostReasons {
			*to = append(*to, strings.TrimSpace(what+s.Where+" ("+cut(s.Value, 60)+")")+": "+s.Why)
		}
	}
}

// carry takes over what is held and still counts, except what drop names by its reference.
func (g *gathering) carry(held *intel.Set, drop func(ref string) bool) error {
	for in := range held.All() {
		if !in.Expires.After(g.now) || drop(strings.ToLower(in.Ref)) {
			continue
		}
		if err := g.b.Add(in); err != nil {
			return err
		}
	}
	return nil
}
