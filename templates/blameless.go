package templates

import (
	"regexp"
	"strings"
)

// Hint points at words that blame a person where a system could be described.
type Hint struct {
	Words  string // as written
	Why    string
	Better string
}

var blame = []struct {
	re          *regexp.Regexp
	why, better string
}{
	{regexp.MustCompile(`(?i)\bshould(?:n[’']t)? (?:not )?have\b|\bought to have\b`), "It judges with today's knowledge.", "Say what was known then, and what would have shown more."},
	{regexp.MustCompile(`(?i)\bcould have (?:easily )?\w+`), "It describes an incident that did not happen.", "Say what would make the better path the easy one."},
	{regexp.MustCompile(`(?i)\bhuman error\b|\boperator error\b|\buser error\b`), "It ends the questions too early.", "Say what made the mistake easy and its effect large."},
	{regexp.MustCompile(`(?i)\b(?:careless|negligent|negligence|sloppy|incompetent|lazy|stupid|reckless|clueless)\w*`), "It judges a person.", "Describe what happened and under which conditions."},
	{regexp.MustCompile(`(?i)\b(?:fault of|(?:his|her|their|your|my)(?: own)? fault|to blame|is guilty|blamed?)\b`), "It looks for a culprit.", "Look for the condition that let it happen."},
	{regexp.MustCompile(`(?i)\bfailed to \w+|\bneglected to \w+|\bforgot to \w+|\bdidn[’']t bother\b`), "It names a person's lapse.", "Say what was not done, and what should have prompted or prevented it."},
	{regexp.MustCompile(`(?i)\b(?:obviously|simply|of course|common sense)\b`), "It was not obvious then.", "Leave it out."},
}

const maxHints = 10

// Blameful finds blaming words in a text of a post-mortem, in their order, at most
// ten. It hints; it forbids nothing.
func Blameful(text string) []Hint {
	var out []Hint
	type found struct {
		at   int
		hint Hint
	}
	var all []found
	for _, b := range blame {
		for _, m := range b.re.FindAllStringIndex(text, maxHints) {
			all = append(all, found{m[0], Hint{strings.ToValidUTF8(text[m[0]:m[1]], ""), b.why, b.better}})
		}
	}
	for len(all) > 0 && len(out) < maxHints {
		first := 0
		for i := range all {
			if all[i].at < all[first].at {
				first = i
			}
		}
		out = append(out, all[first].hint)
		all = append(all[:first], all[first+1:]...)
	}
	return out
}
