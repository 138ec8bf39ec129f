package intel

import (
	"net/netip"
	"strings"
)

// Room for a clean URL. Cleaning makes three bytes of one at most; most URLs are short, and
// a large buffer takes longer to clear than a short URL to look up.
const (
	shortURL = 160
	roomFor  = 3*shortURL + 32
)

// span is where the host stands within a clean URL.
type span struct{ from, to int }

// appendURL appends the URL in its clean form (RFC 3986, 6.2.2): scheme and host in
// lower case, no user, default port or fragment, a path, escapes of unreserved
// characters undone and others in upper case. Whole wants all of s to be the URL;
// otherwise it ends at the first white space, quotation mark or bracket. It allocates
// only when dst is too small or the host is not ASCII.
func appendURL(dst []byte, s string, whole bool) (url []byte, host span, ok bool) {
	at := strings.Index(s, "://")
	if at < 1 || at > 16 {
		return dst, host, false
	}
	begin := len(dst)
	for i := range at {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if (c < 'a' || c > 'z') && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return dst, host, false
		}
		dst = append(dst, c)
	}
	schemeEnd := len(dst)
	dst = append(dst, "://"...)
	rest := s[at+3:]
	end := urlEnd(rest)
	if whole && end != len(rest) || end > maxURL {
		return dst[:begin], host, false
	}
	rest = rest[:end]
	cut := authorityEnd(rest)
	authority, path := rest[:cut], rest[cut:]
	if u := strings.LastIndexByte(authority, '@'); u >= 0 {
		authority = authority[u+1:]
	}
	host.from = len(dst)
	if dst, ok = appendHost(dst, authority, string(dst[begin:schemeEnd])); !ok {
		return dst[:begin], host, false
	}
	host.to = hostEnd(dst, host.from)
	if path == "" || path[0] != '/' && path[0] != '\\' {
		dst = append(dst, '/')
	}
	dst = appendPath(dst, path)
	if len(dst)-begin > maxURL {
		return dst[:begin], host, false
	}
	return dst, host, true
}

// urlEnd is where a URL in a line of text must stop: at a byte that no URL has.
func urlEnd(s string) int {
	for i := range len(s) {
		switch c := s[i]; {
		case c <= ' ' || c == 0x7f, c == '"' || c == '`' || c == '<' || c == '>':
			return i
		}
	}
	return len(s)
}

// authorityEnd is where the host is over and the path begins.
func authorityEnd(s string) int {
	for i := range len(s) {
		if c := s[i]; c == '/' || c == '?' || c == '#' || c == '\\' {
			return i
		}
	}
	return len(s)
}

// shellStop reports whether a byte may end a URL in a line of shell, although a URL may
// have it too.
func shellStop(c byte) bool {
	return c == '\'' || c == ';' || c == '|' || c == '&' || c == ')' || c == '}' || c == ','
}

func appendHost(dst []byte, authority, scheme string) ([]byte, bool) {
	name, port := authority, ""
	if strings.HasPrefix(authority, "[") {
		close := strings.IndexByte(authority, ']')
		if close < 0 {
			return dst, false
		}
		a, err := netip.ParseAddr(authority[1:close])
		if err != nil {
			return dst, false
		}
		port = authority[close+1:]
		if a = a.WithZone("").Unmap(); a.Is4() {
			dst = a.AppendTo(dst)
		} else {
			dst = append(a.AppendTo(append(dst, '[')), ']')
		}
		return appendPort(dst, strings.TrimPrefix(port, ":"), scheme)
	}
	if colon := strings.LastIndexByte(authority, ':'); colon >= 0 {
		name, port = authority[:colon], authority[colon+1:]
	}
	for i := range len(name) {
		if name[i] >= 0x80 {
			ascii, err := domainOf(name)
			if err != nil {
				return dst, false
			}
			name = ascii
			break
		}
	}
	from := len(dst)
	dst, ok := appendLower(dst, name)
	if !ok || !isName(dst[from:]) && !isAddr(name) {
		return dst, false
	}
	return appendPort(dst, port, scheme)
}

// isAddr reports whether a host without brackets is an address.
func isAddr(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Is4()
}

func appendPort(dst []byte, port, scheme string) ([]byte, bool) {
	if len(port) > 5 {
		return dst, false
	}
	for i := range len(port) {
		if port[i] < '0' || port[i] > '9' {
			return dst, false
		}
	}
	usual := port == "80" && scheme == "http" || port == "443" && scheme == "https" || port == "21" && scheme == "ftp"
	if port == "" || usual {
		return dst, true
	}
	return append(append(dst, ':'), port...), true
}

func hostEnd(b []byte, from int) int {
	for i := from; i < len(b); i++ {
		switch b[i] {
		case '[':
			for i < len(b) && b[i] != ']' {
				i++
			}
		case ':':
			return i
		}
	}
	return len(b)
}

const upperHex = "0123456789ABCDEF"

// appendPath appends path and query. A backslash is a slash to browsers and curl's
// neighbours; as an escape it would hide a URL from us that they still fetch.
func appendPath(dst []byte, s string) []byte {
	query := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '#':
			return dst
		case c == '?':
			query = true
		case c == '\\' && !query:
			c = '/'
		case c == '%' && i+2 < len(s) && isHex(s[i+1:i+3]):
			d := unhex(s[i+1])<<4 | unhex(s[i+2])
			i += 2
			if unreserved(d) {
				dst = append(dst, d)
			} else {
				dst = append(dst, '%', upperHex[d>>4], upperHex[d&15])
			}
			continue
		case c >= 0x80:
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&0x0f + 9
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

// nextURL finds the next URL in a line of text. It returns where its scheme begins, or -1.
func nextURL(s string) int {
	at := strings.Index(s, "://")
	if at < 0 {
		return -1
	}
	from := at
	for from > 0 && at-from < 16 && schemeByte(s[from-1]) {
		from--
	}
	for from < at && !letter(s[from]) {
		from++
	}
	return from
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

func schemeByte(c byte) bool {
	return letter(c) || c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.'
}
