// Package cloudflare contains by way of Cloudflare: it blocks addresses and autonomous
// systems in front of zones, keeps a domain from being resolved by the company's own
// devices, turns on Under Attack mode, and rolls API tokens.
//
// It speaks the API over HTTP. Cloudflare stores what it is told and enforces it at its
// edge, which cannot be seen from here: blocks stay unproven, and the proof says what
// could still let the attacker pass.
package cloudflare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
)

// Cloudflare allows 1,200 requests in five minutes for one user, over all their tokens
// (https://developers.cloudflare.com/fundamentals/api/reference/limits/); Tocsin takes half.
var rate = actions.Rate{PerMinute: 120, Burst: 30}

// Config is what the actions need. Token is required.
type Config struct {
	Base    string         // "" is https://api.cloudflare.com/client/v4
	Token   actions.Secret // an API token with the permissions of docs/adapters/cloudflare.md
	Account string         // the account's id: for domains, and for tokens that an account owns
	// Zones are where addresses are blocked when nobody names a zone. Empty: somebody has to.
	Zones []string
	// Never are ranges that are never blocked: offices, monitors, Cloudflare's own.
	Never []netip.Prefix
	// BreakGlass are tokens, by id, and zones and domains that are never touched.
	BreakGlass []string
	Pace       actions.Pace
	HTTP       *http.Client
}

var idShape = regexp.MustCompile(`^[0-9a-f]{32}$`)

// Problems says what is missing or wrong, one sentence each.
func (c Config) Problems() []string {
	var out []string
	u, err := url.Parse(c.Base)
	if c.Base != "" && (err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http") {
		out = append(out, "Cloudflare's address must be a plain one such as https://api.cloudflare.com/client/v4.")
	}
	if c.Token == "" || strings.ContainsAny(string(c.Token), " \t\r\n") {
		out = append(out, "Cloudflare needs an API token, without blanks.")
	}
	if c.Account != "" && !idShape.MatchString(c.Account) {
		out = append(out, "Cloudflare's account is named by its id of 32 characters.")
	}
	return out
}

// made are the actions, in the order of their files.
var made []func(*cloudflare) actions.Action

// Actions are what can be done in Cloudflare. An error says what Problems says.
func Actions(c Config) ([]actions.Action, error) {
	if p := c.Problems(); len(p) > 0 {
		return nil, errors.New(strings.Join(p, " "))
	}
	if c.Base == "" {
		c.Base = "https://api.cloudflare.com/client/v4"
	}
	cf := &cloudflare{conf: c, rest: &rest.Client{Vendor: "Cloudflare", Base: strings.TrimRight(c.Base, "/"), HTTP: c.HTTP, Code: code,
		Pace: func(ctx context.Context, _ string) error { return c.Pace.Take(ctx, "cloudflare", rate) },
		Sign: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+string(c.Token)) }}}
	out := make([]actions.Action, 0, len(made))
	for _, make := range made {
		out = append(out, make(cf))
	}
	return out, nil
}

// cloudflare is the way to what the token may see.
type cloudflare struct {
	conf Config
	rest *rest.Client
}

// code is the number of the first error.
func code(_ int, body []byte) string {
	var e struct {
		Errors []struct {
			Code int `json:"code"`
		} `json:"errors"`
	}
	if json.Unmarshal(body, &e) != nil || len(e.Errors) == 0 {
		return ""
	}
	return strconv.Itoa(e.Errors[0].Code)
}

// call asks for one thing and reads the result of the answer into out, which may be nil.
func (c *cloudflare) call(ctx context.Context, call rest.Call, out any) error {
	var got struct {
		Result json.RawMessage `json:"result"`
	}
	if out != nil {
		call.Out = &got
	}
	if _, err := c.rest.Do(ctx, call); err != nil || out == nil {
		return err
	}
	if json.Unmarshal(got.Result, out) != nil {
		return fmt.Errorf("%s: Cloudflare's answer is not the JSON it should be", call.Step)
	}
	return nil
}

// Pages: https://developers.cloudflare.com/api/, "Pagination".
const (
	perPage  = 50
	maxPages = 40
)

// all reads every page of a list; a list that was not read to its end is an error, since
// what is not found in half of it is not absent.
func all[T any](ctx context.Context, c *cloudflare, call rest.Call) ([]T, error) {
	var out []T
	if call.Query == nil {
		call.Query = url.Values{}
	}
	call.Query.Set("per_page", strconv.Itoa(perPage))
	for page := 1; page <= maxPages; page++ {
		var got struct {
			Result []T `json:"result"`
			Info   struct {
				Pages int `json:"total_pages"`
			} `json:"result_info"`
		}
		call.Query.Set("page", strconv.Itoa(page))
		call.Out = &got
		if _, err := c.rest.Do(ctx, call); err != nil {
			return nil, err
		}
		out = append(out, got.Result...)
		if page >= got.Info.Pages {
			return out, nil
		}
	}
	return nil, fmt.Errorf("%s: there are more than %d pages", call.Step, maxPages)
}

// path escapes the pieces of a path.
func path(parts ...string) string {
	var out strings.Builder
	for _, p := range parts {
		out.WriteString("/" + url.PathEscape(p))
	}
	return out.String()
}

// kept reports whether the configuration says that something is never touched.
func (c *cloudflare) kept(names ...string) bool {
	return slices.ContainsFunc(c.conf.BreakGlass, func(b string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return n != "" && strings.EqualFold(b, n) })
	})
}

func cut(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
