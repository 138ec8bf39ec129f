package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/browsertest"
)

// What somebody does who has just cloned the repository and typed `make demo`: by
// mouse and keyboard, in a browser, with nothing but what the page shows. Pictures go
// to the directory TOCSIN_SCREENSHOTS names.
func TestNewcomer(t *testing.T) {
	b := browsertest.Open(t, "newcomer-")
	t.Run("at a desk", func(t *testing.T) { newcomerAtADesk(t, b.In(t)) })
	t.Run("on a phone", func(t *testing.T) { newcomerOnAPhone(t, b.In(t)) })
}

// startPage is what `tocsin demo` does, without its terminal.
func startPage(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	d, err := app.StartDemo(ctx, app.DemoOptions{})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	server := &http.Server{Handler: d.Page(), ReadHeaderTimeout: 5 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close() // pages that are still open would hold a gentler stop
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error("serve:", err)
		}
		if err := d.Close(); err != nil {
			t.Error("close the demo:", err)
		}
		cancel()
	})
	return "http://" + listener.Addr().String()
}

// firstPage opens the page and says how long a newcomer waits for it.
func firstPage(t *testing.T, b *browsertest.Browser) {
	t.Helper()
	began := time.Now()
	url := startPage(t)
	b.Do(chromedp.Navigate(url))
	b.Sees(".hints", "Declare")
	took := time.Since(began)
	t.Logf("time to first page, from the start of the demo: %.1f s", took.Seconds())
	if took > 10*time.Second {
		t.Errorf("the first page took %s", took)
	}
}

func newcomerAtADesk(t *testing.T, b *browsertest.Browser) {
	firstPage(t, b)
	b.Shot("01-first-page")

	// The hint card puts the first command into the box; Enter declares.
	b.Presses(".hint-card", "Declare")
	b.Until("the hint is typed", `document.getElementById('composer-text').value.startsWith('/incident declare p1 ')`)
	b.Shot("02-hint-typed")
	b.Presses("#composer-text", "")
	b.Types(kb.Enter)
	b.Sees(".place", "inc-0001")
	b.Shot("03-declared")
	b.Presses(".place", "inc-0001")
	b.Sees(".msg.pinned .b-header", "INC-0001")
	b.Sees(".msg", "Paging primary on-call")
	b.Shot("04-room")

	// PagerDuty says who is paged. Bob answers there.
	b.Presses(".tool", "PagerDuty")
	b.Sees(".page-card", "Paging Bob")
	b.Shot("05-pagerduty-paging")
	b.Chooses(".act-as select", "Bob")
	b.Presses(".page-card .btn", "Acknowledge")
	b.Sees(".page-card", "has it")
	b.Sees(".msg", "acknowledged")
	b.Shot("06-acknowledged")
	b.Presses("#pane button", "Close PagerDuty")

	// A role by button.
	b.Presses(".msg .btn", "Take command")
	b.Sees(".msg.pinned", "Commander: Alice Archer")
	b.Shot("07-command-taken")

	// An update through the form.
	b.PressesFirst(".msg.pinned .btn", "Post update")
	b.Sees(".modal h2", "Status update")
	b.Shot("08-update-form")
	b.Presses(".modal textarea", "")
	b.Types("The key is revoked. We look at what it was used for. Next update in 20 minutes.")
	b.Presses(".modal-foot button", "Post")
	b.Gone(".modal")
	b.Sees(".msg.pinned", "The key is revoked")
	b.Shot("09-update-posted")

	// Another severity, with a reason.
	b.PressesFirst(".msg.pinned .btn", "Severity")
	b.Sees(".modal h2", "severity")
	b.Chooses(".modal select", "P2")
	b.Presses(".modal-foot button", "Change")
	b.Sees(".modal .error", "needs a reason")
	b.Shot("10-severity-refused")
	b.Presses(".modal textarea", "")
	b.Types("the key could only read")
	b.Presses(".modal-foot button", "Change")
	b.Gone(".modal")
	b.Sees(".msg.pinned .b-header", "P2")
	b.Shot("11-severity")

	// A task, typed with completion.
	b.Presses("#composer-text", "")
	b.Types("/incident task")
	b.Sees(".suggestion", "/incident task")
	b.Shot("12-task-completion")
	b.Types(" add rotate the other keys owner:@bob" + kb.Enter)
	b.Sees(".msg", "rotate the other keys")
	b.Shot("13-task")

	// What somebody said is kept with a pushpin.
	b.Presses("#composer-text", "")
	b.Types("09:12 the key listed three buckets" + kb.Enter)
	kept := b.Message("listed three buckets")
	b.Pins(kept)
	b.Shot("14-pushpin")

	// The end, by form.
	b.PressesFirst(".msg.pinned .btn", "Resolve")
	b.Sees(".modal h2", "Resolve")
	b.Presses(".modal textarea", "")
	b.Types("A key was on a paste site for 40 minutes. It is revoked and was only used to list buckets.")
	b.Shot("15-resolve-form")
	b.Presses(".modal-foot button", "Resolve")
	b.Gone(".modal")
	b.Sees(".msg.pinned", "Resolved")
	b.Presses(".jump", "New messages")
	b.Sees(".msg", "Next: the post-mortem, due")
	b.Shot("16-resolved")

	writesUp(t, b)
	reads(t, b)
	b.Dark(true)
	b.Shot("25-dark-issue")
	b.Presses("#pane button", "Close GitHub")
	b.Shot("26-dark-room")
	b.Presses(".place", "Tocsin home")
	b.Sees("#head h1", "home")
	b.Sees(".home", "Your incidents")
	b.Shot("27-dark-home")
	b.Presses(".place", "tocsin")
	b.Sees(".msg", "The post-mortem is yours")
	b.Shot("28-dark-direct-message")
	b.Dark(false)
	b.Quiet()
}

