package page

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// The stories share one browser; each has a sandbox of its own.
func TestInABrowser(t *testing.T) {
	b := open(t)
	t.Run("a newcomer walks through an incident", func(t *testing.T) { newcomer(t, b.in(t)) })
	t.Run("on a phone nothing is wider than the screen", func(t *testing.T) { phone(t, b.in(t)) })
	t.Run("a long channel stays light", func(t *testing.T) { long(t, b.in(t)) })
	t.Run("nothing written becomes markup", func(t *testing.T) { inert(t, b.in(t)) })
}

// A newcomer finds the way from the first hint to the post-mortem.
func newcomer(t *testing.T, b *tab) {
	w := newWorld(t)
	b.do(chromedp.Navigate(w.page.URL))
	b.sees("#persona", "Alice Martin")
	b.sees(".badge-sandbox", "sandbox")
	b.sees(".hints", "Declare")
	b.shot("first-look")

	// A slash offers commands; Tab takes one; a form opens.
	b.presses("#composer-text", "")
	b.types("/inc")
	b.sees(".suggestion.on", "Open a room and page the people on call")
	b.shot("completion")
	b.types(kb.ArrowDown)
	b.sees(".suggestion.on", "/incident card")
	b.types(kb.ArrowUp)
	b.types(kb.Tab)
	b.until("the command is in the box", `document.getElementById('composer-text').value === '/incident declare '`)
	b.types(kb.Enter)
	b.sees(".modal h2", "Declare an incident")
	b.until("focus is in the form", `document.activeElement.closest('.modal-body')`)
	b.types("abc")
	b.presses(".modal-foot button", "Declare")
	b.sees(".modal .error", "At least 5 characters")
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('.modal-body input[type=text]').select()`))
	b.types("taken")
	b.presses(".modal-foot button", "Declare")
	b.sees(".modal .error", "That title is taken.")
	b.shot("form")
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('.modal-body input[type=text]').select()`))
	b.types("Token in a gist")
	b.presses(".modal-foot button", "Declare")
	b.gone(".modal")
	b.sees(".msg", "declared Token in a gist")

	// Escape closes a form and tells the app.
	b.presses("#composer-text", "")
	b.types("/incident declare" + kb.Enter)
	b.sees(".modal h2", "Declare an incident")
	b.types(kb.Escape)
	b.gone(".modal")

	// A dangerous button asks first; No means no.
	b.presses("#composer-text", "")
	b.types("/incident card" + kb.Enter)
	b.sees(".blocks", "INC-0001 Credentials in a public gist")
	b.presses(".b-actions .btn", "Resolve")
	b.sees(".ask", "Two holds are still active.")
	b.shot("confirm")
	b.presses(".ask .btn", "Not yet")
	b.gone(".ask")
	b.presses(".b-actions .btn", "Resolve")
	b.presses(".ask .btn", "Resolve it")
	b.sees(".msg", "@Alice Martin pressed resolve")

	// Half-typed words survive what others say.
	b.presses("#composer-text", "")
	b.types("half a thou")
	ts, err := w.slack.Post(t.Context(), "UBOB", w.channel, "@alice key used from `185.220.101.4`:\n```\n09:12:03 AssumeRole ci-deploy\n```\nsee *the log* :eyes:", "")
	if err != nil {
		t.Fatal(err)
	}
	b.sees(".msg pre", "AssumeRole")
	b.types("ght")
	b.until("the words are whole", `document.getElementById('composer-text').value === 'half a thought'`)
	b.types(kb.Enter)
	b.sees(".msg .text", "half a thought")

	// Reaction, thread, persona.
	msg := fmt.Sprintf("[data-ts=%q]", ts)
	b.presses(msg+" .who", "")
	b.presses(msg+" .tools button", "Add a reaction")
	b.presses(".emoji-choice", "pushpin")
	b.sees(msg+" .reaction.mine", "1")
	b.presses(msg+" .who", "")
	b.presses(msg+" .tools button", "Reply in thread")
	b.presses("#thread-text", "")
	b.types("Same address as last week" + kb.Enter)
	b.sees("#pane .msg", "Same address as last week")
	b.sees(msg+" .replies", "1 reply")
	b.shot("thread")
	b.presses("#persona", "")
	b.presses(".choice", "Bob Okafor")
	b.sees("#persona", "Bob Okafor")
	b.until("the reaction is Alice's", fmt.Sprintf(`document.querySelector('%s .reaction') && !document.querySelector('%s .reaction.mine')`, msg, msg))
	b.types(kb.Escape)

	// Ctrl K goes anywhere.
	b.do(chromedp.KeyEvent("k", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	b.sees(".switch-list", "security")
	b.types("home" + kb.Enter)
	b.sees("#head h1", "Tocsin home")
	b.presses(".place", "security")

	// The page rings in PagerDuty; Bob answers.
	if _, err := w.pd.Trigger("PBOB", w.service, "INC-0001 [P1] Credentials in a public gist"); err != nil {
		t.Fatal(err)
	}
	b.sees(".tool.alarm", "1")
	b.presses(".tool", "PagerDuty")
	b.sees(".page-card", "Paging Bob Okafor")
	b.sees(".countdown", "next level in")
	b.shot("pagerduty")
	b.presses(".page-card .btn", "Acknowledge")
	b.sees(".page-card", "Bob Okafor has it")

	w.filePostMortem(t)
	b.presses(".tool", "GitHub")
	b.presses(".issue-row", "Post-mortem")
	b.until("the timeline is drawn", `document.querySelector('.chart .chart-event')?.textContent.includes('Token first used')`)
	b.sees(".issue .markdown", "Acknowledge")
	b.sees(".subs", "1 of 2 done")
	b.shot("github")
	b.presses(".tool", "Faults")
	b.presses(".switch", "PagerDuty down")
	b.until("PagerDuty is down", `document.querySelector('.switch[aria-checked=true]')`)
	b.presses(".pick-one", "60×")
	b.sees(".speed", "60×")
	b.shot("lab")
	b.dark(true)
	b.until("dark colours", `document.documentElement.dataset.theme === 'dark'`)
	b.presses(".tool", "GitHub")
	b.shot("dark")
	b.quiet()
}

// On a phone the sidebar is a drawer, the panels cover the chat, and nothing is
// wider than the screen.
func phone(t *testing.T, b *tab) {
	w := newWorld(t)
	if err := w.slack.Slash(t.Context(), "UALICE", w.channel, "/incident card"); err != nil {
		t.Fatal(err)
	}
	w.filePostMortem(t)
	b.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2), chromedp.EmulateMobile, chromedp.EmulateTouch), chromedp.Navigate(w.page.URL))
	fits := func(name string) {
		t.Helper()
		b.until(name+" fits the screen", `document.documentElement.scrollWidth <= 390 && [...document.querySelectorAll('button, input, textarea, .blocks')].filter((n) => n.checkVisibility({visibilityProperty: true}) && !n.closest('.bookmarks, .table-wrap')).every((n) => n.getBoundingClientRect().right <= 391)`)
		b.shot("phone-" + name)
	}
	b.sees(".blocks", "INC-0001")
	fits("room")
	b.presses(".tool", "Channels")
	b.sees("#sidebar", "security")
	b.until("the drawer is open", `Math.abs(document.getElementById('sidebar').getBoundingClientRect().left) < 1`)
	fits("drawer")
	b.presses(".place", "security")
	b.until("the drawer is shut", `document.getElementById('sidebar').getBoundingClientRect().right < 1`)
	b.presses(".tool", "GitHub")
	b.presses(".issue-row", "Post-mortem")
	b.sees(".issue-title", "Post-mortem")
	fits("github")
	b.presses("#pane button", "Close GitHub")
	b.presses("#composer-text", "")
	b.types("/incident declare" + kb.Enter)
	b.sees(".modal h2", "Declare an incident")
	fits("form")
	b.quiet()
}

