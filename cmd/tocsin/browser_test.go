package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// browser is one tab that a story drives by what a person would see.
type browser struct {
	t   *testing.T
	ctx context.Context
	*complaints
}

// complaints are what the page wrote on its console.
type complaints struct {
	// mu guards everything that follows.
	mu   sync.Mutex
	said []string
}

const chromium = "/usr/bin/chromium"

// openBrowser starts Chromium. Where it is missing the story is skipped, unless
// TOCSIN_TEST_REQUIRE_ALL=1 says that nothing may be.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	if _, err := os.Stat(chromium); err != nil {
		if os.Getenv("TOCSIN_TEST_REQUIRE_ALL") == "1" {
			t.Fatalf("%s is missing: apt-get install chromium", chromium)
		}
		t.Skipf("%s is missing; Debian's package chromium brings it: apt-get install chromium", chromium)
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(chromium), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.UserDataDir(t.TempDir()),
	}
	for _, name := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync"} {
		options = append(options, chromedp.Flag(name, true))
	}
	allocated, closeBrowser := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(closeBrowser)
	ctx, closeTab := chromedp.NewContext(allocated)
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil && !errors.Is(err, context.Canceled) {
			t.Logf("close the browser: %v", err)
		}
		closeTab()
	})
	b := &browser{t: t, ctx: ctx, complaints: &complaints{}}
	// The first run binds the browser to its context: not to one that ends with a step.
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", chromium, err)
	}
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			if kind := string(m.Type); kind == "error" || kind == "exception" || kind == "warning" {
				b.mu.Lock()
				b.said = append(b.said, kind+": "+m.Text)
				b.mu.Unlock()
			}
		}
	}()
	return b
}

// in is the same tab for another story, on a wide light screen again.
func (b *browser) in(t *testing.T) *browser {
	t.Helper()
	next := &browser{t: t, ctx: b.ctx, complaints: b.complaints}
	next.mu.Lock()
	next.said = nil
	next.mu.Unlock()
	next.dark(false)
	next.do(chromedp.Navigate("about:blank"), chromedp.EmulateReset(), chromedp.EmulateViewport(1360, 860))
	return next
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("drive the browser: %v", err)
	}
}

// until waits for a JavaScript expression to be true.
func (b *browser) until(what, expression string) {
	b.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if err == nil && ok {
			return
		}
		time.Sleep(20 * time.Millisecond) // between looks at another process
	}
	b.shot("failed-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.t.Fatalf("never: %s (%s)\nconsole: %s", what, expression, strings.Join(b.said, "\n"))
}

// sees waits until text is shown inside what selector finds.
func (b *browser) sees(selector, text string) {
	b.t.Helper()
	b.until(fmt.Sprintf("%q in %s", text, selector),
		fmt.Sprintf(`[...document.querySelectorAll(%q)].some((n) => n.checkVisibility() && n.innerText.includes(%q))`, selector, text))
}

func (b *browser) gone(selector string) {
	b.t.Helper()
	b.until("nothing at "+selector, fmt.Sprintf(`!document.querySelector(%q)?.checkVisibility()`, selector))
}

// presses clicks, with the mouse, the last visible control whose words or label
// contain name.
func (b *browser) presses(selector, name string) {
	b.t.Helper()
	b.press(selector, name, "pop")
}

// pressesFirst clicks the first of them.
func (b *browser) pressesFirst(selector, name string) {
	b.t.Helper()
	b.press(selector, name, "shift")
}

