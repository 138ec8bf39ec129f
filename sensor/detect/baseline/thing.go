package baseline

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"
	"unique"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// Facet is the side of behaviour that is looked at.
type Facet uint8

// The facets.
const (
	Program     Facet = 1 // a program ran
	Child       Facet = 2 // a program started another
	Destination Facet = 3 // a program connected somewhere
	Listener    Facet = 4 // a program listens on a port
	User        Facet = 5 // somebody ran something
)

var facetNames = [...]string{"", "program", "child", "destination", "listener", "user"}

// String is the facet in one word.
func (f Facet) String() string {
	if int(f) < len(facetNames) {
		return facetNames[f]
	}
	return ""
}

// MarshalText writes the facet by name.
func (f Facet) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads a name; an unknown one is an error.
func (f *Facet) UnmarshalText(b []byte) error {
	for i, n := range facetNames {
		if i > 0 && n == string(b) {
			*f = Facet(i)
			return nil
		}
	}
	return errors.New("a facet is one of program, child, destination, listener, user")
}

// Thing is one fact of behaviour.
type Thing struct {
	Facet   Facet  `json:"facet"`
	Subject string `json:"subject,omitempty"` // the program that starts, connects or listens
	Value   string `json:"value"`             // program, destination, port or user
}

// key is a Thing in 24 bytes: a fleet runs the same programs, and each name is kept once.
type key struct {
	facet          Facet
	subject, value unique.Handle[string]
}

func (t Thing) key() key { return key{t.Facet, unique.Make(t.Subject), unique.Make(t.Value)} }

func (k key) thing() Thing { return Thing{k.facet, k.subject.Value(), k.value.Value()} }

// thingsOf is what an event says of behaviour. An exec that failed started nothing.
func thingsOf(e *event.Event) []Thing {
	exe := programName(e.Process)
	switch {
	case e.Kind == event.Exec && e.Exec != nil && e.Exec.Result == 0 && exe != "":
		things := []Thing{{Facet: Program, Value: exe}, {Facet: User, Value: userName(e.Process)}}
		if parent := programName(e.Parent); parent != "" {
			things = append(things, Thing{Child, parent, exe})
		}
		return things
	case e.Kind == event.Connect && e.Net != nil && exe != "":
		if to := destination(e.Net); to != "" {
			return []Thing{{Destination, exe, to}}
		}
	case (e.Kind == event.Listen || e.Kind == event.Bind && e.Net != nil && e.Net.Proto == "udp") && e.Net != nil && exe != "":
		if port := e.Net.Local.Port(); port != 0 {
			return []Thing{{Listener, exe, cut(e.Net.Proto + " " + portName(port))}}
		}
	}
	return nil
}

// programName is the program's path without what differs at every run, so that a
// compiler's temporary folders are one program and not thousands.
func programName(p event.Process) string {
	exe := p.Exe
	if exe == "" {
		exe = p.Comm
	}
	return cut(steady(exe))
}

// steady replaces runs of four digits or more, and of eight hexadecimal digits with a
// decimal one among them, by "#".
func steady(s string) string {
	if !varies(s) {
		return s
	}
	return replaced(s)
}

func replaced(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		j, digits := i, 0
		for j < len(s) && hexDigit(s[j]) {
			if s[j] <= '9' {
				digits++
			}
			j++
		}
		switch run := j - i; {
		case run == 0:
			b.WriteByte(s[i])
			i++
			continue
		case longDigits(s[i:j]) > 0 && run-longDigits(s[i:j]) <= 2:
			b.WriteString(s[i : j-longDigits(s[i:j])])
			b.WriteByte('#')
		case digits > 0 && run >= 8:
			b.WriteByte('#')
		default:
			b.WriteString(s[i:j])
		}
		i = j
	}
	return b.String()
}

