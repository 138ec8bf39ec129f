package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/api"
	"github.com/tocsin-ir/tocsin/internal/screen"
)

// shed is a small house with one rule: a token is "good " and a name.
type shed struct {
	mu    sync.Mutex
	said  map[string]string // by person and key: a key said again is the same command
	owing chan struct{}     // closed when nothing is owed any more
	out   map[string]bool   // who may see no more
	fail  error
}

func newShed() *shed {
	return &shed{said: map[string]string{}, owing: make(chan struct{}), out: map[string]bool{}}
}

func looksRight(token string) bool { return strings.HasPrefix(token, "good-") }

func (h *shed) Identify(_ context.Context, token string) (api.Bearer, error) {
	name, ok := strings.CutPrefix(token, "good-")
	if !ok || name == "nobody" {
		return api.Bearer{}, incident.Refuse("bad-token", "I do not know this token.", "")
	}
	return api.Bearer{Person: incident.Person{ID: incident.PersonID(name)}, Token: name}, nil
}

func (h *shed) Say(_ context.Context, who api.Bearer, line, key string) (api.Answer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail != nil {
		return api.Answer{}, h.fail
	}
	h.said[string(who.Person.ID)+"/"+key] = line
	return api.Answer{Text: fmt.Sprintf("%s said %s\x1b[2J\n", who.Person.ID, line), Incident: "INC-0001", Root: "r"}, nil
}

func (h *shed) Follow(ctx context.Context, _ api.Bearer, _ api.Answer, tell func(screen.Line) error) ([]string, error) {
	if err := tell(screen.Line{Seq: 1, Text: "bob was paged"}); err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return []string{"open the room in Slack"}, nil
	case <-h.owing:
		return nil, nil
	}
}

