package feeds

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/taxii"
	"github.com/tocsin-ir/tocsin/sensor/detect/intel"
)

type nowOf func() time.Time

// Now is the time of the room.
func (n nowOf) Now() time.Time { return n() }

func (w *way) taxii() (*taxii.Client, error) {
	c := taxii.Config{BaseURL: w.feed.URL, HTTP: w.http, Clock: nowOf(w.now)}
	if w.feed.User != "" {
		c.User, c.Password = w.feed.User, taxii.Secret(w.secret)
	} else {
		c.Token = taxii.Secret(w.secret)
	}
	client, err := taxii.New(c)
	return client, incident.GiveUp(err)
}

// taxii reads what was added to a collection since the mark, or all of it. An object that comes again is
// the newer version of itself and replaces it, also when its author revoked it.
func (g *gathering) taxii(ctx context.Context, w *way, st State, held *intel.Set) (State, error) {
	client, err := w.taxii()
	if err != nil {
		return st, err
	}
	whole := st.Mark == ""
	came := map[string][]intel.Indicator{}
	pages, objects, size := 0, 0, 0
	want := taxii.Want{Root: g.feed.URL, Collection: g.feed.Collection, After: taxii.Mark(st.Mark), Types: []string{"indicator"}}
	mark, err := client.Objects(ctx, want, func(p taxii.Page) error {
		pages++
		if objects += len(p.Objects); pages > mostPages || objects > mostObjects {
			return incident.GiveUp(fmt.Errorf("it has more than %d pages or %d objects", mostPages, mostObjects))
		}
		for _, raw := range p.Objects {
			size += len(raw)
		}
		if size > mostBytes {
			return errTooLarge
		}
		return g.page(p.Objects, came)
	})
	if err != nil {
		if w.wall.hit != nil {
			err = w.wall.hit
		}
		return st, err
	}
	if !whole {
		err = g.carry(held, func(ref string) bool { _, again := came[ref]; return again })
	}
	for _, all := range came {
		for _, in := range all {
			if err == nil {
				err = g.b.Add(in)
			}
		}
	}
	st.Mark = string(mark)
	return st, err
}

// page takes the objects of a page, each by its id.
func (g *gathering) page(objects []json.RawMessage, came map[string][]intel.Indicator) error {
	for i, raw := range objects {
		var o struct {
			Type string `json:"type"`
			ID   string `json:"id"`
		}
		if json.Unmarshal(raw, &o) != nil || o.Type == "indicator" && o.ID == "" {
			g.count(intel.Report{Skipped: []intel.Skip{{Where: fmt.Sprintf("object %d of a page", i+1), Why: "it has no id"}}}, "")
			continue
		}
		if o.Type != "indicator" {
			continue // the server gave what was not asked for
		}
		var found []intel.Indicator
		r, err := intel.STIXObjects(objects[i:i+1], g.from(g.until()), func(in intel.Indicator) error {
			in, err := g.fit(in, g.until())
			if err != nil {
				return err
			}
			found = append(found, in)
			return nil
		})
		if err != nil {
			return err
		}
		g.count(r, "")
		if came[strings.ToLower(o.ID)] = found; len(came) > 4*MostIndicators {
			return errors.New("it has too many indicators")
		}
	}
	return nil
}
