package feeds

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/taxii"
	"github.com/tocsin-ir/tocsin/internal/plan"
)

var errSeen = errors.New("that is enough")

// Look says whether a feed could be read: it asks once, reads the beginning and keeps nothing. Of the
// Config it needs Folder, Token and Now.
func Look(ctx context.Context, c Config, f plan.Feed) error {
	s := &Subscriptions{c: c}
	if f.File != "" {
		if c.Folder == nil {
			return errors.New("the plan has no folder here")
		}
		folder, err := c.Folder()
		if err != nil {
			return errors.New("the plan's folder cannot be opened")
		}
		file, err := folder.Open(f.File)
		if err != nil {
			return errors.New("the file " + f.File + " of the plan's folder cannot be opened")
		}
		return file.Close()
	}
	w, err := s.way(f)
	if err != nil {
		return err
	}
	defer w.close()
	if f.Kind == "taxii" {
		return w.lookTAXII(ctx)
	}
	address := f.URL
	if u, err := url.Parse(address); err == nil && isMISPFeed(f) && strings.HasSuffix(u.Path, "/") {
		address = u.JoinPath(manifest).String()
	}
	a, err := w.get(ctx, address, "", "")
	if err != nil {
		return err
	}
	return a.Close()
}

func (w *way) lookTAXII(ctx context.Context) error {
	client, err := w.taxii()
	if err != nil {
		return err
	}
	want := taxii.Want{Root: w.feed.URL, Collection: w.feed.Collection, Types: []string{"indicator"}, Limit: 1}
	_, err = client.Objects(ctx, want, func(taxii.Page) error { return errSeen })
	switch {
	case errors.Is(err, errSeen):
		return nil
	case w.wall.hit != nil:
		return w.wall.hit
	}
	return incident.GiveUp(err)
}
