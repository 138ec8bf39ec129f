package taxii

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

const (
	maxPages   = 100_000
	maxNext    = 4 << 10 // bytes of a server's cursor
	usualLimit = 1000    // objects asked for in a page; a server may give fewer
)

// Want says which objects of a collection are wanted.
type Want struct {
	Root       string
	Collection string // id or alias
	// After is the Mark of the fetch before; "" wants everything.
	After Mark
	// Types are the STIX types wanted; none wants all.
	Types []string
	Limit int // objects in a page; 0 is 1,000
}

// Mark is a server's own word for a moment (X-TAXII-Date-Added-Last), kept as it was written:
// servers count in microseconds, and a rounded time would fetch twice or never.
type Mark string

// Page is a piece of a collection.
type Page struct {
	Objects []json.RawMessage // as they came
	More    bool              // another page follows
	Mark    Mark              // where a later fetch goes on, when the server says
}

type envelope struct {
	More    bool              `json:"more"`
	Next    string            `json:"next"`
	Objects []json.RawMessage `json:"objects"`
}

// Objects goes through a collection and gives each page to take; an error of take ends it
// and is returned. The Mark is where the next fetch goes on: after an error it is that
// of the last page that was taken, so that nothing is left out and little is fetched
// again. A server that turns in a circle is given up.
func (c *Client) Objects(ctx context.Context, w Want, take func(Page) error) (Mark, error) {
	const step = "fetch the collection"
	u, err := c.collection(w.Root, w.Collection)
	if err != nil {
		return w.After, incident.GiveUp(fmt.Errorf("%s: %w", step, err))
	}
	if !w.After.good() {
		return w.After, incident.GiveUp(fmt.Errorf("%s: the mark of the fetch before is no time", step))
	}
	reached, after, next := w.After, w.After, ""
	for range maxPages {
		u.RawQuery = w.query(after, next)
		var e envelope
		head, err := c.get(ctx, step, u, &e)
		if err != nil {
			return reached, err
		}
		mark := Mark(head.Get("X-TAXII-Date-Added-Last"))
		if !mark.good() {
			return reached, incident.GiveUp(fmt.Errorf("%s: the server's X-TAXII-Date-Added-Last is no time", step))
		}
		if err := take(Page{e.Objects, e.More, mark}); err != nil {
			return reached, err
		}
		if mark.later(reached) {
			reached = mark
		}
		if !e.More {
			return reached, nil
		}
		switch {
		case len(e.Next) > maxNext:
			return reached, incident.GiveUp(fmt.Errorf("%s: the server's cursor is longer than %d bytes", step, maxNext))
		case e.Next != "" && e.Next == next:
			return reached, incident.GiveUp(fmt.Errorf("%s: %w", step, errCircle))
		case e.Next != "":
			next = e.Next
		// Without a cursor the next page begins after the last object (TAXII 2.1, 3.5.1).
		case !mark.later(after):
			return reached, incident.GiveUp(fmt.Errorf("%s: %w", step, errCircle))
		default:
			after, next = mark, ""
		}
	}
	return reached, incident.GiveUp(fmt.Errorf("%s: more than %d pages", step, maxPages))
}

var errCircle = errors.New("the server says that more follows and gives the same again")

// query keeps the filters on every page: a cursor only holds together with them.
func (w Want) query(after Mark, next string) string {
	q := url.Values{}
	limit := w.Limit
	if limit <= 0 {
		limit = usualLimit
	}
	q.Set("limit", strconv.Itoa(limit))
	if after != "" {
		q.Set("added_after", string(after))
	}
	if next != "" {
		q.Set("next", next)
	}
	for i, t := range w.Types {
		if i == 0 {
			q.Set("match[type]", t)
			continue
		}
		q.Set("match[type]", q.Get("match[type]")+","+t)
	}
	return q.Encode()
}

func (m Mark) good() bool {
	_, err := time.Parse(time.RFC3339Nano, string(m))
	return m == "" || err == nil && len(m) <= 64
}

func (m Mark) later(than Mark) bool {
	if m == "" || than == "" {
		return m != ""
	}
	a, errA := time.Parse(time.RFC3339Nano, string(m))
	b, errB := time.Parse(time.RFC3339Nano, string(than))
	return errA == nil && errB == nil && a.After(b)
}
