package cloudflare

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
)

// Permissions of an API token (https://developers.cloudflare.com/fundamentals/api/reference/permissions/).
const (
	readZone      = "Zone Read"
	writeWAF      = "Zone WAF Write"
	writeSettings = "Zone Settings Write"
	writeGateway  = "Zero Trust Write"
	writeTokens   = "API Tokens Write" //nolint:gosec // the name of a permission
)

// permissions are all that the actions ask for.
func permissions() []string {
	out := []string{readZone, writeWAF, writeSettings, writeGateway, writeTokens}
	slices.Sort(out)
	return out
}

// Check reads a little of everything the actions read and returns the permissions that are
// missing, one line each. Whether a permission to read is one to write too cannot be read.
func (c *cloudflare) Check(ctx context.Context) ([]string, error) {
	var missing []string
	look := func(at, right string, query url.Values) error {
		_, err := c.rest.Do(ctx, rest.Call{Step: "look at " + right, Method: http.MethodGet, Path: at, Query: query, Right: right})
		var lacks *actions.MissingRight
		switch {
		case errors.As(err, &lacks):
			missing = append(missing, lacks.Error())
			return nil
		case rest.IsStatus(err, http.StatusNotFound):
			return nil
		}
		return err
	}
	if err := look("/zones", readZone, url.Values{"per_page": {"5"}}); err != nil {
		return missing, err
	}
	if zones, err := c.zones(ctx, ""); err == nil && len(zones) > 0 {
		if err := errors.Join(look(entrypoint(zones[0].ID), writeWAF, nil), look(level(zones[0].ID), writeSettings, nil)); err != nil {
			return missing, err
		}
	}
	if c.conf.Account != "" {
		if err := look(path("accounts", c.conf.Account, "gateway", "rules"), writeGateway, nil); err != nil {
			return missing, err
		}
	}
	return missing, look(c.tokensAt(), writeTokens, url.Values{"per_page": {"5"}})
}
