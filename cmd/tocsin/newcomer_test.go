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
)

// What somebody does who has just cloned the repository and typed `make demo`: by
// mouse and keyboard, in a browser, with nothing but what the page shows. Pictures go
// to the directory TOCSIN_SCREENSHOTS names.
func TestNewcomer(t *testing.T) {
	b := openBrowser(t)
	t.Run("at a desk", func(t *testing.T) { newcomerAtADesk(t, b.in(t)) })
	t.Run("on a phone", func(t *testing.T) { newcomerOnAPhone(t, b.in(t)) })
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
func firstPage(t *testing.T, b *browser) {
	t.Helper()
	began := time.Now()
	url := startPage(t)
	b.do(chromedp.Navigate(url))
	b.sees(".hints", "Declare")
	took := time.Since(began)
	t.Logf("time to first page, from the start of the demo: %.1f s", took.Seconds())
	if took > 10*time.Second {
		t.Errorf("the first page took %s", took)
	}
}

func newcomerAtADesk(t *testing.T, b *browser) {
	firstPage(t, b)
	b.shot("01-first-page")

	// The hint card puts the first command into the box; Enter declares.
	b.presses(".hint-card", "Declare")
	b.until("the hint is typed", `document.getElementById('composer-text').value.startsWith('/incident declare p1 ')`)
	b.shot("02-hint-typed")
	b.presses("#composer-text", "")
	b.types(kb.Enter)
	b.sees(".place", "inc-0001")
	b.shot("03-declared")
	b.presses(".place", "inc-0001")
	b.sees(".msg.pinned .b-header", "INC-0001")
	b.sees(".msg", "Paging primary on-call")
	b.shot("04-room")

	// PagerDuty says who is paged. Bob answers there.
	b.presses(".tool", "PagerDuty")
	b.sees(".page-card", "Paging Bob")
	b.shot("05-pagerduty-paging")
	b.chooses(".act-as select", "Bob")
	b.presses(".page-card .btn", "Acknowledge")
	b.sees(".page-card", "has it")
	b.sees(".msg", "acknowledged")
	b.shot("06-acknowledged")
	b.presses("#pane button", "Close PagerDuty")

	// A role by button.
	b.presses(".msg .btn", "Take command")
	b.sees(".msg.pinned", "Commander: Alice Archer")
	b.shot("07-command-taken")

	// An update through the form.
	b.pressesFirst(".msg.pinned .btn", "Post update")
	b.sees(".modal h2", "Status update")
	b.shot("08-update-form")
	b.presses(".modal textarea", "")
	b.types("The key is revoked. We look at what it was used for. Next update in 20 minutes.")
	b.presses(".modal-foot button", "Post")
	b.gone(".modal")
	b.sees(".msg.pinned", "The key is revoked")
	b.shot("09-update-posted")

	// Another severity, with a reason.
	b.pressesFirst(".msg.pinned .btn", "Severity")
	b.sees(".modal h2", "severity")
	b.chooses(".modal select", "P2")
	b.presses(".modal-foot button", "Change")
	b.sees(".modal .error", "needs a reason")
	b.shot("10-severity-refused")
	b.presses(".modal textarea", "")
	b.types("the key could only read")
	b.presses(".modal-foot button", "Change")
	b.gone(".modal")
	b.sees(".msg.pinned .b-header", "P2")
	b.shot("11-severity")

	// A task, typed with completion.
	b.presses("#composer-text", "")
	b.types("/incident task")
	b.sees(".suggestion", "/incident task")
	b.shot("12-task-completion")
	b.types(" add rotate the other keys owner:@bob" + kb.Enter)
	b.sees(".msg", "rotate the other keys")
	b.shot("13-task")

	// What somebody said is kept with a pushpin.
	b.presses("#composer-text", "")
	b.types("09:12 the key listed three buckets" + kb.Enter)
	kept := b.message("listed three buckets")
	b.pins(kept)
	b.shot("14-pushpin")

	// The end, by form.
	b.pressesFirst(".msg.pinned .btn", "Resolve")
	b.sees(".modal h2", "Resolve")
	b.presses(".modal textarea", "")
	b.types("A key was on a paste site for 40 minutes. It is revoked and was only used to list buckets.")
	b.shot("15-resolve-form")
	b.presses(".modal-foot button", "Resolve")
	b.gone(".modal")
	b.sees(".msg.pinned", "Resolved")
	b.presses(".jump", "New messages")
	b.sees(".msg", "Next: the post-mortem, due")
	b.shot("16-resolved")

	b.writesUp()
	b.reads()
	b.dark(true)
	b.shot("25-dark-issue")
	b.presses("#pane button", "Close GitHub")
	b.shot("26-dark-room")
	b.presses(".place", "Tocsin home")
	b.sees("#head h1", "home")
	b.sees(".home", "Your incidents")
	b.shot("27-dark-home")
	b.presses(".place", "tocsin")
	b.sees(".msg", "The post-mortem is yours")
	b.shot("28-dark-direct-message")
	b.dark(false)
	b.quiet()
}

// writesUp looks at the draft, writes one section and publishes.
func (b *browser) writesUp() {
	b.t.Helper()
	b.presses(".msg .btn", "Show the draft")
	b.sees(".msg.ephemeral", "Not written yet")
	b.shot("17-draft")
	b.presses(".msg .btn", "Edit")
	b.sees(".modal h2", "Edit the post-mortem")
	b.sees(".modal .b-label", "Root cause")
	b.shot("18-edit-form")
	b.pressesFirst(".modal textarea", "")
	b.types("Nobody outside was affected.")
	b.presses(".modal-foot button", "Save")
	b.gone(".modal")
	b.presses(".msg .btn", "Add an action item")
	b.sees(".modal h2", "Add an action item")
	b.presses(".modal textarea", "")
	b.types("scan public gists every hour")
	b.chooses(".modal .b-input:has(textarea) ~ .b-input ~ .b-input select", "Carol")
	b.shot("19-item-form")
	b.presses(".modal-foot button", "Add")
	b.gone(".modal")
	b.sees(".msg", "scan public gists")
	b.presses(".msg .btn", "Publish")
	b.sees(".msg", "The post-mortem is published")
	b.shot("20-published")
}

// reads opens the issue in the GitHub panel: words, chart, action item.
func (b *browser) reads() {
	b.t.Helper()
	b.presses(".tool", "GitHub")
	b.presses(".issue-row", "INC-0001")
	b.sees(".issue .markdown", "Nobody outside was affected.")
	b.shot("21-issue")
	b.until("the timeline is drawn", `document.querySelector('.chart .chart-event')`)
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('.chart').scrollIntoView({block: 'start'})`))
	b.shot("22-issue-chart")
	b.sees(".subs", "of 1 done")
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('.subs').scrollIntoView({block: 'end'})`))
	b.shot("23-issue-end")
	b.presses(".subs .issue-row", "")
	b.sees(".issue-title", "can public gists every hour")
	b.shot("24-sub-issue")
	b.presses("#pane button", "Back")
}