func (b *browser) press(selector, name, which string) {
	b.t.Helper()
	find := fmt.Sprintf(`[...document.querySelectorAll(%q)].filter((n) => n.checkVisibility({visibilityProperty: true}) && (n.innerText + ' ' + (n.getAttribute('aria-label') || '')).includes(%q)).%s()`, selector, name, which)
	b.until(name+" at "+selector, find)
	// In the middle of the list nothing floats above it. It is measured when it has not
	// moved for some frames: the page may be drawing what others did.
	at, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]float64](fmt.Sprintf(`(async () => {
		let still = 0, x = 0, y = 0;
		for (let i = 0; i < 120 && still < 6; i++) {
			const found = %[1]s;
			if (found && i %% 30 === 0) found.scrollIntoView({block: found.closest('.msg') ? 'center' : 'nearest'});
			const r = found?.getBoundingClientRect();
			const [left, top] = r ? [r.left + r.width / 2, r.top + r.height / 2] : [0, 0];
			still = r && left === x && top === y ? still + 1 : 0;
			[x, y] = [left, top];
			await new Promise((done) => requestAnimationFrame(done));
		}
		return [x, y];
	})()`, find), chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("find %s: %v", name, err)
	}
	b.do(chromedp.MouseClickXY(at[0], at[1]))
}

// message is a selector for the last message that contains text.
func (b *browser) message(text string) string {
	b.t.Helper()
	b.sees(".msg .text", text)
	ts, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](fmt.Sprintf(
		`[...document.querySelectorAll('.msg')].filter((n) => n.innerText.includes(%q)).pop().dataset.ts`, text)))
	if err != nil {
		b.t.Fatalf("find the message %q: %v", text, err)
	}
	return fmt.Sprintf("[data-ts=%q]", ts)
}

// pins reacts to a message with a pushpin, which keeps it as a key event.
func (b *browser) pins(msg string) {
	b.t.Helper()
	b.presses(msg+" .who", "")
	b.presses(msg+" .tools button", "Add a reaction")
	b.presses(".emoji-choice", "pushpin")
	b.sees(msg+" .reaction.mine", "1")
}

// goesTo opens a place from the drawer of a phone.
func (b *browser) goesTo(place string) {
	b.t.Helper()
	b.presses(".tool", "Channels")
	b.until("the drawer is open", `Math.abs(document.getElementById('sidebar').getBoundingClientRect().left) < 1`)
	b.presses(".place", place)
	b.until("the drawer is shut", `document.getElementById('sidebar').getBoundingClientRect().right < 1`)
}

// fits fails when anything is wider than the phone's screen, and takes a picture.
func (b *browser) fits(name string) {
	b.t.Helper()
	b.until(name+" fits the screen", `document.documentElement.scrollWidth <= 390 &&
		[...document.querySelectorAll('button, input, textarea, .blocks')]
			.filter((n) => n.checkVisibility({visibilityProperty: true}) && !n.closest('.bookmarks, .table-wrap'))
			.every((n) => n.getBoundingClientRect().right <= 391)`)
	b.shot(name)
}

// chooses picks, in the first list selector finds, the entry whose words contain name.
func (b *browser) chooses(selector, name string) {
	b.t.Helper()
	b.until(name+" to choose at "+selector, fmt.Sprintf(`(() => {
		const list = [...document.querySelectorAll(%q)].find((n) => n.checkVisibility());
		const entry = [...(list?.options || [])].find((o) => o.text.includes(%q));
		if (!entry) return false;
		list.value = entry.value;
		list.dispatchEvent(new Event('change', {bubbles: true}));
		return true;
	})()`, selector, name))
}

func (b *browser) types(keys string) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys))
}

func (b *browser) dark(on bool) {
	b.t.Helper()
	value := "light"
	if on {
		value = "dark"
	}
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: value}},
	})
	if err != nil {
		b.t.Fatalf("choose colours: %v", err)
	}
}

// shot keeps a picture in the directory TOCSIN_SCREENSHOTS names, if it does.
func (b *browser) shot(name string) {
	b.t.Helper()
	dir := os.Getenv("TOCSIN_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatalf("take a picture: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "newcomer-"+name+".png"), png, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// quiet ends the story: it leaves the page, and fails if the page complained on its
// console. Refusals (4xx) are part of the stories.
func (b *browser) quiet() {
	b.t.Helper()
	b.do(chromedp.Navigate("about:blank"))
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, line := range b.said {
		if !strings.Contains(line, "the server responded with a status of 4") {
			b.t.Errorf("the console says %s", line)
		}
	}
}
