// Package mask finds secrets in text before it leaves the room and puts the name of
// what was found in their place. Tokens and keys are found by gitleaks' rules; what
// people paste by hand ("password: hunter2") and passwords inside addresses by a few
// patterns of ours, because gitleaks wants length and entropy that such passwords lack.
//
// Masking is a net, not a promise: a secret that looks like an ordinary word passes.
package mask

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/rs/zerolog"
	"github.com/zricethezav/gitleaks/v8/detect"
	"github.com/zricethezav/gitleaks/v8/logging"
)

// MaxText is how many bytes of one text are searched, which takes about three seconds.
// Longer text is masked whole.
const MaxText = 2 << 20

// minName is the shortest name masked, in runes: shorter ones are parts of every text.
const minName = 3

// Finding says what was masked, never the secret itself.
type Finding struct {
	Rule  string // gitleaks' rule id, or "password", "address with password", "confidential name"
	Count int    // how often it was replaced
}

// Mask finds and masks. Its zero value knows gitleaks' rules and no names. It is safe
// for concurrent use.
type Mask struct {
	names []*regexp.Regexp
}

// detector is made once for the whole program and by the first text, not at the start:
// compiling some two hundred rules takes a noticeable part of a second, which a
// restart in the middle of an incident should not. None of its state changes while it
// searches.
var detector = sync.OnceValues(func() (*detect.Detector, error) {
	logging.Logger = zerolog.Nop() // it would print to standard error what it finds
	d, err := detect.NewDetectorDefaultConfig()
	if err != nil {
		return nil, err
	}
	d.IgnoreGitleaksAllow = true // a comment in a pasted text must not switch masking off
	d.MaxDecodeDepth = 2         // base64 inside base64, as in a Kubernetes secret
	return d, nil
})

// With is a Mask that masks these names too, as whole words and in any case: the
// title of a confidential incident, a project nobody may hear of. Names under three
// runes are left out.
func (m *Mask) With(names ...string) *Mask {
	more := &Mask{names: slices.Clip(m.names)}
	for _, n := range names {
		words := strings.Fields(n)
		if utf8.RuneCountInString(strings.Join(words, "")) < minName {
			continue
		}
		for i, w := range words {
			words[i] = regexp.QuoteMeta(w)
		}
		more.names = append(more.names, regexp.MustCompile(`(?i)`+strings.Join(words, `\s+`)))
	}
	return more
}

// Text is s with every secret replaced by "[masked: rule]", and what was found, one
// Finding for each rule.
func (m *Mask) Text(s string) (masked string, found []Finding) {
	if len(s) > MaxText {
		return "[masked: too long to be searched for secrets]", []Finding{{"too long", 1}}
	}
	rules, err := detector()
	if err != nil { // rather all than what nobody searched
		return "[masked: the rules that find secrets cannot be read]", []Finding{{"no rules", 1}}
	}
	var spans []span
	for _, f := range rules.DetectString(s) {
		spans = append(spans, locate(s, f.Secret, f.Match, f.RuleID)...)
	}
	spans = append(spans, pasted(s)...)
	for _, re := range m.names {
		for _, at := range re.FindAllStringIndex(s, -1) {
			if wholeWord(s, at[0], at[1]) {
				spans = append(spans, span{at[0], at[1], "confidential name"})
			}
		}
	}
	return replace(s, spans)
}

// span is a stretch of bytes to mask.
type span struct {
	from, to int
	rule     string
}

// locate finds every place of a secret. One that gitleaks found by decoding is not in
// the text as it is: then the stretches that decode to it are masked.
func locate(s, secret, match, rule string) []span {
	for _, what := range []string{strings.TrimSpace(secret), strings.TrimSpace(match)} {
		if spans := everywhere(s, what, rule); len(spans) > 0 {
			return spans
		}
	}
	var out []span
	for _, at := range encoded.FindAllStringIndex(s, -1) {
		out = append(out, span{at[0], at[1], rule})
	}
	if len(out) == 0 { // found, but nowhere: rather all than nothing
		out = append(out, span{0, len(s), rule})
	}
	return out
}

// encoded is what base64, hexadecimal and percent encoding look like.
var encoded = regexp.MustCompile(`[A-Za-z0-9+/_=%\\-]{16,}`)

func everywhere(s, what, rule string) (out []span) {
	if what == "" {
		return nil
	}
	for from := 0; ; {
		i := strings.Index(s[from:], what)
		if i < 0 {
			return out
		}
		out = append(out, span{from + i, from + i + len(what), rule})
		from += i + len(what)
	}
}

func wholeWord(s string, from, to int) bool {
	before, _ := utf8.DecodeLastRuneInString(s[:from])
	after, _ := utf8.DecodeRuneInString(s[to:])
	letter := func(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
	return !letter(before) && !letter(after)
}

// replace masks the spans; where they overlap, the whole stretch is one.
func replace(s string, spans []span) (string, []Finding) {
	if len(spans) == 0 {
		return s, nil
	}
	slices.SortFunc(spans, func(a, b span) int {
		if a.from != b.from {
			return a.from - b.from
		}
		return b.to - a.to
	})
	var out strings.Builder
	count := map[string]int{}
	var order []string
	end := 0
	for i := 0; i < len(spans); {
		at := spans[i]
		for i++; i < len(spans) && spans[i].from < at.to; i++ {
			at.to = max(at.to, spans[i].to)
		}
		out.WriteString(s[end:at.from])
		out.WriteString("[masked: " + at.rule + "]")
		if count[at.rule] == 0 {
			order = append(order, at.rule)
		}
		count[at.rule]++
		end = at.to
	}
	out.WriteString(s[end:])
	var found []Finding
	for _, rule := range order {
		found = append(found, Finding{rule, count[rule]})
	}
	return out.String(), found
}
