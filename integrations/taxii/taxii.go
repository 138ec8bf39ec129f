// Package taxii fetches what others share over TAXII 2.1 (OASIS, TAXII Version 2.1): it asks a
// server what it has, and goes through a collection page by page from where it stopped the
// last time.
//
// It does not look into the objects: they are handed on as they came. Nothing leaves
// for another host than the configured one, whatever a redirect or the server's own list
// of addresses says; answers are bounded; credentials do not travel in the clear.
package taxii

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// MediaType is what TAXII 2.1 speaks (TAXII 2.1, 1.6.8.2).
const MediaType = "application/taxii+json;version=2.1"

// Clock is the time of the room; a server may say until when to wait as a date.
type Clock interface{ Now() time.Time }

// Config is what a Client is made of. BaseURL and Clock are required. With User the
// server is asked with a password, with Token as a bearer, with neither as anybody.
type Config struct {
	BaseURL  string // of the discovery resource, as https://taxii.example/taxii2/
	User     string
	Password Secret
	Token    Secret
	HTTP     *http.Client
	Clock    Clock
}

// Client asks one server. It is safe for concurrent use.
type Client struct {
	conf Config
	base *url.URL
	http *http.Client
}

// New makes a Client. It fails on an address that is none, and on credentials that
// would travel over plain HTTP to another machine.
func New(c Config) (*Client, error) {
	if c.Clock == nil {
		return nil, errors.New("taxii: a clock is required")
	}
	base, err := url.Parse(c.BaseURL)
	switch {
	case err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http":
		return nil, errors.New("taxii: the address must look like https://host/taxii2/")
	case base.User != nil || base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("taxii: the address must be plain, without user, query or fragment")
	case c.User != "" && c.Token != "":
		return nil, errors.New("taxii: give a user or a token, not both")
	case strings.Contains(c.User, ":"):
		return nil, errors.New("taxii: a user name cannot hold a colon (RFC 7617)")
	case base.Scheme == "http" && (c.User != "" || c.Token != "") && !loopback(base.Hostname()):
		return nil, errors.New("taxii: credentials are not sent over plain HTTP to another machine; use https")
	}
	if !strings.HasSuffix(base.Path, "/") { // every resource of TAXII ends in one
		base.Path += "/"
	}
	client := http.Client{Timeout: 60 * time.Second}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if len(via) > 5 || !sameHost(r.URL, base) {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &Client{conf: c, base: base, http: &client}, nil
}

func loopback(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.IsLoopback()
	}
	return host == "localhost"
}

// sameHost is the wall around the server: a feed must not make us ask our own network,
// or show our credentials to somebody else.
func sameHost(u, base *url.URL) bool {
	return u.Scheme == base.Scheme && strings.EqualFold(u.Hostname(), base.Hostname()) && port(u) == port(base) && u.User == nil
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "http" {
		return "80"
	}
	return "443"
}

// within makes an address of the server out of what the server itself or an operator gave.
func (c *Client) within(ref string) (*url.URL, error) {
	u, err := c.base.Parse(ref)
	if err != nil {
		return nil, errors.New("an address that is none")
	}
	if !sameHost(u, c.base) {
		return nil, fmt.Errorf("an address on another host (%s)", net.JoinHostPort(u.Hostname(), port(u)))
	}
	if !strings.HasSuffix(u.Path, "/") {
		u.Path += "/"
	}
	u.RawQuery, u.Fragment, u.RawPath = "", "", ""
	return u, nil
}
