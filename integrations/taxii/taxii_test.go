package taxii

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

type stopped struct{}

func (stopped) Now() time.Time { return time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC) }

func client(t *testing.T, s *server) *Client {
	t.Helper()
	c, err := New(Config{BaseURL: s.URL + "/taxii2/", User: user, Password: password, Clock: stopped{}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// gather fetches a collection and returns the ids in order.
func gather(t *testing.T, c *Client, w Want) (ids []string, mark Mark, err error) {
	t.Helper()
	mark, err = c.Objects(t.Context(), w, func(p Page) error {
		for _, raw := range p.Objects {
			var o struct{ ID string }
			if err := json.Unmarshal(raw, &o); err != nil {
				return err
			}
			ids = append(ids, o.ID)
		}
		return nil
	})
	return ids, mark, err
}

func TestAnAnalystSubscribesToACollection(t *testing.T) {
	s := newServer(t, 25)
	c := client(t, s)
	d, err := c.Discover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Roots) != 2 || d.Default != s.URL+"/api1/" || d.Roots[1] != s.URL+"/api2/" || len(d.Elsewhere) != 1 {
		t.Errorf("%+v", d)
	}
	if r, err := c.Root(t.Context(), d.Default); err != nil || r.Title != "First" {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := c.Root(t.Context(), d.Roots[1]); !incident.IsGivenUp(err) {
		t.Errorf("a root of TAXII 2.0 was taken: %v", err)
	}
	list, err := c.Collections(t.Context(), d.Default)
	if err != nil || len(list) != 2 || list[0].ID != shared || !list[0].CanRead {
		t.Fatalf("%+v, %v", list, err)
	}

	want := Want{Root: d.Default, Collection: shared}
	ids, mark, err := gather(t, c, want)
	if err != nil || len(ids) != 25 || ids[0] != "indicator--0" || ids[24] != "indicator--24" {
		t.Fatalf("%v, %v", ids, err)
	}
	if mark != "2026-11-01T00:00:00.123480Z" {
		t.Errorf("the mark is %q", mark)
	}

	// Nothing new; then two more; and only what is new is fetched.
	want.After = mark
	if ids, again, err := gather(t, c, want); err != nil || len(ids) != 0 || again != mark {
		t.Errorf("%v, %s, %v", ids, again, err)
	}
	s.add("indicator", began.Add(time.Second))
	s.add("malware", began.Add(2*time.Second))
	want.Types = []string{"indicator"}
	if ids, _, err := gather(t, c, want); err != nil || len(ids) != 1 || ids[0] != "indicator--25" {
		t.Errorf("%v, %v", ids, err)
	}
}

func TestPagesKeepTheirFilters(t *testing.T) {
	s := newServer(t, 60)
	ids, _, err := gather(t, client(t, s), Want{Root: "/api1/", Collection: shared, Types: []string{"indicator", "tool"}, Limit: 7, After: "2026-11-01T00:00:00.123458Z"})
	if err != nil || len(ids) != 38 { // 40 are indicators, the first three objects are older
		t.Errorf("%d, %v\n%s", len(ids), err, strings.Join(s.asked, "\n"))
	}
}

// A server without cursors is paged by the time of its last object.
func TestWithoutACursorTheMarkLeadsOn(t *testing.T) {
	s := newServer(t, 25)
	s.odd = func(w http.ResponseWriter, r *http.Request) bool {
		rec := httptest.NewRecorder()
		s.page(rec, r)
		for k, v := range rec.Header() {
			w.Header()[k] = v
		}
		var e map[string]any
		_ = json.Unmarshal(rec.Body.Bytes(), &e)
		delete(e, "next")
		_ = json.NewEncoder(w).Encode(e)
		return true
	}
	if ids, _, err := gather(t, client(t, s), Want{Root: "/api1/", Collection: shared}); err != nil || len(ids) != 25 {
		t.Errorf("%d, %v", len(ids), err)
	}
}

func TestWhoIsNotLetInIsToldWhy(t *testing.T) {
	s := newServer(t, 1)
	conf := Config{BaseURL: s.URL + "/taxii2", User: user, Password: "wrong", Clock: stopped{}}
	c, err := New(conf)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Discover(t.Context())
	if !incident.IsGivenUp(err) || !strings.Contains(err.Error(), "not accepted") {
		t.Errorf("%v", err)
	}
	conf.User, conf.Password, conf.Token = "", "", "let-me-in"
	if c, err = New(conf); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Discover(t.Context()); err != nil {
		t.Errorf("the token was not taken: %v", err)
	}
	for id, says := range map[string]string{closed: "may not read", "missing": "does not exist", "../../taxii2": "no id", "": "no id", "a?b": "no id"} {
		if _, _, err := gather(t, c, Want{Root: "/api1/", Collection: id}); !incident.IsGivenUp(err) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// The server of the tests refuses what a real one refuses: that is checked with a plain
// client.
func TestTheServerIsHonest(t *testing.T) {
	s := newServer(t, 1)
	for accept, want := range map[string]int{MediaType: 200, "application/json": 406, "": 406, "application/taxii+json;version=2.0": 406} {
		r, _ := http.NewRequest(http.MethodGet, s.URL+"/taxii2/", nil)
		r.SetBasicAuth(user, password)
		r.Header.Set("Accept", accept)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("Accept %q: %d", accept, resp.StatusCode)
		}
	}
}

func TestABusyServerIsLeftInPeace(t *testing.T) {
	for _, c := range []struct {
		status int
		wait   string
		want   time.Duration
	}{
		{429, "120", 2 * time.Minute},
		{503, "Wed, 25 Nov 2026 12:05:00 GMT", 5 * time.Minute},
		{503, "Wed, 25 Nov 2026 11:00:00 GMT", time.Second},
		{429, "", noNumber},
		{429, "soon", noNumber},
		{429, "99999999999999", maxWait},
		{503, "999999999", maxWait},
	} {
		s := newServer(t, 1)
		s.busy, s.status, s.wait = 1, c.status, c.wait
		_, err := client(t, s).Discover(t.Context())
		if after, ok := incident.LaterBy(err); !ok || after != c.want {
			t.Errorf("%d, Retry-After %q: %v, want %v (%v)", c.status, c.wait, after, c.want, err)
		}
	}
}

// Half-way through, the server has enough: what was fetched counts, and the next fetch
// goes on from there.
func TestAFetchGoesOnWhereItStopped(t *testing.T) {
	s := newServer(t, 25)
	c := client(t, s)
	pages := 0
	var ids []string
	take := func(p Page) error {
		if pages++; pages == 2 {
			s.mu.Lock()
			s.busy, s.status = 1, 503
			s.mu.Unlock()
		}
		for range p.Objects {
			ids = append(ids, "x")
		}
		return nil
	}
	mark, err := c.Objects(t.Context(), Want{Root: "/api1/", Collection: shared}, take)
	if _, later := incident.LaterBy(err); !later || len(ids) != 20 {
		t.Fatalf("%d, %v", len(ids), err)
	}
	if _, err := c.Objects(t.Context(), Want{Root: "/api1/", Collection: shared, After: mark}, take); err != nil || len(ids) != 25 {
		t.Errorf("%d, %v", len(ids), err)
	}
	stop := errors.New("enough")
	if _, err := c.Objects(t.Context(), Want{Root: "/api1/", Collection: shared}, func(Page) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}

// Somebody who took over the server, or the name, sends us elsewhere: nothing is asked
// there, and no password shown.
func TestNothingIsSentToAnotherHost(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another host was asked for %s, with %q", r.URL, r.Header.Get("Authorization"))
	}))
	defer other.Close()
	s := newServer(t, 1)
	s.odd = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, other.URL+"/taxii2/", http.StatusTemporaryRedirect)
		return true
	}
	c := client(t, s)
	_, err := c.Discover(t.Context())
	if !incident.IsGivenUp(err) || !strings.Contains(err.Error(), "another host") {
		t.Errorf("%v", err)
	}
	for _, root := range []string{other.URL + "/api1/", "http://169.254.169.254/latest/", "//evil.example/", "file:///etc/passwd", "http://u:p@" + strings.TrimPrefix(s.URL, "http://") + "/", ":"} {
		if _, err := c.Collections(t.Context(), root); !incident.IsGivenUp(err) {
			t.Errorf("%s: %v", root, err)
		}
	}
	s.odd = func(w http.ResponseWriter, r *http.Request) bool { // within the host it is followed
		if r.URL.Path == "/taxii2/" {
			http.Redirect(w, r, "/api1/", http.StatusFound)
			return true
		}
		return false
	}
	if d, err := c.Discover(t.Context()); err != nil || d.Title != "First" {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestStrangeAnswersAreNotBelieved(t *testing.T) {
	page := func(head, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", MediaType)
			if head != "" {
				w.Header().Set("X-TAXII-Date-Added-Last", head)
			}
			_, _ = io.WriteString(w, body)
			return true
		}
	}
	for name, c := range map[string]struct {
		odd   func(http.ResponseWriter, *http.Request) bool
		final bool
		says  string
	}{
		"a web page": {func(w http.ResponseWriter, _ *http.Request) bool { _, _ = io.WriteString(w, "<html>"); return true }, true, "not TAXII"},
		"another version": {func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "application/taxii+json;version=2.0")
			_, _ = io.WriteString(w, "{}")
			return true
		}, true, "not TAXII"},
		"half an answer":            {page("", `{"objects":[`), false, "could not be read"},
		"a circle":                  {page("2026-01-01T00:00:00Z", `{"more":true,"next":"x","objects":[{}]}`), true, "the same again"},
		"a circle without a cursor": {page("2026-01-01T00:00:00Z", `{"more":true,"objects":[{}]}`), true, "the same again"},
		"a mark that is none":       {page("yesterday", `{}`), true, "no time"},
		"a huge cursor":             {page("", `{"more":true,"next":"`+strings.Repeat("x", maxNext+1)+`"}`), true, "cursor"},
		"a crash":                   {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(500); return true }, false, "500"},
		"a request it finds wrong":  {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(400); return true }, true, "400"},
	} {
		s := newServer(t, 1)
		s.odd = c.odd
		_, _, err := gather(t, client(t, s), Want{Root: "/api1/", Collection: shared})
		if err == nil || incident.IsGivenUp(err) != c.final || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), password) {
			t.Errorf("%s: the password is in the error", name)
		}
	}
}

