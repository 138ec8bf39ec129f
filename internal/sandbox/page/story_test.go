package page

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/tocsin-ir/tocsin/internal/browsertest"
)

// The stories share one browser; each has a sandbox of its own.
func TestInABrowser(t *testing.T) {
	b := browsertest.Open(t, "page-")
	t.Run("a newcomer walks through an incident", func(t *testing.T) { newcomer(t, b.In(t)) })
	t.Run("on a phone nothing is wider than the screen", func(t *testing.T) { phone(t, b.In(t)) })
	t.Run("a long channel stays light", func(t *testing.T) { long(t, b.In(t)) })
	t.Run("a large company talks all day", func(t *testing.T) { large(t, b.In(t)) })
	t.Run("nothing written becomes markup", func(t *testing.T) { inert(t, b.In(t)) })
}

// A newcomer finds the way from the first hint to the post-mortem.
func newcomer(t *testing.T, b *browsertest.Browser) {
	w := newWorld(t)
	b.Do(chromedp.Navigate(w.page.URL))
	b.Sees("#persona", "Alice Martin")
	b.Sees(".badge-sandbox", "sandbox")
	b.Sees(".hints", "Declare")
	b.Shot("first-look")

	// A slash offers commands; Tab takes one; a form opens.
	b.Presses("#composer-text", "")
	b.Types("/inc")
	b.Sees(".suggestion.on", "Open a room and page the people on call")
	b.Shot("completion")
	b.Types(kb.ArrowDown)
	b.Sees(".suggestion.on", "/incident card")
	b.Types(kb.ArrowUp)
	b.Types(kb.Tab)
	b.Until("the command is in the box", `document.getElementById('composer-text').value === '/incident declare '`)
	b.Types(kb.Enter)
	b.Sees(".modal h2", "Declare an incident")
	b.Until("focus is in the form", `document.activeElement.closest('.modal-body')`)
	b.Types("abc")
	b.Presses(".modal-foot button", "Declare")
	b.Sees(".modal .error", "At least 5 characters")
	b.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector('.modal-body input[type=text]').select()`))
	b.Types("taken")
	b.Presses(".modal-foot button", "Declare")
	b.Sees(".modal .error", "That title is taken.")
	b.Shot("form")
	b.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector('.modal-body input[type=text]').select()`))
	b.Types("Token in a gist")
	b.Presses(".modal-foot button", "Declare")
	b.Gone(".modal")
	b.Sees(".msg", "declared Token in a gist")

	// Escape closes a form and tells the app.
	b.Presses("#composer-text", "")
	b.Types("/incident declare" + kb.Enter)
	b.Sees(".modal h2", "Declare an incident")
	b.Types(kb.Escape)
	b.Gone(".modal")

	// A dangerous button asks first; No means no.
	b.Presses("#composer-text", "")
	b.Types("/incident card" + kb.Enter)
	b.Sees(".blocks", "INC-0001 Credentials in a public gist")
	b.Presses(".b-actions .btn", "Resolve")
	b.Sees(".ask", "Two holds are still active.")
	b.Shot("confirm")
	b.Presses(".ask .btn", "Not yet")
	b.Gone(".ask")
	b.Presses(".b-actions .btn", "Resolve")
	b.Presses(".ask .btn", "Resolve it")
	b.Sees(".msg", "@Alice Martin pressed resolve")

	// Half-typed words survive what others say.
	b.Presses("#composer-text", "")
	b.Types("half a thou")
	ts, err := w.slack.Post(t.Context(), "UBOB", w.channel, "@alice key used from `185.220.101.4`:\n```\n09:12:03 AssumeRole ci-deploy\n```\nsee *the log* :eyes:", "")
	if err != nil {
		t.Fatal(err)
	}
	b.Sees(".msg pre", "AssumeRole")
	b.Types("ght")
	b.Until("the words are whole", `document.getElementById('composer-text').value === 'half a thought'`)
	b.Types(kb.Enter)
	b.Sees(".msg .text", "half a thought")

	// Reaction, thread, persona.
	msg := fmt.Sprintf("[data-ts=%q]", ts)
	b.Pins(msg)
	b.Presses(msg+" .who", "")
	b.Presses(msg+" .tools button", "Reply in thread")
	b.Presses("#thread-text", "")
	b.Types("Same address as last week" + kb.Enter)
	b.Sees("#pane .msg", "Same address as last week")
	b.Sees(msg+" .replies", "1 reply")
	b.Shot("thread")
	b.Presses("#persona", "")
	b.Presses(".choice", "Bob Okafor")
	b.Sees("#persona", "Bob Okafor")
	b.Until("the reaction is Alice's", fmt.Sprintf(`document.querySelector('%s .reaction') && !document.querySelector('%s .reaction.mine')`, msg, msg))
	b.Types(kb.Escape)

	// Ctrl K goes anywhere.
	b.Do(chromedp.KeyEvent("k", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	b.Sees(".switch-list", "security")
	b.Types("home" + kb.Enter)
	b.Sees("#head h1", "Tocsin home")
	b.Presses(".place", "security")

	// The page rings in PagerDuty; Bob answers.
	if _, err := w.pd.Trigger("PBOB", w.service, "INC-0001 [P1] Credentials in a public gist"); err != nil {
		t.Fatal(err)
	}
	b.Sees(".tool.alarm", "1")
	b.Presses(".tool", "PagerDuty")
	b.Sees(".page-card", "Paging Bob Okafor")
	b.Sees(".countdown", "next level in")
	b.Shot("pagerduty")
	b.Presses(".page-card .btn", "Acknowledge")
	b.Sees(".page-card", "Bob Okafor has it")

	w.filePostMortem(t)
	b.Presses(".tool", "GitHub")
	b.Presses(".issue-row", "Post-mortem")
	b.Until("the timeline is drawn", `document.querySelector('.chart .chart-event')?.textContent.includes('Token first used')`)
	b.Sees(".issue .markdown", "Acknowledge")
	b.Sees(".subs", "1 of 2 done")
	b.Shot("github")
	b.Presses(".tool", "Faults")
	b.Presses(".switch", "PagerDuty down")
	b.Until("PagerDuty is down", `document.querySelector('.switch[aria-checked=true]')`)
	b.Presses(".pick-one", "60×")
	b.Sees(".speed", "60×")
	b.Shot("lab")
	b.Dark(true)
	b.Presses(".tool", "GitHub")
	b.Until("dark colours", `document.documentElement.dataset.theme === 'dark'`)
	b.Shot("dark")
	b.Quiet()
}

// On a phone the sidebar is a drawer, the panels cover the chat, and nothing is
// wider than the screen.
func phone(t *testing.T, b *browsertest.Browser) {
	w := newWorld(t)
	if err := w.slack.Slash(t.Context(), "UALICE", w.channel, "/incident card"); err != nil {
		t.Fatal(err)
	}
	w.filePostMortem(t)
	b.Do(chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2), chromedp.EmulateMobile, chromedp.EmulateTouch), chromedp.Navigate(w.page.URL))
	b.Sees(".blocks", "INC-0001")
	b.Fits("phone-room")
	b.Presses(".tool", "Channels")
	b.Sees("#sidebar", "security")
	b.Until("the drawer is open", `Math.abs(document.getElementById('sidebar').getBoundingClientRect().left) < 1`)
	b.Fits("phone-drawer")
	b.Presses(".place", "security")
	b.Until("the drawer is shut", `document.getElementById('sidebar').getBoundingClientRect().right < 1`)
	b.Presses(".tool", "GitHub")
	b.Presses(".issue-row", "Post-mortem")
	b.Sees(".issue-title", "Post-mortem")
	b.Fits("phone-github")
	b.Presses("#pane button", "Close GitHub")
	b.Presses("#composer-text", "")
	b.Types("/incident declare" + kb.Enter)
	b.Sees(".modal h2", "Declare an incident")
	b.Fits("phone-form")
	b.Quiet()
}