func (h *shed) Watch(ctx context.Context, who api.Bearer, id string, tell func(*screen.View, time.Time) error) error {
	for n := 1; ; n++ {
		h.mu.Lock()
		out := h.out[string(who.Person.ID)]
		h.mu.Unlock()
		if out {
			return incident.Refuse("no-such-incident", "There is no "+id+".", "")
		}
		if err := tell(&screen.View{Incident: id, Title: fmt.Sprint("look ", n)}, time.Now()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// serve opens the house on loopback with a server as strict as the real one.
func serve(t *testing.T, h api.House, log io.Writer) (url string, s *api.Server) {
	t.Helper()
	s = api.New(h, looksRight, slog.New(slog.NewTextHandler(log, nil)))
	mux := http.NewServeMux()
	mux.Handle(s.Path, s)
	server := httptest.NewUnstartedServer(mux)
	server.Config.ReadTimeout, server.Config.WriteTimeout = 300*time.Millisecond, 300*time.Millisecond
	server.Config.RegisterOnShutdown(s.Close)
	server.Start()
	t.Cleanup(func() { s.Close(); server.Close() })
	return server.URL, s
}

func dial(t *testing.T, url, who string) *api.Client {
	t.Helper()
	c, err := api.Dial(url, "good-"+who)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestALineIsAnsweredAndFollowed(t *testing.T) {
	h := newShed()
	url, _ := serve(t, h, io.Discard)
	var text string
	var happened []string
	say := func(patience time.Duration) []string {
		owed, err := dial(t, url, "alice").Say(t.Context(), "/incident declare p1 x", rand.Text(), patience,
			func(a api.Answer) { text = a.Text }, func(l screen.Line) { happened = append(happened, l.Text) })
		if err != nil {
			t.Fatal(err)
		}
		return owed
	}
	if owed := say(0); len(owed) != 0 || len(happened) != 0 || text != "alice said /incident declare p1 x[2J\n" {
		t.Errorf("%q, %q, owed %q", text, happened, owed)
	}
	// Longer than the server's time for a vendor's request.
	if owed := say(700 * time.Millisecond); len(owed) != 1 || len(happened) != 1 {
		t.Errorf("the patience was over: %q, owed %q", happened, owed)
	}
	close(h.owing)
	if owed := say(time.Minute); len(owed) != 0 {
		t.Errorf("nothing is owed any more: %q", owed)
	}
}

// Somebody shut out while they watch is told nothing more, at once.
func TestAWatcherWhoIsShutOutSeesNoMore(t *testing.T) {
	h := newShed()
	url, _ := serve(t, h, io.Discard)
	began, looks := time.Now(), 0
	err := dial(t, url, "carol").Watch(t.Context(), "INC-0001", func(v *screen.View, _ time.Time) {
		if looks++; time.Since(began) > 600*time.Millisecond { // past the server's time for vendors' requests
			h.mu.Lock()
			h.out["carol"] = true
			h.mu.Unlock()
		}
	})
	if err == nil || err.Error() != "There is no INC-0001." || looks < 20 {
		t.Errorf("after %d looks: %v", looks, err)
	}
}

func TestAClosingServerSendsWatchersAway(t *testing.T) {
	url, s := serve(t, newShed(), io.Discard)
	err := dial(t, url, "carol").Watch(t.Context(), "INC-0001", func(*screen.View, time.Time) { s.Close() })
	if !errors.Is(err, api.ErrAway) {
		t.Errorf("watching a server that closes: %v", err)
	}
}

// Whatever went wrong inside is in the log, and nowhere else.
func TestNothingOfTheInsideIsTold(t *testing.T) {
	h := newShed()
	h.fail = errors.New("dial postgres://tocsin:hunter2@db: no route")
	var log bytes.Buffer
	url, _ := serve(t, h, &log)
	_, err := dial(t, url, "alice").Say(t.Context(), "x", "k", 0, func(api.Answer) {}, func(screen.Line) {})
	if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "postgres") {
		t.Errorf("told: %v", err)
	}
	if !strings.Contains(log.String(), "no route") {
		t.Errorf("not in the log: %s", log.String())
	}
}

func TestWhoeverHasNoTokenGetsNothing(t *testing.T) {
	h := newShed()
	url, s := serve(t, h, io.Discard)
	for header, want := range map[string]int{
		"": 401, "Bearer": 401, "Bearer bad": 401, "Basic Z29vZC1hbGljZQ==": 401, "good-alice": 401, "Bearer good-nobody": 401, "Bearer good-alice": 200,
	} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url+s.Path+"WhoAmI", strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", header)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%q: %s %s", header, resp.Status, body)
		}
	}
	// A token in the address is in somebody's log by now, and is none.
	resp, err := http.Post(url+s.Path+"WhoAmI?token=good-alice&access_token=good-alice", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != 401 {
		t.Errorf("a token in the address: %s", resp.Status)
	}
}

// What is too large, malformed, or small until it is inflated is refused, and nothing
// of it is done.
func TestAForgedOrOversizedRequestDoesNothing(t *testing.T) {
	h := newShed()
	url, s := serve(t, h, io.Discard)
	bomb := &bytes.Buffer{}
	z := gzip.NewWriter(bomb)
	_, _ = z.Write(framed(`{"key":"k","line":"` + strings.Repeat("a", 10<<20) + `"}`)[5:])
	_ = z.Close()
	for name, c := range map[string]struct {
		body, encoding string
	}{
		"large":            {string(framed(`{"key":"k","line":"` + strings.Repeat("a", 100_000) + `"}`)), ""},
		"longer than most": {string(framed(`{"key":"k","line":"` + strings.Repeat("a", 50_000) + `"}`)), ""},
		"inflates":         {string(frame(1, bomb.Bytes())), "gzip"},
		"no frame":         {`{"key":"k","line":"x"}`, ""},
		"frame too long":   {"\x00\xff\xff\xff\xff{}", ""},
		"not JSON":         {string(framed(`{"key":`)), ""},
		"another's name":   {string(framed(`{"key":"k","line":"x","person":"bob","as":"bob"}`)), ""},
		"no key":           {string(framed(`{"line":"x"}`)), ""},
		"a key like an id": {string(framed(`{"key":"../cli:host","line":"x"}`)), ""},
		"a long key":       {string(framed(`{"key":"` + strings.Repeat("k", 65) + `","line":"x"}`)), ""},
		"nothing said":     {string(framed(`{"key":"k"}`)), ""},
		"endless patience": {string(framed(`{"key":"k","line":"x","patienceMs":2000000000}`)), ""},
		"negative":         {string(framed(`{"key":"k","line":"x","patienceMs":-1}`)), ""},
	} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url+s.Path+"Do", strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/connect+json")
		r.Header.Set("Authorization", "Bearer good-"+strings.ReplaceAll(name, " ", ""))
		if c.encoding != "" {
			r.Header.Set("Connect-Content-Encoding", c.encoding)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(name, err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		refused := resp.StatusCode != 200 || bytes.Contains(body, []byte(`"error"`))
		if own := name == "another's name"; err != nil || refused == own { // done, for whose token it is
			t.Errorf("%s: %s %.300q %v", name, resp.Status, body, err)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for who := range h.said {
		if !strings.HasPrefix(who, "another'sname/") { // whoever was named there is not who asked
			t.Errorf("something was done for %s", who)
		}
	}
}

// framed is a message as Connect streams it.
func framed(json string) []byte { return frame(0, []byte(json)) }

func frame(flags byte, b []byte) []byte {
	n := len(b)
	return append([]byte{flags, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, b...)
}

func TestATokenThatAsksTooMuchWaitsAndOthersDoNot(t *testing.T) {
	url, _ := serve(t, newShed(), io.Discard)
	wild, calm := dial(t, url, "wild"), dial(t, url, "calm")
	var refused error
	for range 60 {
		if _, err := wild.Say(t.Context(), "x", rand.Text(), 0, func(api.Answer) {}, func(screen.Line) {}); err != nil {
			refused = err
			break
		}
	}
	if refused == nil || !strings.Contains(refused.Error(), "too much at once") {
		t.Errorf("sixty at once: %v", refused)
	}
	if _, err := calm.Say(t.Context(), "x", "k", 0, func(api.Answer) {}, func(screen.Line) {}); err != nil {
		t.Errorf("somebody else: %v", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	many := dial(t, url, "many")
	var watching sync.WaitGroup
	for range 8 {
		once := sync.OnceFunc(watching.Done)
		watching.Add(1)
		go func() { _ = many.Watch(ctx, "INC-0001", func(*screen.View, time.Time) { once() }) }()
	}
	watching.Wait()
	if err := many.Watch(t.Context(), "INC-0001", func(*screen.View, time.Time) {}); err == nil || !strings.Contains(err.Error(), "too many") {
		t.Errorf("the ninth: %v", err)
	}
}

// A token is sent nowhere but where it belongs.
func TestATokenDoesNotLeave(t *testing.T) {
	for server, ok := range map[string]bool{
		"https://tocsin.example.com": true, "https://tocsin.example.com/sub/": true, "http://127.0.0.1:8480": true, "http://localhost:8480": true, "http://[::1]:8480": true,
		"http://tocsin.example.com": false, "http://10.0.0.1": false, "http://127.0.0.1.evil.com": false, "http://0.0.0.0": false,
		"ftp://localhost": false, "tocsin.example.com": false, "https://me:secret@tocsin.example.com": false, "": false,
	} {
		if _, err := api.Dial(server, "good-alice"); (err == nil) != ok {
			t.Errorf("%s: %v", server, err)
		}
	}
	if _, err := api.Dial("https://tocsin.example.com", ""); err == nil {
		t.Error("no token is a token")
	}

	stolen := make(chan string, 1)
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stolen <- r.Header.Get("Authorization") }))
	defer thief.Close()
	away := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, thief.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer away.Close()
	if _, err := dial(t, away.URL, "alice").Say(t.Context(), "x", "k", 0, func(api.Answer) {}, func(screen.Line) {}); err == nil {
		t.Error("it went along")
	}
	select {
	case got := <-stolen:
		t.Errorf("the thief has %q", got)
	default:
	}
}

func TestASilentServerIsAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	_, err = dial(t, "http://"+l.Addr().String(), "alice").Say(t.Context(), "x", "k", 0, func(api.Answer) {}, func(screen.Line) {})
	if !errors.Is(err, api.ErrAway) {
		t.Errorf("nobody listens: %v", err)
	}
}
