package feeds

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/sensor/detect/intel"
)

const manifest = "manifest.json"

// isMISPFeed says that the address is of a folder with a manifest, and not of one document.
func isMISPFeed(f plan.Feed) bool {
	u, err := url.Parse(f.URL)
	return f.Kind == "misp" && err == nil && (strings.HasSuffix(u.Path, "/") || strings.HasSuffix(u.Path, "/"+manifest))
}

// misp reads the events of a feed that have changed. An event counts from when it was last changed, so
// that an archive of years is not fetched, and those that are gone from the manifest are gone.
func (g *gathering) misp(ctx context.Context, w *way, st State, held *intel.Set) (State, error) {
	base, err := url.Parse(strings.TrimSuffix(g.feed.URL, manifest))
	if err != nil {
		return st, incident.GiveUp(errors.New("its address cannot be asked for"))
	}
	if held == nil {
		st.Events = nil
	}
	a, err := w.get(ctx, base.JoinPath(manifest).String(), st.Tag, st.Modified)
	if err != nil {
		return st, err
	}
	known := st.Events
	if a.unchanged {
		return st, g.carry(held, func(string) bool { return false })
	}
	listed, err := intel.MISPManifest(a)
	_ = a.Close()
	if err != nil {
		return st, err
	}
	st.Tag, st.Modified, st.Events = a.tag, a.modified, map[string]int64{}
	var news []intel.FeedEvent
	same := map[string]bool{}
	for _, e := range listed {
		if !e.At.Add(g.feed.Life).After(g.now) {
			continue
		}
		id := strings.ToLower(e.UUID)
		if st.Events[id] = e.At.Unix(); known[id] == e.At.Unix() {
			same[id] = true
			continue
		}
		news = append(news, e)
	}
	if len(listed) == 0 && held.Len() > 0 {
		return st, errors.New("it lists nothing any more, which is not believed: what it listed ends by its own time")
	}
	if len(news) > mostEvents || len(st.Events) > 5*mostEvents {
		return st, incident.GiveUp(fmt.Errorf("%d of its events count still, and %d are read at once at the most: a shorter \"expires\" leaves out the older ones", len(st.Events), mostEvents))
	}
	if err := g.carry(held, func(ref string) bool { return !same[ref] }); err != nil {
		return st, err
	}
	for _, e := range news {
		if err := g.event(ctx, w, base, e); err != nil {
			return st, err
		}
	}
	return st, nil
}

// event reads one. Its indicators are known by the event, which people can look up, and which a later
// version replaces whole.
func (g *gathering) event(ctx context.Context, w *way, base *url.URL, e intel.FeedEvent) error {
	a, err := w.get(ctx, base.JoinPath(e.UUID+".json").String(), "", "")
	if err != nil {
		return fmt.Errorf("event %s: %w", e.UUID, err)
	}
	defer func() { _ = a.Close() }()
	until := e.At.Add(g.feed.Life)
	if last := g.now.Add(g.feed.Life); until.After(last) { // it says to be of tomorrow
		until = last
	}
	report, err := intel.MISP(a, g.from(until), func(in intel.Indicator) error {
		in.Ref = e.UUID
		return g.take(in, until)
	})
	g.count(report, "event "+e.UUID+", ")
	if err != nil {
		return fmt.Errorf("event %s: %w", e.UUID, err)
	}
	return nil
}
