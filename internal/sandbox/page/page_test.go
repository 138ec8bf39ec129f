package page

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// say is one request to the page's API as its own script makes it.
func (w *world) say(t *testing.T, path, body string, change ...func(*http.Request)) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	method := http.MethodPost
	if body == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, w.page.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", w.page.URL)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, f := range change {
		f(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	out, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(out)
}

func (w *world) view(user string) slack.View {
	return w.slack.View(user, slack.ViewOptions{Channel: w.channel})
}

func TestOnlyThePageItselfMayActForAPerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	post := `{"user":"UALICE","channel":"` + w.channel + `","text":"owned"}`
	header := func(k, v string) func(*http.Request) { return func(r *http.Request) { r.Header.Set(k, v) } }
	host := func(h string) func(*http.Request) { return func(r *http.Request) { r.Host = h } }
	for _, tt := range []struct {
		name, path, body string
		change           func(*http.Request)
		want             int
	}{
		{"a foreign origin", "/api/post", post, header("Origin", "https://evil.example"), 403},
		{"another port of this machine", "/api/post", post, header("Origin", "http://127.0.0.1:1"), 403},
		{"an opaque origin", "/api/post", post, header("Origin", "null"), 403},
		{"a cross-site fetch", "/api/post", post, header("Sec-Fetch-Site", "cross-site"), 403},
		{"a same-site fetch", "/api/post", post, header("Sec-Fetch-Site", "same-site"), 403},
		{"a cross-site read", "/api/view?user=UALICE", "", header("Sec-Fetch-Site", "cross-site"), 403},
		{"a rebound name", "/api/view?user=UALICE", "", host("evil.example"), 421},
		{"a name that begins like ours", "/", "", host("localhost.evil.example"), 421},
		{"a form", "/api/post", post, header("Content-Type", "text/plain"), 415},
		{"an unknown field", "/api/post", `{"user":"UALICE","txt":"owned"}`, nil, 400},
		{"a huge body", "/api/post", `{"text":"` + strings.Repeat("a", maxBody) + `"}`, nil, 413},
		{"an unknown door", "/api/nothing", "{}", nil, 404},
	} {
		if tt.change == nil {
			tt.change = func(*http.Request) {}
		}
		if got, body := w.say(t, tt.path, tt.body, tt.change); got != tt.want {
			t.Errorf("%s: got %d %s, want %d", tt.name, got, body, tt.want)
		}
	}
	if n := len(w.view("UALICE").Messages); n != 0 {
		t.Fatalf("%d messages were posted by strangers", n)
	}
	for _, ok := range []string{"localhost:80", "127.0.0.1", "[::1]:8080", "LOCALHOST"} {
		if got, _ := w.say(t, "/", "", host(ok), header("Origin", "")); got != 200 {
			t.Errorf("host %s: got %d", ok, got)
		}
	}
	// A link on another site may open the page, and only that.
	if got, _ := w.say(t, "/", "", header("Sec-Fetch-Site", "cross-site"), header("Sec-Fetch-Mode", "navigate"), header("Origin", "")); got != 200 {
		t.Errorf("following a link: got %d", got)
	}
}

func TestThePageRunsNothingButItsOwnScripts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.page.URL+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	html, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	policy := resp.Header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("policy lacks %q: %s", part, policy)
		}
	}
	if strings.Contains(policy, "unsafe") || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers: %v", resp.Header)
	}
	if s := string(html); strings.Contains(s, "https://") || strings.Contains(s, "style=") {
		t.Errorf("the page reaches outside or styles inline:\n%s", s)
	}
}

func TestAPersonDeclaresClicksAndSubmits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := func(more string) string { return `{"user":"UALICE","channel":"` + w.channel + `",` + more + `}` }

	if got, body := w.say(t, "/api/slash", in(`"text":"/nonsense now"`)); got != 422 || !strings.Contains(body, "not a valid command") {
		t.Fatalf("unknown command: %d %s", got, body)
	}
	if got, body := w.say(t, "/api/slash", in(`"text":"/incident declare"`)); got != 200 {
		t.Fatalf("declare: %d %s", got, body)
	}
	modal := w.view("UALICE").Modal
	if modal == nil {
		t.Fatal("no modal opened")
	}
	submit := func(title string) (int, string) {
		return w.say(t, "/api/submit", `{"user":"UALICE","view_id":"`+modal.ID+`","state":{"title":{"title":{"value":"`+title+`"}},"sev":{"sev":{"option":"p1"}}}}`)
	}
	for title, complaint := range map[string]string{"": "title", "abc": "title", "taken": "That title is taken."} {
		if got, body := submit(title); got != 422 || !strings.Contains(body, complaint) || !strings.Contains(body, `"fields"`) {
			t.Fatalf("title %q: %d %s", title, got, body)
		}
	}
	if got, body := submit("Token in a gist"); got != 200 {
		t.Fatalf("submit: %d %s", got, body)
	}
	v := w.view("UALICE")
	if v.Modal != nil || !strings.Contains(last(v).Text, "declared *Token in a gist*") {
		t.Fatalf("after submit: modal %v, last %q", v.Modal, last(v).Text)
	}

	if got, body := w.say(t, "/api/slash", in(`"text":"/incident card"`)); got != 200 {
		t.Fatalf("card: %d %s", got, body)
	}
	card := last(w.view("UALICE"))
	click := in(`"message_ts":"` + card.TS + `","action_id":"resolve"`)
	got, body := w.say(t, "/api/click", click)
	if got != 409 || !strings.Contains(body, "Two holds are still active.") {
		t.Fatalf("unconfirmed click: %d %s", got, body)
	}
	if got, body = w.say(t, "/api/click", strings.Replace(click, `"action_id"`, `"confirmed":true,"action_id"`, 1)); got != 200 {
		t.Fatalf("confirmed click: %d %s", got, body)
	}
	if text := last(w.view("UALICE")).Text; text != "<@UALICE> pressed resolve" {
		t.Fatalf("the app heard %q", text)
	}
	if got, body = w.say(t, "/api/react", in(`"ts":"`+card.TS+`","emoji":"pushpin","add":true`)); got != 200 {
		t.Fatalf("react: %d %s", got, body)
	}
}

