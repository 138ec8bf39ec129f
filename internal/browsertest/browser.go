// Package browsertest drives the sandbox's page in Chromium by what a person would see
// and do there: mouse, keyboard, words on the screen. Only tests import it.
package browsertest

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

// Browser is one tab that a story drives by what a person would see.
type Browser struct {
	t       *testing.T
	ctx     context.Context
	picture string // what names of pictures begin with
	*complaints
}

// complaints are what the page wrote on its console.
type complaints struct {
	// mu guards everything that follows.
	mu   sync.Mutex
	said []string
}

const chromium = "/usr/bin/chromium"

// Open starts Chromium, which ends with the test. Where it is missing the story is skipped,
// unless TOCSIN_TEST_REQUIRE_ALL=1 says that nothing may be. The files of pictures begin
// with picture.
func Open(t *testing.T, picture string) *Browser {
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
	b := &Browser{t: t, ctx: ctx, picture: picture, complaints: &complaints{}}
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

// In is the same tab for another story, on a wide light screen again.
func (b *Browser) In(t *testing.T) *Browser {
	t.Helper()
	next := &Browser{t: t, ctx: b.ctx, picture: b.picture, complaints: b.complaints}
	next.mu.Lock()
	next.said = nil
	next.mu.Unlock()
	next.Dark(false)
	next.Do(chromedp.Navigate("about:blank"), chromedp.EmulateReset(), chromedp.EmulateViewport(1360, 860))
	return next
}

// Do carries out steps that have no word of their own here.
func (b *Browser) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("drive the browser: %v", err)
	}
}

// Until waits for a JavaScript expression to be true.
func (b *Browser) Until(what, expression string) {
	b.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if err == nil && ok {
			return
		}
		time.Sleep(20 * time.Millisecond) // between looks at another process
	}
	b.Shot("failed-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.t.Fatalf("never: %s (%s)\nconsole: %s", what, expression, strings.Join(b.said, "\n"))
}

// Value is what a JavaScript expression gives; of a promise, what it comes to.
func Value[T any](b *Browser, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("ask the page: %v (%s)", err, expression)
	}
	return v
}

// Sees waits until text is shown inside what selector finds.
func (b *Browser) Sees(selector, text string) {
	b.t.Helper()
	b.Until(fmt.Sprintf("%q in %s", text, selector),
		fmt.Sprintf(`[...document.querySelectorAll(%q)].some((n) => n.checkVisibility() && n.innerText.includes(%q))`, selector, text))
}

// Gone waits until nothing is shown at selector.
func (b *Browser) Gone(selector string) {
	b.t.Helper()
	b.Until("nothing at "+selector, fmt.Sprintf(`!document.querySelector(%q)?.checkVisibility()`, selector))
}

// Dark is somebody whose system prefers dark colours, or no longer.
func (b *Browser) Dark(on bool) {
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

// Shot keeps a picture in the directory TOCSIN_SCREENSHOTS names, if it does.
func (b *Browser) Shot(name string) {
	b.t.Helper()
	dir := os.Getenv("TOCSIN_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatalf("take a picture: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, b.picture+name+".png"), png, 0o600); err != nil { //nolint:gosec // G703: whoever runs the test names the directory
		b.t.Fatal(err)
	}
}

// Quiet ends the story: it leaves the page, and fails if the page complained on its
// console. Refusals (4xx) are part of the stories.
func (b *Browser) Quiet() {
	b.t.Helper()
	b.Do(chromedp.Navigate("about:blank"))
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, line := range b.said {
		if !strings.Contains(line, "the server responded with a status of 4") {
			b.t.Errorf("the console says %s", line)
		}
	}
}
