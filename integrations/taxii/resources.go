package taxii

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/tocsin-ir/tocsin/incident"
)

// The most that is believed of a server.
const (
	maxRoots       = 256
	maxCollections = 10_000
)

// Discovery is what a server says of itself (TAXII 2.1, 4.1).
type Discovery struct {
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Contact     string   `json:"contact"`
	Default     string   `json:"default"`   // the API root to take when none is named
	Roots       []string `json:"api_roots"` // addresses; those on other hosts are in Elsewhere
	// Elsewhere are API roots on other hosts. They are never asked; an operator who
	// trusts one configures it as a server of its own.
	Elsewhere []string `json:"-"`
}

// Root is an API root (TAXII 2.1, 4.2).
type Root struct {
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Versions    []string `json:"versions"`
}

// Collection is a set of objects that is shared (TAXII 2.1, 5.2).
type Collection struct {
	ID          string   `json:"id"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Alias       string   `json:"alias"`
	CanRead     bool     `json:"can_read"`
	MediaTypes  []string `json:"media_types"`
}

// Discover asks the server what it has. As all methods here it returns incident.Later when
// the server asks to wait, incident.GiveUp with a hint when trying again cures nothing.
func (c *Client) Discover(ctx context.Context) (Discovery, error) {
	var d Discovery
	if _, err := c.get(ctx, "ask the TAXII server what it has", c.base, &d); err != nil {
		return Discovery{}, err
	}
	if len(d.Roots) > maxRoots {
		return Discovery{}, incident.GiveUp(fmt.Errorf("ask the TAXII server what it has: it lists more than %d API roots", maxRoots))
	}
	var here []string
	for _, ref := range d.Roots {
		u, err := c.within(ref)
		if err != nil {
			d.Elsewhere = append(d.Elsewhere, ref)
			continue
		}
		here = append(here, u.String())
	}
	d.Roots = here
	if u, err := c.within(d.Default); d.Default != "" && err == nil {
		d.Default = u.String()
	} else {
		d.Default = ""
	}
	return d, nil
}

// Root asks what an API root is. It is GiveUp when the root does not speak TAXII 2.1.
func (c *Client) Root(ctx context.Context, root string) (Root, error) {
	const step = "ask what the API root is"
	u, err := c.within(root)
	if err != nil {
		return Root{}, incident.GiveUp(fmt.Errorf("%s: %w", step, err))
	}
	var r Root
	if _, err := c.get(ctx, step, u, &r); err != nil {
		return Root{}, err
	}
	for _, v := range r.Versions {
		// The first drafts listed the bare version; servers still do.
		if isMediaType(v) || v == "taxii-2.1" {
			return r, nil
		}
	}
	return Root{}, incident.GiveUp(fmt.Errorf("%s: it does not speak TAXII 2.1. Ask its operator for a root that does", step))
}

// Collections lists what an API root shares with this account.
func (c *Client) Collections(ctx context.Context, root string) ([]Collection, error) {
	const step = "list the collections"
	u, err := c.within(root)
	if err != nil {
		return nil, incident.GiveUp(fmt.Errorf("%s: %w", step, err))
	}
	var list struct {
		Collections []Collection `json:"collections"`
	}
	if _, err := c.get(ctx, step, u.JoinPath("collections/"), &list); err != nil {
		return nil, err
	}
	if len(list.Collections) > maxCollections {
		return nil, incident.GiveUp(fmt.Errorf("%s: more than %d", step, maxCollections))
	}
	return list.Collections, nil
}

// collection is the address of a collection. Its id or alias is one step of a path and
// nothing more: "../" in it would leave the collection.
func (c *Client) collection(root, id string) (*url.URL, error) {
	u, err := c.within(root)
	if err != nil {
		return nil, err
	}
	if id == "" || len(id) > 256 || id == "." || id == ".." || strings.ContainsAny(id, "/\\?#%") {
		return nil, fmt.Errorf("%q is no id of a collection", id)
	}
	return u.JoinPath("collections", id, "objects/"), nil
}
