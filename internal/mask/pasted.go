package mask

import (
	"regexp"
	"strings"
	"unicode"
)

// What people paste by hand. gitleaks' generic rule wants ten characters and high
// entropy, and no rule of its knows a password inside an address.
var (
	assigned = regexp.MustCompile(`(?i)(?:^|[^\pL\pN])(?:pass(?:word|wd|phrase|code)?|pwd|secret|api[_ -]?key|token|credentials?|kennwort|passwort)["'` + "`" + `*_]*[ \t]*(:=|=>|[:=]|\bis\b|\bwas\b)["'` + "`" + `*_ \t]*([^\s"'` + "`" + `,;<>]{4,200})([^\r\n]*)`)
	address  = regexp.MustCompile(`\b[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@]{0,200}:([^\s/@]{1,200})@`)
)

// pasted finds passwords that were told rather than stored. After "is" and in the
// middle of a sentence only what has a digit or a sign in it counts: "the password is
// compromised" and "token: revoked by bob" are what a post-mortem is made of.
func pasted(s string) (out []span) {
	for _, at := range assigned.FindAllStringSubmatchIndex(s, -1) {
		sign, value, rest := s[at[2]:at[3]], s[at[4]:at[5]], strings.Trim(s[at[6]:at[7]], " \t\"'`*_.,;")
		value = strings.TrimRight(value, ".)*_")
		paste := strings.Contains(sign, "=") || sign == ":" && (rest == "" || strings.ContainsRune("\"'`", rune(s[at[4]-1])))
		if len(value) < 4 || strings.HasPrefix(value, "[masked") || !paste && !looksMade(value) {
			continue
		}
		out = append(out, span{at[4], at[4] + len(value), "password"})
	}
	for _, at := range address.FindAllStringSubmatchIndex(s, -1) {
		out = append(out, span{at[2], at[3], "address with password"})
	}
	return out
}

// looksMade reports whether a word looks like a password rather than like a word:
// letters mixed with digits or signs, but not a number, a time or a path alone.
func looksMade(v string) bool {
	var letter, other bool
	for _, r := range v {
		letter = letter || unicode.IsLetter(r)
		other = other || unicode.IsDigit(r) || strings.ContainsRune("!#$%&*+?@^~|\\", r)
	}
	return letter && other
}
