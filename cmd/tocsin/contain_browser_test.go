package main

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/tocsin-ir/tocsin/internal/browsertest"
)

// A responder with a phone asks for containment, is told that it is not for them to
// approve, and sees what came of it when Bob did.
func TestContainmentOnAPhone(t *testing.T) {
	b := browsertest.Open(t, "newcomer-").In(t)
	b.Do(chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2), chromedp.EmulateMobile, chromedp.EmulateTouch))
	firstPage(t, b)
	b.Presses("#composer-text", "")
	b.Types("/incident declare p1 okta session theft" + kb.Enter)
	b.Presses(".toast button", "Open")
	b.Sees(".msg.pinned .b-header", "INC-0001")
	b.Presses("#composer-text", "")
	b.Types("/contain okta.suspend-user" + kb.Enter)
	b.Sees(".modal h2", "Contain")
	b.Fits("contain-01-form")
	b.PressesFirst(".modal textarea", "")
	b.Types("mallory@example.com")
	b.Presses(".modal-foot button", "Show the plan")
	b.Sees(".msg", "Approval wanted:")
	b.Fits("contain-02-plan")
	b.PressesFirst(".msg .btn", "Approve")
	b.Sees("dialog, .dialog, .ask", "It is carried out at once")
	b.Fits("contain-03-confirm")
	b.Presses("dialog button, .dialog button, .ask button", "Approve")
	b.Sees(".msg", "You asked for this one")
	b.Fits("contain-04-own")
	b.Presses(".me", "")
	b.Presses(".choice", "Bob Brandt")
	b.Until("this is Bob", `document.querySelector('.me').getAttribute('aria-label').includes('Bob')`)
	b.GoesTo("tocsin")
	b.Sees(".msg", "Approval wanted:")
	b.Fits("contain-05-direct-message")
	b.Presses(".msg .btn", "Approve")
	b.Presses("dialog button, .dialog button, .ask button", "Approve")
	b.GoesTo("inc-0001")
	b.Sees(".msg", "In effect:")
	b.Fits("contain-06-in-effect")
	b.Presses("#composer-text", "")
	b.Types("/contain status 1" + kb.Enter)
	b.Sees(".msg.ephemeral", "INC-0001.C1")
	b.Fits("contain-07-status")
	b.Quiet()
}
