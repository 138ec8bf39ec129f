package bot

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/tocsin-ir/tocsin/incident"
)

// MaxLine is the longest line that is read, in runes: the longest text somebody may
// hand in, and room for the words around it.
const MaxLine = incident.MaxText + 2_000

// words is a line taken apart. Words that were understood are marked as used; what
// is left over is the free text, exactly as it was typed.
type words struct {
	list  []word
	users map[string]string // Slack user id by the mention as it reads: "@bob"
	now   time.Time
	zone  *time.Location
}

type word struct {
	gap    string // white space before it
	raw    string // as typed, Slack's mark-up read
	text   string // without quotes
	quoted bool
	used   bool
}

// read takes a line apart. marked says that the text carries Slack's mark-up and
// entities, as slash commands and messages do, and forms and terminals do not.
func read(line string, marked bool, now time.Time, zone *time.Location) (*words, error) {
	if n := len([]rune(line)); n > MaxLine {
		return nil, incident.Refuse("too-long",
			"That is "+count(n, "character")+" long; at most "+count(MaxLine, "character")+" can be read.",
			"Say it shorter, and attach the rest as a file.")
	}
	if zone == nil {
		zone = time.UTC
	}
	users := map[string]string{}
	return &words{split(line, marked, users), users, now, zone}, nil
}

// split cuts at white space; a quoted stretch and a piece of Slack's mark-up stay whole.
func split(line string, marked bool, users map[string]string) []word {
	var out []word
	r := []rune(line)
	open := map[string]bool{} // families of quotes that are not closed any more
	for i := 0; i < len(r); {
		start := i
		for i < len(r) && unicode.IsSpace(r[i]) {
			i++
		}
		gap := string(r[start:i])
		if i == len(r) {
			break
		}
		end := tokenEnd(r, i, marked, open)
		token := string(r[i:end])
		if marked {
			token = unmark(token, users)
		}
		out = append(out, newWord(gap, token))
		i = end
	}
	return out
}

// tokenEnd finds where the token that begins at i ends. A quote opens at the start of
// a token or after its first ':' or '=', and only if it is closed before white space
// or the end: an apostrophe is no quote.
func tokenEnd(r []rune, i int, marked bool, open map[string]bool) int {
	first := true // a quote may open here
	for i < len(r) && !unicode.IsSpace(r[i]) {
		switch {
		case first && isQuote(r[i]) && !open[family(r[i])]:
			if end := quoteEnd(r, i); end > 0 {
				return end
			}
			open[family(r[i])] = true // nor from any later place: each is looked for once
		case marked && r[i] == '<' && i+1 < len(r) && r[i+1] != ' ':
			if end := markEnd(r, i); end > 0 {
				i = end
				first = false
				continue
			}
		}
		first = r[i] == ':' || r[i] == '='
		i++
	}
	return i
}

// The marks that phones put where somebody typed " or '.
const (
	doubles = "\"“”„‟«»＂"
	singles = "'‘’‚‛"
)

func isQuote(c rune) bool { return strings.ContainsRune(doubles+singles, c) }

func family(c rune) string {
	if strings.ContainsRune(singles, c) {
		return singles
	}
	return doubles
}

func quoteEnd(r []rune, open int) int {
	marks := family(r[open])
	for i := open + 1; i < len(r); i++ {
		if strings.ContainsRune(marks, r[i]) && i > open+1 && (i+1 == len(r) || unicode.IsSpace(r[i+1])) {
			return i + 1
		}
	}
	return 0
}

func markEnd(r []rune, open int) int {
	for i := open + 1; i < len(r); i++ {
		switch r[i] {
		case '>':
			return i + 1
		case '<', '\n':
			return 0
		}
	}
	return 0
}

func newWord(gap, token string) word {
	w := word{gap: gap, raw: token, text: token}
	r := []rune(w.raw)
	if len(r) > 2 && isQuote(r[0]) && quoteEnd(r, 0) == len(r) {
		w.text, w.quoted = string(r[1:len(r)-1]), true
	}
	return w
}

// next takes the first unused word; "" when none is left.
func (w *words) next() (word, bool) {
	for i := range w.list {
		if !w.list[i].used {
			w.list[i].used = true
			return w.list[i], true
		}
	}
	return word{}, false
}

// peek looks at the first unused word, in lower case.
func (w *words) peek() string {
	for i := range w.list {
		if !w.list[i].used {
			return lower(w.list[i].text)
		}
	}
	return ""
}

// take takes the first unused word if it is one of these.
func (w *words) take(any ...string) bool {
	for i := range w.list {
		if w.list[i].used {
			continue
		}
		for _, a := range any {
			if lower(w.list[i].text) == a && !w.list[i].quoted {
				w.list[i].used = true
				return true
			}
		}
		return false
	}
	return false
}

// after takes a bare word from anywhere, and the word that follows it, which is returned; or the same
// as an option. Without the word that follows, ok is false.
func (w *words) after(name string) (text string, there, ok bool) {
	if v, there := w.option(name); there {
		return v.text, true, v.text != ""
	}
	for i := range w.list {
		if w.list[i].used || w.list[i].quoted || lower(w.list[i].text) != name {
			continue
		}
		if i+1 == len(w.list) || w.list[i+1].used {
			return "", true, false
		}
		w.list[i].used, w.list[i+1].used = true, true
		return w.list[i+1].text, true, true
	}
	return "", false, false
}

