package browsertest

import "fmt"

// Message is a selector for the last message that contains text.
func (b *Browser) Message(text string) string {
	b.t.Helper()
	b.Sees(".msg .text", text)
	ts := Value[string](b, fmt.Sprintf(`[...document.querySelectorAll('.msg')].filter((n) => n.innerText.includes(%q)).pop().dataset.ts`, text))
	return fmt.Sprintf("[data-ts=%q]", ts)
}

// Pins reacts to a message with a pushpin, which keeps it as a key event.
func (b *Browser) Pins(msg string) {
	b.t.Helper()
	b.Presses(msg+" .who", "")
	b.Presses(msg+" .tools button", "Add a reaction")
	b.Presses(".emoji-choice", "pushpin")
	b.Sees(msg+" .reaction.mine", "1")
}

// GoesTo opens a place from the drawer of a phone.
func (b *Browser) GoesTo(place string) {
	b.t.Helper()
	b.Presses(".tool", "Channels")
	b.Until("the drawer is open", `Math.abs(document.getElementById('sidebar').getBoundingClientRect().left) < 1`)
	b.Presses(".place", place)
	b.Until("the drawer is shut", `document.getElementById('sidebar').getBoundingClientRect().right < 1`)
}

// Fits fails when anything is wider than the phone's screen, and takes a picture.
func (b *Browser) Fits(name string) {
	b.t.Helper()
	b.Until(name+" fits the screen", `document.documentElement.scrollWidth <= 390 &&
		[...document.querySelectorAll('button, input, textarea, .blocks')]
			.filter((n) => n.checkVisibility({visibilityProperty: true}) && !n.closest('.bookmarks, .table-wrap'))
			.every((n) => n.getBoundingClientRect().right <= 391)`)
	b.Shot(name)
}