// endless answers without end.
type endless struct{}

func (endless) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {MediaType}}, Body: io.NopCloser(spaces{})}, nil
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestAnAnswerWithoutEndIsGivenUp(t *testing.T) {
	c, err := New(Config{BaseURL: "https://taxii.example", Clock: stopped{}, HTTP: &http.Client{Transport: endless{}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Discover(t.Context()); !incident.IsGivenUp(err) || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("%v", err)
	}
}

func TestCancellingEndsIt(t *testing.T) {
	s := newServer(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client(t, s).Discover(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestWhatCannotBeConfigured(t *testing.T) {
	for _, c := range []Config{
		{BaseURL: "https://taxii.example/"},
		{BaseURL: "taxii.example", Clock: stopped{}},
		{BaseURL: "ftp://taxii.example/", Clock: stopped{}},
		{BaseURL: "https://u:p@taxii.example/", Clock: stopped{}},
		{BaseURL: "https://taxii.example/?a=b", Clock: stopped{}},
		{BaseURL: "http://taxii.example/", Clock: stopped{}, Token: "x"},
		{BaseURL: "https://taxii.example/", Clock: stopped{}, Token: "x", User: "y"},
		{BaseURL: "https://taxii.example/", Clock: stopped{}, User: "a:b"},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v was taken", c)
		} else if strings.Contains(err.Error(), "u:p") {
			t.Errorf("a password is in the error: %v", err)
		}
	}
	if s := fmt.Sprintf("%v %+v %#v %s %x", Config{Password: "hunter2"}, Config{Token: "hunter2"}, Secret("hunter2"), Secret("hunter2"), Secret("hunter2")); strings.Contains(s, "hunter2") {
		t.Error(s)
	}
}

// said answers everything with the same.
type said struct {
	body []byte
	mark string
}

func (s said) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {MediaType}, "X-Taxii-Date-Added-Last": {s.mark}}, Body: io.NopCloser(bytes.NewReader(s.body))}, nil
}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"more":true,"next":"1","objects":[{"type":"indicator"}]}`), "2026-01-01T00:00:00Z")
	f.Add([]byte(`{"api_roots":["/a/","//b/",":"],"default":"http://x","collections":[{"id":"1"}],"versions":["taxii-2.1"]}`), "")
	f.Fuzz(func(t *testing.T, body []byte, mark string) {
		c, err := New(Config{BaseURL: "https://taxii.example/taxii2/", Clock: stopped{}, HTTP: &http.Client{Transport: said{body, mark}}})
		if err != nil {
			t.Fatal(err)
		}
		d, _ := c.Discover(t.Context())
		for _, root := range d.Roots {
			if !strings.HasPrefix(strings.ToLower(root), "https://taxii.example") {
				t.Fatalf("%q leads elsewhere", root)
			}
		}
		_, _ = c.Root(t.Context(), "/a/")
		_, _ = c.Collections(t.Context(), "/a/")
		pages := 0
		if _, err := c.Objects(t.Context(), Want{Root: "/a/", Collection: "1"}, func(Page) error { pages++; return nil }); err == nil && pages != 1 {
			t.Fatalf("%d pages of a server that says one thing", pages)
		}
	})
}