func newcomerOnAPhone(t *testing.T, b *browser) {
	b.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2), chromedp.EmulateMobile, chromedp.EmulateTouch))
	firstPage(t, b)
	b.shot("phone-01-first-page")

	// This time with the form.
	b.presses("#composer-text", "")
	b.types("/incident declare" + kb.Enter)
	b.sees(".modal h2", "Declare an incident")
	b.types("Odd process on web-3")
	b.chooses(".modal select", "P1")
	b.fits("phone-02-form")
	b.presses(".modal-foot button", "Declare")
	b.sees(".modal", "is declared")
	b.fits("phone-03-declared")
	b.presses(".modal-foot button", "Close")
	b.gone(".modal")
	b.presses(".toast button", "Open")
	b.sees(".msg.pinned .b-header", "INC-0001")
	b.sees(".msg.pinned", "paging Bob Brandt")
	b.fits("phone-04-room")

	// Bob answers with the button in the room.
	b.presses(".me", "")
	b.presses(".choice", "Bob Brandt")
	b.until("this is Bob", `document.querySelector('.me').getAttribute('aria-label').includes('Bob')`)
	b.presses(".tool", "PagerDuty")
	b.sees(".page-card", "Paging Bob")
	b.fits("phone-05-pagerduty")
	b.presses("#pane button", "Close PagerDuty")
	b.goesTo("tocsin")
	b.sees(".msg", "You are paged")
	b.fits("phone-05b-direct-message")
	b.goesTo("Tocsin home")
	b.sees(".home", "You are paged")
	b.fits("phone-05c-home")
	b.goesTo("inc-0001")
	b.pressesFirst(".msg.pinned .btn", "Acknowledge")
	b.sees(".msg", "Bob Brandt acknowledged")
	b.sees(".msg.pinned", "acknowledged by Bob Brandt")
	b.fits("phone-06-acknowledged")
	b.presses(".msg .btn", "Take command")
	b.sees(".msg.pinned", "Commander: Bob Brandt")
	b.fits("phone-07-command")

	b.pressesFirst(".msg.pinned .btn", "Post update")
	b.presses(".modal textarea", "")
	b.types("The process is a miner. web-3 is cut off.")
	b.fits("phone-08-update-form")
	b.presses(".modal-foot button", "Post")
	b.gone(".modal")
	b.sees(".msg.pinned", "The process is a miner")
	b.pressesFirst(".msg.pinned .btn", "Resolve")
	b.presses(".modal textarea", "")
	b.types("web-3 is rebuilt.")
	b.presses(".modal-foot button", "Resolve")
	b.gone(".modal")
	b.sees(".msg", "Next: the post-mortem, due")
	b.fits("phone-09-resolved")
	b.presses(".msg .btn", "Show the draft")
	b.sees(".msg.ephemeral", "Not written yet")
	b.fits("phone-10-draft")
	b.presses(".msg .btn", "Publish")
	b.sees(".msg", "The post-mortem is published")
	b.presses(".msg .btn", "Open the issue")
	b.sees(".issue-title", "INC-0001")
	b.sees(".issue .markdown", "web-3 is rebuilt.")
	b.fits("phone-11-issue")
	b.until("the timeline is drawn", `document.querySelector('.chart .chart-event')`)
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector('.chart').scrollIntoView({block: 'start'})`))
	b.fits("phone-12-chart")
	b.presses("#pane button", "Close GitHub")
	b.goesTo("Tocsin home")
	b.sees(".home", "Your incidents")
	b.fits("phone-13-home")
	b.dark(true)
	b.fits("phone-14-home-dark")
	b.dark(false)
	b.quiet()
}