func last(v slack.View) slack.MessageView {
	if len(v.Messages) == 0 {
		return slack.MessageView{}
	}
	return v.Messages[len(v.Messages)-1]
}

func TestAPageIsAnsweredByWhoeverHasAnAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, err := w.pd.Trigger("PBOB", w.service, "INC-0001")
	if err != nil {
		t.Fatal(err)
	}
	if got, body := w.say(t, "/api/pagerduty", `{"user":"UALICE","id":"`+id+`","do":"acknowledge"}`); got != 422 || !strings.Contains(body, "no PagerDuty account") {
		t.Fatalf("alice: %d %s", got, body)
	}
	if got, body := w.say(t, "/api/pagerduty", `{"user":"UBOB","id":"`+id+`","do":"acknowledge"}`); got != 200 {
		t.Fatalf("bob: %d %s", got, body)
	}
	if in, _ := w.pd.Incident(id); in.Status != "acknowledged" {
		t.Fatalf("status %s", in.Status)
	}
}

func TestIssuesAreRenderedWithoutTheirRawHTML(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	body := "<!-- tocsin:INC-0001/17/2 -->\n# Summary\n<script>alert(1)</script> <img src=x onerror=alert(1)>\n\n" +
		"| a | b |\n|:-:|--:|\n| ~~x~~ | 1 |\n\n- [x] done\n\n[click](javascript:alert(1))\n\n```mermaid\ntimeline\n  09:12 : <b>found</b>\n```\n"
	if _, err := w.gh.Open("bob", "acme/incidents", "Post-mortem", body); err != nil {
		t.Fatal(err)
	}
	_, out := w.say(t, "/api/github", "")
	var got struct {
		Repos []struct {
			Issues []struct {
				HTML string `json:"body_html"`
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	html := got.Repos[0].Issues[0].HTML
	for _, bad := range []string{"<script", "onerror=", "<img", "javascript:", "style=", "<b>", "tocsin:INC"} {
		if strings.Contains(html, bad) {
			t.Errorf("rendered HTML contains %q:\n%s", bad, html)
		}
	}
	for _, good := range []string{"<h1>Summary</h1>", "<del>x</del>", `align="center"`, `type="checkbox"`, `class="language-mermaid"`} {
		if !strings.Contains(html, good) {
			t.Errorf("rendered HTML lacks %q:\n%s", good, html)
		}
	}
	if got, body := w.say(t, "/api/github", `{"user":"UBOB","repo":"acme/incidents","number":1}`); got != 200 {
		t.Fatalf("close: %d %s", got, body)
	}
	if state := w.gh.Issues("acme/incidents")[0].State; state != "closed" {
		t.Fatalf("state %s", state)
	}
}

func TestTheClockMovesForwardWithinBounds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.clock.Now()
	if got, body := w.say(t, "/api/clock", `{"factor":60,"advance_seconds":3600}`); got != 200 || !strings.Contains(body, `"factor":60`) {
		t.Fatalf("%d %s", got, body)
	}
	if w.clock.Now().Sub(before) < time.Hour {
		t.Fatal("the clock stood still")
	}
	for _, bad := range []string{`{"factor":-1}`, `{"factor":1e9}`, `{"advance_seconds":-60}`, `{"advance_seconds":1e12}`} {
		if got, body := w.say(t, "/api/clock", bad); got != 422 {
			t.Errorf("%s: %d %s", bad, got, body)
		}
	}
}

func TestAFaultIsSwitchedOnAndOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if got, body := w.say(t, "/api/faults", `{"name":"Slow network","on":true}`); got != 200 || strings.Count(body, "Slow network") != 3 {
		t.Fatalf("on, for all three vendors: %d %s", got, body)
	}
	if _, struck := w.gh.Faults().Match("github", "GET /repos/{owner}/{repo}"); !struck {
		t.Fatal("GitHub is as fast as before")
	}
	if got, body := w.say(t, "/api/faults", `{"name":"Slow network","on":false}`); got != 200 || body != "[]" {
		t.Fatalf("off: %d %s", got, body)
	}
	if got, _ := w.say(t, "/api/faults", `{"name":"Earthquake","on":true}`); got != 422 {
		t.Fatalf("unknown fault: %d", got)
	}
}

func TestTheStreamSaysWhatChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.page.URL+"/api/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	lines.Scan() // the stream is open
	if _, err := w.slack.Post(ctx, "UBOB", w.channel, "hello", ""); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
		if lines.Text() == "data: slack" {
			return
		}
	}
	t.Fatal("the stream ended without a word about Slack")
}
