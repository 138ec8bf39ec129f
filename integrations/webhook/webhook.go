// Package webhook makes containment actions of HTTP calls that a team describes in YAML,
// so that a firewall or an in-house service is contained without a line of Go. The file
// names the hosts that may be called, and nothing else ever is: no redirect is followed,
// no proxy asked, and the address behind a name is judged at the moment of connecting.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/declared"
	"github.com/tocsin-ir/tocsin/actions/rest"
)

// Config is what is read. File and Text are required.
type Config struct {
	File string // its name, for problems
	Text []byte
	Env  func(name string) (string, bool) // where secrets are; nil is the environment
	Pace actions.Pace
}

// Actions reads the file. The error joins everything that is wrong with it, each with
// file, line and column.
func Actions(c Config) ([]actions.Action, error) {
	if c.Env == nil {
		c.Env = os.LookupEnv
	}
	if len(c.Text) == 0 {
		return nil, errors.New(c.File + ": the file is empty")
	}
	f := declared.File{Name: c.File, Text: c.Text, Env: c.Env}
	return declared.Load(f, func(top declared.Fields) declared.Kit {
		hosts := hostsOf(top, c.Pace)
		return func(v declared.Value, u declared.Use) declared.Part { return callOf(v, u, hosts) }
	}, "hosts")
}

// host is one that may be called.
type host struct {
	name    string // as in the address: "waf.example.com" or "waf.example.com:8443"
	private bool   // its address may be one of the company's own network
	plain   bool   // http is enough
	rest    *rest.Client
}

const barred = " is at an address that may not be called; private: yes at the host in the file allows those of your own network, and nothing allows a metadata service"

var hostShape = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:.]+\])(:[0-9]{1,5})?$`)

func hostsOf(top declared.Fields, pace actions.Pace) map[string]*host {
	out := map[string]*host{}
	list, ok := top.Must("hosts")
	if !ok {
		return out
	}
	for _, v := range list.Items() {
		f := v.Fields("name", "private", "plain", "per_minute")
		h := &host{}
		if nv, ok := f.Must("name"); ok {
			h.name = nv.Line(260)
			if !hostShape.MatchString(h.name) {
				nv.Wrong("%q is no host: small letters, and a port where it is not the usual one", h.name)
			}
			if out[h.name] != nil {
				nv.Wrong("the host %q is here twice", h.name)
			}
		}
		if pv, ok := f.Get("private"); ok {
			h.private = pv.Yes()
		}
		if pv, ok := f.Get("plain"); ok {
			h.plain = pv.Yes()
		}
		rate := actions.Rate{PerMinute: 60, Burst: 20}
		if rv, ok := f.Get("per_minute"); ok {
			rate.PerMinute = float64(rv.Number(1, 6000))
		}
		h.rest = &rest.Client{Vendor: h.name, Base: "https://" + h.name, HTTP: &http.Client{Transport: rest.Transport(h.private, h.name+barred)},
			Pace: func(ctx context.Context, _ string) error { return pace.Take(ctx, "webhook "+h.name, rate) }}
		if h.plain {
			h.rest.Base = "http://" + h.name
		}
		out[h.name] = h
	}
	return out
}

// statusOf reads which state each HTTP status means; 200 stands for every success.
func statusOf(f declared.Fields) map[int]string {
	out := map[int]string{}
	for key, v := range f.Pairs("statuses") {
		n, err := strconv.Atoi(key)
		taken := n == http.StatusUnauthorized || n == http.StatusForbidden || n == http.StatusTooManyRequests
		if err != nil || taken || n != http.StatusOK && (n < 400 || n > 499) {
			v.Wrong("%.40q cannot be a state: 200 stands for every success, and of 4xx all but 401, 403 and 429 can", key)
			continue
		}
		out[n] = v.Line(40)
	}
	return out
}

var errNoState = errors.New("the answer does not say in which state the target is")

func noState(u declared.Use) error { return fmt.Errorf("%s: %w", u.Step, errNoState) }
