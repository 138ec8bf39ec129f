package cloudflare

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
	"github.com/tocsin-ir/tocsin/incident"
)

// zone is one domain that Cloudflare stands in front of
// (https://developers.cloudflare.com/api/resources/zones/).
type zone struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"` // "active" once its name servers are Cloudflare's
	Paused bool   `json:"paused"` // then traffic passes Cloudflare by
}

// idle says why what is stored for a zone is not enforced, "" where it is.
func (z zone) idle() string {
	switch {
	case z.Paused:
		return "Cloudflare is paused for " + z.Name + ": traffic passes it by."
	case z.Status != "active":
		return z.Name + " is not active at Cloudflare: its name servers are others."
	}
	return ""
}

// zones lists those of a name, or all that the token may see.
func (c *cloudflare) zones(ctx context.Context, name string) ([]zone, error) {
	call := rest.Call{Step: "list the zones", Method: http.MethodGet, Path: "/zones", Right: readZone}
	if name != "" {
		call.Query = url.Values{"name": {name}}
	}
	return all[zone](ctx, c, call)
}

// zone finds the one zone of a name or an id.
func (c *cloudflare) zone(ctx context.Context, typed string) (zone, error) {
	name := strings.ToLower(strings.TrimSuffix(strings.TrimSpace(typed), "."))
	no := &actions.NoTarget{Kind: actions.KindService, Name: cut(typed)}
	if name == "" || len(name) > 253 || strings.ContainsAny(name, "/?#\\ \t\r\n") {
		return zone{}, no
	}
	if idShape.MatchString(name) {
		return c.zoneByID(ctx, name)
	}
	fits, err := c.zones(ctx, name)
	if err != nil {
		return zone{}, err
	}
	if len(fits) == 0 {
		everything, err := c.zones(ctx, "")
		if err != nil {
			return zone{}, err
		}
		for _, z := range everything {
			if strings.HasSuffix(name, "."+z.Name) || strings.Contains(z.Name, name) {
				no.Hint = "Did you mean " + z.Name + "?"
			}
		}
		return zone{}, no
	}
	if len(fits) > 1 { // one name in two accounts
		many := &actions.Ambiguous{Kind: actions.KindService, Name: name}
		for _, z := range fits {
			many.Fits = append(many.Fits, z.ID)
		}
		return zone{}, many
	}
	if c.kept(fits[0].ID, fits[0].Name) {
		return zone{}, incident.GiveUp(fmt.Errorf("the zone %s is never touched: the configuration keeps it", fits[0].Name))
	}
	return fits[0], nil
}

func (c *cloudflare) zoneByID(ctx context.Context, id string) (zone, error) {
	var z zone
	err := c.call(ctx, rest.Call{Step: "read the zone", Method: http.MethodGet, Path: path("zones", id), Right: readZone}, &z)
	if rest.IsStatus(err, http.StatusNotFound) {
		return z, &actions.NoTarget{Kind: actions.KindService, Name: id}
	}
	if err == nil && c.kept(z.ID, z.Name) {
		err = incident.GiveUp(fmt.Errorf("the zone %s is never touched: the configuration keeps it", z.Name))
	}
	return z, err
}