// varies reports whether anything in s may have to be replaced: most programs are asked about
// again and again, and have nothing of the kind.
func varies(s string) bool {
	hex, dec := 0, 0
	for i := range len(s) {
		if !hexDigit(s[i]) {
			hex, dec = 0, 0
			continue
		}
		if hex++; s[i] <= '9' {
			dec++
		} else {
			dec = 0
		}
		if hex >= 8 || dec >= 4 {
			return true
		}
	}
	return false
}

// longDigits is how many decimal digits stand at the end, when they are four or more:
// "build2837" ends in them although "d2837" is hexadecimal too.
func longDigits(s string) int {
	n := 0
	for n < len(s) && s[len(s)-1-n] <= '9' {
		n++
	}
	if n < 4 {
		return 0
	}
	return n
}

func hexDigit(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' }

func userName(p event.Process) string {
	if p.User != "" {
		return cut(p.User)
	}
	return "uid " + strconv.FormatUint(uint64(p.EUID), 10)
}

// destination is where a connection went: the domain that owns the name where the sensor
// saw one, otherwise the network of 256 addresses (65,536 networks' worth in IPv6, a /48)
// with the port. Connections to the machine itself are nobody's destination.
func destination(n *event.NetOf) string {
	a := n.Remote.Addr().Unmap()
	if !a.IsValid() || a.IsLoopback() || a.IsUnspecified() {
		return ""
	}
	where := owner(n.Name)
	if where == "" {
		bits := 24
		if a.Is6() {
			bits = 48
		}
		p, _ := a.WithZone("").Prefix(bits)
		where = p.String()
	}
	return cut(where + " " + n.Proto + " " + portName(n.Remote.Port()))
}

// owner is the part of a name that somebody registered: the last two labels, or three
// where the second to last is short, as in "co.uk".
func owner(name string) string {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	labels := strings.Split(name, ".")
	if _, err := netip.ParseAddr(name); err == nil || len(labels) < 2 {
		return ""
	}
	n := 2
	if len(labels) > 2 && len(labels[len(labels)-1]) == 2 && len(labels[len(labels)-2]) <= 3 {
		n = 3
	}
	return strings.Join(labels[len(labels)-n:], ".")
}

// portName is the port; those that are handed out by chance are one.
func portName(p uint16) string {
	if p >= 32768 {
		return "high port"
	}
	return "port " + strconv.Itoa(int(p))
}

const maxText = 256 // bytes of a subject, value or name

// cut bounds a text without letting two long ones become the same.
func cut(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if len(s) <= maxText {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return strings.ToValidUTF8(s[:maxText-20], "") + "…" + hex.EncodeToString(sum[:8])
}

// ImageName is a container image without tag and digest: a new version is expected to
// behave like the one before. The same image has one name, however a runtime writes it:
// docker.io/library/nginx:1.27, nginx@sha256:… and nginx are nginx. An image that is known
// by nothing but its digest is called that, and is another one with each version.
func ImageName(image string) string {
	name, digest, _ := strings.Cut(image, "@")
	switch {
	case name == "":
		return digest
	case strings.HasPrefix(name, "sha256:"):
		return name
	}
	if colon := strings.LastIndexByte(name, ':'); colon > strings.LastIndexByte(name, '/') {
		name = name[:colon]
	}
	for _, usual := range []string{"docker.io/", "index.docker.io/"} {
		if rest, ok := strings.CutPrefix(name, usual); ok {
			name = strings.TrimPrefix(rest, "library/")
		}
	}
	return name
}

// short is a program as people call it: by its name where it lies in a usual folder, by
// its path elsewhere: /tmp/nginx is not nginx.
func short(exe string) string {
	switch path.Dir(exe) {
	case "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/lib/systemd":
		return shown(path.Base(exe))
	}
	return shown(exe)
}

// shown is a text that an attacker may have chosen, fit to be read in one line.
func shown(s string) string {
	for _, r := range s {
		if r < ' ' || r == 0x7f || r >= 0x80 && !strconv.IsPrint(r) {
			return strconv.QuoteToASCII(s)
		}
	}
	return s
}
