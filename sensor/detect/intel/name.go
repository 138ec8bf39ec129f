package intel

import (
	"errors"
	"strings"

	"golang.org/x/net/idna"
)

// Refang undoes what analysts and chat programs do to make an indicator harmless to
// click on: "evil[.]com", "hxxps[:]//", "evil(dot)com", "<http://evil.com|evil.com>".
func Refang(s string) string {
	s = strings.TrimSpace(s)
	if !fanged(s) {
		return s
	}
	if len(s) > 2*maxURL { // longer than anything that could be one
		return s
	}
	if inner, ok := strings.CutPrefix(s, "<"); ok && strings.HasSuffix(inner, ">") {
		s, _, _ = strings.Cut(strings.TrimSuffix(inner, ">"), "|")
	}
	s = strings.Trim(s, "\"'`\u201c\u201d\u2018\u2019 ")
	if strings.ContainsAny(s, "[({\\") {
		s = fangs.Replace(s)
	}
	return rescheme(s)
}

// fanged reports whether there may be anything to undo; most of a feed has nothing.
func fanged(s string) bool {
	for i := range len(s) {
		switch c := s[i]; c {
		case '[', '(', '{', '<', '\\', '"', '\'', '`':
			return true
		case ':': // of a scheme that is not one
			if i > 0 && i < 8 && s[0]|0x20 != 'h' || strings.ContainsAny(s[:min(i, 8)], "xX*") {
				return true
			}
		default:
			if c >= 0x80 {
				return true
			}
		}
	}
	return false
}

var fangs = strings.NewReplacer(
	"[.]", ".", "(.)", ".", "{.}", ".", "[.", ".", ".]", ".", "\\.", ".",
	"[dot]", ".", "(dot)", ".", "{dot}", ".", "[DOT]", ".", "(DOT)", ".", "[d]", ".",
	"[:]", ":", "(:)", ":", "[://]", "://", "[//]", "//", "[/]", "/", "[at]", "@",
)

// rescheme turns hxxp, hXXps, meow and fxp into what they stand for.
func rescheme(s string) string {
	at := strings.Index(s, "://")
	if at < 0 || at > 8 {
		return s
	}
	switch strings.ToLower(s[:at]) {
	case "hxxp", "htxp", "hxtp", "h**p", "meow":
		return "http" + s[at:]
	case "hxxps", "htxps", "hxtps", "h**ps":
		return "https" + s[at:]
	case "fxp":
		return "ftp" + s[at:]
	}
	return s
}

// domainOf is a name as it travels in DNS: ASCII, lower case, no final dot.
func domainOf(v string) (string, error) {
	v = strings.TrimSuffix(v, ".")
	if len(v) > 4*maxName {
		return "", errors.New("longer than a name can be")
	}
	for i := range len(v) {
		if v[i] >= 0x80 {
			ascii, err := idna.Lookup.ToASCII(v)
			if err != nil {
				return "", errors.New("not a name that DNS can carry")
			}
			v = ascii
			break
		}
	}
	v = strings.ToLower(v)
	if !isName(v) {
		return "", errors.New("not a domain name")
	}
	return v, nil
}

// isName reports whether s is a name in its clean form. Underscores are taken: names
// with them are asked for. The last label is no number, or it would be an address.
func isName[T ~string | ~[]byte](s T) bool {
	if len(s) == 0 || len(s) > maxName {
		return false
	}
	label, letters := 0, false
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			if label == 0 || s[i-1] == '-' {
				return false
			}
			label, letters = 0, false
			continue
		case c >= 'a' && c <= 'z' || c == '_':
			letters = true
		case c == '-':
			if label == 0 {
				return false
			}
		case c < '0' || c > '9':
			return false
		}
		if label++; label > 63 {
			return false
		}
	}
	return letters && s[len(s)-1] != '-'
}

// appendLower appends a name in lower case without its final dot; false when it is too
// long to be one. Names in events may hold anything; what is not a name matches nothing.
func appendLower(dst []byte, s string) ([]byte, bool) {
	if len(s) > 0 && s[len(s)-1] == '.' {
		s = s[:len(s)-1]
	}
	if len(s) == 0 || len(s) > maxName {
		return dst, false
	}
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		dst = append(dst, c)
	}
	return dst, true
}
