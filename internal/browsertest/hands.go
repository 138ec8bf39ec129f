package browsertest

import (
	"fmt"

	"github.com/chromedp/chromedp"
)

// Presses clicks, with the mouse, the last visible control whose words or label
// contain name.
func (b *Browser) Presses(selector, name string) {
	b.t.Helper()
	b.press(selector, name, "pop")
}

// PressesFirst clicks the first such control.
func (b *Browser) PressesFirst(selector, name string) {
	b.t.Helper()
	b.press(selector, name, "shift")
}

func (b *Browser) press(selector, name, which string) {
	b.t.Helper()
	find := fmt.Sprintf(`[...document.querySelectorAll(%q)].filter((n) => n.checkVisibility({visibilityProperty: true}) && (n.innerText + ' ' + (n.getAttribute('aria-label') || '')).includes(%q)).%s()`, selector, name, which)
	b.Until(name+" at "+selector, find)
	// In the middle of the list nothing floats above it. It is measured when it has not
	// moved for some frames: the page may be drawing what others did.
	at := Value[[]float64](b, fmt.Sprintf(`(async () => {
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
	})()`, find))
	b.Do(chromedp.MouseClickXY(at[0], at[1]))
}

// Chooses picks, in the first list selector finds, the entry whose words contain name.
func (b *Browser) Chooses(selector, name string) {
	b.t.Helper()
	b.Until(name+" to choose at "+selector, fmt.Sprintf(`(() => {
		const list = [...document.querySelectorAll(%q)].find((n) => n.checkVisibility());
		const entry = [...(list?.options || [])].find((o) => o.text.includes(%q));
		if (!entry) return false;
		list.value = entry.value;
		list.dispatchEvent(new Event('change', {bubbles: true}));
		return true;
	})()`, selector, name))
}

// Types presses keys, on whatever has the focus.
func (b *Browser) Types(keys string) {
	b.t.Helper()
	b.Do(chromedp.KeyEvent(keys))
}
