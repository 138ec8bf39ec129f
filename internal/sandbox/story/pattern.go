package story

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A pattern is how a step is written: words as they are, a|b for either, [x] for what
// may be left out, and <name> for what the story fills in. The name says what fits:
// <who>, <channel>, <n>, <duration>, <vendor>; any other takes one word or quotation.
type pattern []part

type part struct {
	either []string // keywords
	arg    string
	maybe  pattern
}

var patternWords = regexp.MustCompile(`\[|\]|<[\w-]+>|[^\s\[\]<>]+`)

// compile reads a pattern; patterns are constants of this package.
func compile(text string) pattern {
	stack := []pattern{nil}
	for _, w := range patternWords.FindAllString(text, -1) {
		top := len(stack) - 1
		switch {
		case w == "[":
			stack = append(stack, nil)
		case w == "]":
			stack[top-1] = append(stack[top-1], part{maybe: stack[top]})
			stack = stack[:top]
		case w[0] == '<':
			stack[top] = append(stack[top], part{arg: w[1 : len(w)-1]})
		default:
			stack[top] = append(stack[top], part{either: strings.Split(w, "|")})
		}
	}
	return stack[0]
}

// args are what a story filled into a pattern. A keyword of several is under the
// first of them: "in|on" under "in".
type args map[string]string

func (a args) has(name string) bool { _, ok := a[name]; return ok }

func (a args) number(name string, otherwise int) int {
	n, err := strconv.Atoi(a[name])
	if err != nil {
		return otherwise
	}
	return n
}

func (a args) duration(name string) time.Duration {
	d, _ := parseDuration(a[name])
	return d
}

// match reports how far the words follow the pattern when they do not follow it to
// the end.
func (p pattern) match(words []word) (a args, far int, ok bool) {
	a = args{}
	ok = follow(p, words, 0, a, &far)
	return a, far, ok
}

func follow(p pattern, words []word, at int, a args, far *int) bool {
	*far = max(*far, at)
	if len(p) == 0 {
		return at == len(words)
	}
	head, rest := p[0], p[1:]
	if head.maybe != nil {
		before := map[string]string{}
		for k, v := range a {
			before[k] = v
		}
		if follow(append(slices.Clone(head.maybe), rest...), words, at, a, far) {
			return true
		}
		clear(a)
		for k, v := range before {
			a[k] = v
		}
		return follow(rest, words, at, a, far)
	}
	if at >= len(words) {
		return false
	}
	w := words[at]
	if head.arg == "" {
		if w.quoted || !slices.Contains(head.either, w.text) {
			return false
		}
		a[head.either[0]] = w.text
		return follow(rest, words, at+1, a, far)
	}
	if !fits(head.arg, w) {
		return false
	}
	a[head.arg] = w.text
	return follow(rest, words, at+1, a, far)
}

var (
	nameShape    = regexp.MustCompile(`^[a-z][a-z0-9._-]*$`)
	channelShape = regexp.MustCompile(`^#?[a-z0-9_*-]+$`)
)

// vendors and channel words are no names of people.
var notPeople = []string{"channel", "pagerduty", "github", "slack", "okta", "aws", "cloudflare", "timeline", "wait", "speed", "tocsin"}

func fits(arg string, w word) bool {
	kind, _, _ := strings.Cut(arg, "-")
	switch kind {
	case "who":
		return !w.quoted && nameShape.MatchString(w.text) && !slices.Contains(notPeople, w.text)
	case "channel":
		return !w.quoted && channelShape.MatchString(w.text)
	case "n":
		_, err := strconv.Atoi(w.text)
		return err == nil
	case "duration":
		_, ok := parseDuration(w.text)
		return ok
	case "vendor":
		return slices.Contains([]string{"slack", "pagerduty", "github", "okta", "aws", "cloudflare"}, w.text)
	case "emoji":
		return len(w.text) > 2 && w.text[0] == ':' && strings.HasSuffix(w.text, ":")
	case "text", "message", "title", "label":
		return w.quoted || strings.HasPrefix(w.text, "file:")
	}
	return true
}

// parseDuration reads 90s, 5m, 1h30m and days: 2d.
func parseDuration(text string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err == nil && n > 0
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d > 0
}

// String writes the pattern as it is documented.
func (p pattern) String() string {
	var out []string
	for _, x := range p {
		switch {
		case x.maybe != nil:
			out = append(out, "["+x.maybe.String()+"]")
		case x.arg != "":
			out = append(out, "<"+x.arg+">")
		default:
			out = append(out, strings.Join(x.either, "|"))
		}
	}
	return strings.Join(out, " ")
}