// A long channel draws its newest hundred messages and gives the rest on demand.
func long(t *testing.T, b *browsertest.Browser) {
	w := newWorld(t)
	for i := range 500 {
		if _, err := w.slack.Post(t.Context(), "UBOB", w.channel, fmt.Sprintf("line %d of the log", i), ""); err != nil {
			t.Fatal(err)
		}
	}
	b.Do(chromedp.Navigate(w.page.URL))
	b.Sees(".msg", "line 499 of the log")
	b.Until("a hundred are drawn", `document.querySelectorAll('.msg').length === 100`)
	b.Presses(".earlier", "Load earlier")
	b.Until("more are drawn", `document.querySelectorAll('.msg').length === 300`)
	b.Until("the place was kept", `document.getElementById('messages').scrollTop > 2000`)
	b.Quiet()
}

// A company of a thousand and a room of ten thousand messages: the page draws what is
// looked at and no more. The times are printed, each with up to 20 ms of looking.
func large(t *testing.T, b *browsertest.Browser) {
	var staff []Persona
	for i := range 998 {
		id := fmt.Sprintf("%04d", i)
		staff = append(staff, Persona{Slack: "UP" + id, Name: "Person " + id, Title: "Engineer", GitHub: "person" + id})
	}
	w := newWorld(t, staff...)
	for i := range 10_000 {
		if _, err := w.slack.Post(t.Context(), staff[i%len(staff)].Slack, w.channel, fmt.Sprintf("line %d of the *log*", i), ""); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	took := func(what string) {
		t.Helper()
		t.Logf("%-44s %4d ms", what, time.Since(began).Milliseconds())
		began = time.Now()
	}
	b.Do(chromedp.Navigate(w.page.URL))
	b.Sees(".msg", "line 9999 of the log")
	took("first page, until the newest line is seen")
	b.Until("no more than was looked at is drawn", `document.querySelectorAll('.msg').length <= 100 && document.querySelectorAll('*').length < 6000`)

	began = time.Now()
	if _, err := w.slack.Post(t.Context(), "UBOB", w.channel, "somebody else's line", ""); err != nil {
		t.Fatal(err)
	}
	b.Sees(".msg", "somebody else's line")
	took("another's line, until it is seen")

	b.Presses("#composer-text", "")
	began = time.Now()
	b.Types("an answer in a busy room")
	b.Until("it is in the box", `document.getElementById('composer-text').value === 'an answer in a busy room'`)
	took("24 keys typed, until they are in the box")
	b.Types(kb.Enter)
	b.Sees(".msg .text", "an answer in a busy room")
	took("own line sent, until it is seen")

	b.Presses(".earlier", "Load earlier")
	b.Until("two hundred more", `document.querySelectorAll('.msg').length === 300`)
	took("earlier lines, until they are seen")

	b.Presses("#persona", "")
	b.Sees(".choice", "Person 0997")
	took("a thousand people to choose from")
	b.Shot("a-thousand-people")
	b.Presses(".choice", "Person 0997")
	b.Sees("#persona", "Person 0997")
	took("somebody else's eyes")
	t.Logf("%-44s %4.0f MB", "the page's heap", browsertest.Value[float64](b, `performance.memory.usedJSHeapSize / 1048576`))
	b.Quiet()
}

// What people write is text, whatever it looks like.
func inert(t *testing.T, b *browsertest.Browser) {
	w := newWorld(t)
	evil := `<img src=x onerror="document.title='owned'"> <javascript:alert(1)|click> *<script>document.title='owned'</script>*`
	if _, err := w.slack.Post(t.Context(), "UBOB", w.channel, evil, ""); err != nil {
		t.Fatal(err)
	}
	if err := w.app.call("chat.postMessage", fmt.Sprintf(`{"channel":%q,"text":"<javascript:document.title='owned'|press> end"}`, w.channel)); err != nil {
		t.Fatal(err)
	}
	b.Do(chromedp.Navigate(w.page.URL))
	b.Sees(".msg", "press")
	b.Until("no foreign nodes", `!document.querySelector('#messages script, #messages img, #messages a[href^=javascript]') && !document.title.includes('owned')`)
	b.Quiet()
}

// filePostMortem files what a post-mortem looks like: two sub-issues, one done.
func (w *world) filePostMortem(t *testing.T) {
	t.Helper()
	open := func(title, body string, labels ...string) int {
		n, err := w.gh.Open("bob", "acme/incidents", title, body, labels...)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	parent := open("Post-mortem INC-0001: Credentials in a public gist", postMortem, "documentation")
	for i, title := range []string{"Rotate CI tokens", "Block pushes that contain secrets"} {
		n := open(title, "Owner: @alice", "enhancement")
		w.link(t, parent, n)
		if i == 0 {
			if err := w.gh.CloseIssue("alice", "acme/incidents", n); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.gh.Comment("alice", "acme/incidents", parent, "Reviewed with the team. **Thank you.**"); err != nil {
		t.Fatal(err)
	}
}

// link makes one issue a sub-issue of another, over the API as a program would.
func (w *world) link(t *testing.T, parent, child int) {
	t.Helper()
	var id int64
	for _, i := range w.gh.Issues("acme/incidents") {
		if i.Number == child {
			id = i.ID
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.github.URL+fmt.Sprintf("/repos/acme/incidents/issues/%d/sub_issues", parent),
		strings.NewReader(fmt.Sprintf(`{"sub_issue_id":%d}`, id)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer ghp_bob")
	req.Header.Set("User-Agent", "story")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("link a sub-issue: %s", resp.Status)
	}
}

const postMortem = "## Summary\nA CI token was pasted into a public gist and used for **14 minutes**.\n\n" +
	"| Target | Limit | Took |\n|---|---|---|\n| Acknowledge | 5 min | 42 s |\n| Contain | 1 h | ~~40 min~~ 1 h 20 min |\n\n" +
	"## Timeline\n```mermaid\ntimeline\n    title INC-0001\n    section Detect\n    09:12 : Token first used by the intruder from 185.220.101.4\n" +
	"    09:26 : Alert from the secret scanner : Declared P1 by Alice\n    section Contain\n    09:27 : Bob acknowledged\n    10:32 : Token revoked, host web-3 isolated\n```\n\n" +
	"```mermaid\ngantt\n    title Severity and duties\n    dateFormat YYYY-MM-DD HH:mm\n    axisFormat %H:%M\n    section Severity\n    P1 :crit, s1, 2026-03-01 09:26, 2026-03-01 10:40\n" +
	"    P2 :s2, 2026-03-01 10:40, 50m\n    section Duties\n    Acknowledge :done, a1, 2026-03-01 09:26, 1m\n    Database rotation by Alice :active, 2026-03-01 09:50, 40m\n    Resolved :milestone, m1, 2026-03-01 11:30, 0m\n```\n\n" +
	"## Action items\n- [x] #2 Rotate CI tokens\n- [ ] #3 Block pushes that contain secrets\n"