// A long channel draws its newest hundred messages and gives the rest on demand.
func long(t *testing.T, b *tab) {
	w := newWorld(t)
	for i := range 500 {
		if _, err := w.slack.Post(t.Context(), "UBOB", w.channel, fmt.Sprintf("line %d of the log", i), ""); err != nil {
			t.Fatal(err)
		}
	}
	b.do(chromedp.Navigate(w.page.URL))
	b.sees(".msg", "line 499 of the log")
	b.until("a hundred are drawn", `document.querySelectorAll('.msg').length === 100`)
	b.presses(".earlier", "Load earlier")
	b.until("more are drawn", `document.querySelectorAll('.msg').length === 300`)
	b.until("the place was kept", `document.getElementById('messages').scrollTop > 2000`)
	b.quiet()
}

// What people write is text, whatever it looks like.
func inert(t *testing.T, b *tab) {
	w := newWorld(t)
	evil := `<img src=x onerror="document.title='owned'"> <javascript:alert(1)|click> *<script>document.title='owned'</script>*`
	if _, err := w.slack.Post(t.Context(), "UBOB", w.channel, evil, ""); err != nil {
		t.Fatal(err)
	}
	if err := w.app.call("chat.postMessage", fmt.Sprintf(`{"channel":%q,"text":"<javascript:document.title='owned'|press> end"}`, w.channel)); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Navigate(w.page.URL))
	b.sees(".msg", "press")
	b.until("no foreign nodes", `!document.querySelector('#messages script, #messages img, #messages a[href^=javascript]') && !document.title.includes('owned')`)
	b.quiet()
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