// untake gives back the last used word, if it is this one.
func (w *words) untake(text string) {
	for i := len(w.list) - 1; i >= 0; i-- {
		if w.list[i].used && lower(w.list[i].text) == text {
			w.list[i].used = false
			return
		}
	}
}

// takeLast takes the last unused word if it is one of these.
func (w *words) takeLast(any ...string) bool {
	for i := len(w.list) - 1; i >= 0; i-- {
		if w.list[i].used {
			continue
		}
		for _, a := range any {
			if lower(w.list[i].text) == a && !w.list[i].quoted {
				w.list[i].used = true
				return true
			}
		}
		return false
	}
	return false
}

// flag takes a bare word from the front or the end of what is left, or --word from
// anywhere, so that "private" in the middle of a title stays a part of it.
func (w *words) flag(name string) bool {
	for i := range w.list {
		if !w.list[i].used && !w.list[i].quoted && lower(w.list[i].text) == "--"+name {
			w.list[i].used = true
			return true
		}
	}
	return w.take(name) || w.takeLast(name)
}

// option takes key:value, key=value, --key=value or "key: value", whose key is one of
// these, from anywhere in the line.
func (w *words) option(keys ...string) (word, bool) {
	for i := range w.list {
		if w.list[i].used || w.list[i].quoted {
			continue
		}
		key, value, ok := cutKey(w.list[i].raw)
		if !ok {
			continue
		}
		for _, k := range keys {
			if key != k {
				continue
			}
			w.list[i].used = true
			if value == "" {
				if i+1 < len(w.list) && !w.list[i+1].used {
					w.list[i+1].used = true
					return w.list[i+1], true
				}
				return word{}, true
			}
			return newWord("", value), true
		}
	}
	return word{}, false
}

func cutKey(raw string) (key, value string, ok bool) {
	at := strings.IndexAny(raw, ":=")
	if at <= 0 {
		return "", "", false
	}
	return strings.TrimPrefix(lower(raw[:at]), "--"), raw[at+1:], true
}

// optionWhen takes key:<time>, the time being as many of the words that follow as read
// as one: "due:tomorrow 9:00". asked is false when the key is not there.
func (w *words) optionWhen(t tense, keys ...string) (at time.Time, asked bool, err error) {
	for i := range w.list {
		key, value, ok := cutKey(w.list[i].raw)
		if !ok || w.list[i].used || w.list[i].quoted || !slices.Contains(keys, key) {
			continue
		}
		w.list[i].used = true
		if d, ok := parseDuration(value); ok && t == future {
			return w.now.Add(d), true, nil // due:2h
		}
		sub := &words{now: w.now, zone: w.zone}
		if value != "" {
			sub.list = append(sub.list, newWord("", value))
		}
		after := i + 1
		for j := after; j < len(w.list) && !w.list[j].used; j++ {
			sub.list = append(sub.list, w.list[j])
		}
		at, ok, err := sub.when(t)
		if err != nil {
			return at, true, err
		}
		if !ok {
			return at, true, incident.Refuse("bad-time", "I cannot read the time after \""+keys[0]+":\".", "Write it as 14:05, tomorrow 9:00, fri, in 2h or 2026-11-23 03:04.")
		}
		taken := len(sub.list) - sub.left()
		if value != "" {
			taken--
		}
		for j := after; j < after+taken; j++ {
			w.list[j].used = true
		}
		return at, true, nil
	}
	return time.Time{}, false, nil
}

// options takes every option of that key; a comma separates several values.
func (w *words) options(keys ...string) []word {
	var out []word
	for {
		v, ok := w.option(keys...)
		if !ok {
			return out
		}
		if v.quoted {
			out = append(out, v)
			continue
		}
		for part := range strings.SplitSeq(v.text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, newWord("", part))
			}
		}
	}
}

// rest takes all that is left as free text: as typed, unless all of it is one quoted
// stretch.
func (w *words) rest() string {
	var b strings.Builder
	n, last := 0, word{}
	for i := range w.list {
		if w.list[i].used {
			continue
		}
		w.list[i].used = true
		if n > 0 {
			b.WriteString(w.list[i].gap)
		}
		n, last = n+1, w.list[i]
		b.WriteString(w.list[i].raw)
	}
	if n == 1 && last.quoted {
		return strings.TrimSpace(last.text)
	}
	return strings.TrimSpace(b.String())
}

// left reports how many words have not been used.
func (w *words) left() int {
	n := 0
	for i := range w.list {
		if !w.list[i].used {
			n++
		}
	}
	return n
}

// lower folds case and the dashes that phones put for "--".
func lower(s string) string {
	s = strings.ToLower(s)
	for _, long := range []string{"—", "–", "―"} {
		if strings.HasPrefix(s, long) {
			s = "--" + strings.TrimPrefix(s, long)
		}
	}
	return dashes.Replace(s)
}

var dashes = strings.NewReplacer("‑", "-", "−", "-", "–", "-")