// writesUp looks at the draft, writes one section and publishes.
func writesUp(t *testing.T, b *browsertest.Browser) {
	t.Helper()
	b.Presses(".msg .btn", "Show the draft")
	b.Sees(".msg.ephemeral", "Not written yet")
	b.Shot("17-draft")
	b.Presses(".msg .btn", "Edit")
	b.Sees(".modal h2", "Edit the post-mortem")
	b.Sees(".modal .b-label", "Root cause")
	b.Shot("18-edit-form")
	b.PressesFirst(".modal textarea", "")
	b.Types("Nobody outside was affected.")
	b.Presses(".modal-foot button", "Save")
	b.Gone(".modal")
	b.Presses(".msg .btn", "Add an action item")
	b.Sees(".modal h2", "Add an action item")
	b.Presses(".modal textarea", "")
	b.Types("scan public gists every hour")
	b.Chooses(".modal .b-input:has(textarea) ~ .b-input ~ .b-input select", "Carol")
	b.Shot("19-item-form")
	b.Presses(".modal-foot button", "Add")
	b.Gone(".modal")
	b.Sees(".msg", "scan public gists")
	b.Presses(".msg .btn", "Publish")
	b.Sees(".msg", "The post-mortem is published")
	b.Shot("20-published")
}

// reads opens the issue in the GitHub panel: words, chart, action item.
func reads(t *testing.T, b *browsertest.Browser) {
	t.Helper()
	b.Presses(".tool", "GitHub")
	b.Presses(".issue-row", "INC-0001")
	b.Sees(".issue .markdown", "Nobody outside was affected.")
	b.Shot("21-issue")
	b.Until("the timeline is drawn", `document.querySelector('.chart .chart-event')`)
	b.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector('.chart').scrollIntoView({block: 'start'})`))
	b.Shot("22-issue-chart")
	b.Sees(".subs", "of 1 done")
	b.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector('.subs').scrollIntoView({block: 'end'})`))
	b.Shot("23-issue-end")
	b.Presses(".subs .issue-row", "")
	b.Sees(".issue-title", "can public gists every hour")
	b.Shot("24-sub-issue")
	b.Presses("#pane button", "Back")
}

func newcomerOnAPhone(t *testing.T, b *browsertest.Browser) {
	b.Do(chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2), chromedp.EmulateMobile, chromedp.EmulateTouch))
	firstPage(t, b)
	b.Shot("phone-01-first-page")

	// This time with the form.
	b.Presses("#composer-text", "")
	b.Types("/incident declare" + kb.Enter)
	b.Sees(".modal h2", "Declare an incident")
	b.Types("Odd process on web-3")
	b.Chooses(".modal select", "P1")
	b.Fits("phone-02-form")
	b.Presses(".modal-foot button", "Declare")
	b.Sees(".modal", "is declared")
	b.Fits("phone-03-declared")
	b.Presses(".modal-foot button", "Close")
	b.Gone(".modal")
	b.Presses(".toast button", "Open")
	b.Sees(".msg.pinned .b-header", "INC-0001")
	b.Sees(".msg.pinned", "paging Bob Brandt")
	b.Fits("phone-04-room")

	// Bob answers with the button in the room.
	b.Presses(".me", "")
	b.Presses(".choice", "Bob Brandt")
	b.Until("this is Bob", `document.querySelector('.me').getAttribute('aria-label').includes('Bob')`)
	b.Presses(".tool", "PagerDuty")
	b.Sees(".page-card", "Paging Bob")
	b.Fits("phone-05-pagerduty")
	b.Presses("#pane button", "Close PagerDuty")
	b.GoesTo("tocsin")
	b.Sees(".msg", "You are paged")
	b.Fits("phone-05b-direct-message")
	b.GoesTo("Tocsin home")
	b.Sees(".home", "You are paged")
	b.Fits("phone-05c-home")
	b.GoesTo("inc-0001")
	b.PressesFirst(".msg.pinned .btn", "Acknowledge")
	b.Sees(".msg", "Bob Brandt acknowledged")
	b.Sees(".msg.pinned", "acknowledged by Bob Brandt")
	b.Fits("phone-06-acknowledged")
	b.Presses(".msg .btn", "Take command")
	b.Sees(".msg.pinned", "Commander: Bob Brandt")
	b.Fits("phone-07-command")

	b.PressesFirst(".msg.pinned .btn", "Post update")
	b.Presses(".modal textarea", "")
	b.Types("The process is a miner. web-3 is cut off.")
	b.Fits("phone-08-update-form")
	b.Presses(".modal-foot button", "Post")
	b.Gone(".modal")
	b.Sees(".msg.pinned", "The process is a miner")
	b.PressesFirst(".msg.pinned .btn", "Resolve")
	b.Presses(".modal textarea", "")
	b.Types("web-3 is rebuilt.")
	b.Presses(".modal-foot button", "Resolve")
	b.Gone(".modal")
	b.Sees(".msg", "Next: the post-mortem, due")
	b.Fits("phone-09-resolved")
	b.Presses(".msg .btn", "Show the draft")
	b.Sees(".msg.ephemeral", "Not written yet")
	b.Fits("phone-10-draft")
	b.Presses(".msg .btn", "Publish")
	b.Sees(".msg", "The post-mortem is published")
	b.Presses(".msg .btn", "Open the issue")
	b.Sees(".issue-title", "INC-0001")
	b.Sees(".issue .markdown", "web-3 is rebuilt.")
	b.Fits("phone-11-issue")
	b.Until("the timeline is drawn", `document.querySelector('.chart .chart-event')`)
	b.Do(chromedp.Evaluate[chromedp.Void](`document.querySelector('.chart').scrollIntoView({block: 'start'})`))
	b.Fits("phone-12-chart")
	b.Presses("#pane button", "Close GitHub")
	b.GoesTo("Tocsin home")
	b.Sees(".home", "Your incidents")
	b.Fits("phone-13-home")
	b.Dark(true)
	b.Fits("phone-14-home-dark")
	b.Dark(false)
	b.Quiet()
}
