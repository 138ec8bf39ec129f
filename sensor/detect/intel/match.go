package intel

import (
	"fmt"
	"net/netip"
	"path"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// Part is the part of an event in which an indicator was seen.
type Part uint8

// The parts.
const (
	PartRemote    Part = 1 + iota // the other end of a connection
	PartName                      // the name by which that end was looked up
	PartQuestion                  // a name that was asked for
	PartAlias                     // a name that an answer went through
	PartAnswer                    // an address in an answer
	PartFile                      // the content of the program's file
	PartArgument                  // a URL in the arguments
	PartHostInURL                 // the host of such a URL
)

// Hit is one indicator in one event.
type Hit struct {
	Found
	Part Part
	Seen string     // what stood in the event; "" when it was an address
	Addr netip.Addr // of PartRemote, PartAnswer, and PartHostInURL when the host is one
}

// maxArgs bounds how many URLs of one command line are looked up.
const maxArgs = 64

// Match appends a Hit for every indicator that the event touches: the other end of a
// connection made or taken, its name; a DNS question, the aliases and addresses of an
// answer; hashes of a program that was started, URLs in its arguments and their hosts.
// At is the moment for which indicators must not have expired. Attempts count: a
// connection that was refused, a name that does not exist, a program that did not start.
// It allocates only to lengthen into.
func (s *Set) Match(into []Hit, e *event.Event, at time.Time) []Hit {
	if s.Len() == 0 || e == nil {
		return into
	}
	m := matching{set: s, at: at.Unix(), hits: into}
	switch {
	case e.Net != nil && (e.Kind == event.Connect || e.Kind == event.Accept):
		m.addr(PartRemote, e.Net.Remote.Addr())
		m.name(PartName, e.Net.Name)
	case e.DNS != nil && e.Kind == event.DNS:
		m.name(PartQuestion, e.DNS.Name)
		for _, a := range e.DNS.Aliases {
			m.name(PartAlias, a)
		}
		for _, a := range e.DNS.Addrs {
			m.addr(PartAnswer, a)
		}
	case e.Exec != nil && e.Kind == event.Exec:
		for _, h := range [...]string{e.Exec.SHA256, e.Exec.SHA1, e.Exec.MD5} {
			m.add(PartFile, h, netip.Addr{}, s.hash(m.some[:0], h, m.at))
		}
		left := maxArgs
		for _, arg := range e.Process.Args {
			left = m.urls(arg, left)
		}
	}
	return m.hits
}

type matching struct {
	set  *Set
	at   int64
	hits []Hit
	some [8]Found // room for what one lookup finds
}

func (m *matching) add(p Part, seen string, a netip.Addr, found []Found) {
	for _, f := range found {
		m.hits = append(m.hits, Hit{f, p, seen, a})
	}
}

func (m *matching) addr(p Part, a netip.Addr) { m.add(p, "", a, m.set.addr(m.some[:0], a, m.at)) }

func (m *matching) name(p Part, name string) {
	if name != "" {
		m.add(p, name, netip.Addr{}, m.set.domain(m.some[:0], name, m.at))
	}
}

// urls looks up the URLs in one argument, "sh -c" lines included, and returns how many
// more may be looked up.
func (m *matching) urls(arg string, left int) int {
	for left > 0 {
		from := nextURL(arg)
		if from < 0 {
			return left
		}
		url := arg[from:]
		sep := strings.Index(url, "://") + 3
		end := sep + urlEnd(url[sep:])
		m.url(url[:end])
		left--
		// A byte that a URL may have can also be where the shell ends it.
		for i := sep; i < end && left > 0; i++ {
			if shellStop(url[i]) {
				m.path(url[:i])
				left--
			}
		}
		arg = url[sep:]
	}
	return left
}

// url looks up a URL and its host.
func (m *matching) url(u string) {
	if m.clean(u, true, true) {
		return
	}
	// What a shell would cut off may be what makes it no URL: "http://evil.com;id".
	for i := range len(u) {
		if shellStop(u[i]) {
			m.clean(u[:i], false, true)
			return
		}
	}
}

// path looks up a URL without its host: that was looked up already.
func (m *matching) path(u string) { m.clean(u, true, false) }

func (m *matching) clean(u string, whole, host bool) bool {
	if len(u) > shortURL {
		var buf [maxURL + 64]byte
		return m.cleanIn(buf[:0], u, whole, host)
	}
	var buf [roomFor]byte
	return m.cleanIn(buf[:0], u, whole, host)
}

func (m *matching) cleanIn(buf []byte, u string, whole, host bool) bool {
	key, at, ok := appendURL(buf, u, false)
	if ok && whole {
		m.exact(key, u)
	}
	if ok && host {
		m.host(key[at.from:at.to], u)
	}
	return ok
}

func (m *matching) exact(key []byte, seen string) {
	if m.set.count[kindURL] > 0 {
		m.add(PartArgument, seen, netip.Addr{}, m.set.find(m.some[:0], kindURL, key, m.at, true))
	}
}

func (m *matching) host(host []byte, seen string) {
	if a, ok := addrOf(host); ok {
		m.add(PartHostInURL, seen, a, m.set.addr(m.some[:0], a, m.at))
		return
	}
	if m.set.count[kindDomain] > 0 {
		m.add(PartHostInURL, seen, netip.Addr{}, m.set.below(m.some[:0], host, m.at))
	}
}

// addrOf reads a host that is an address, as appendURL writes it.
func addrOf(b []byte) (netip.Addr, bool) {
	if len(b) > 2 && b[0] == '[' {
		a, err := netip.ParseAddr(string(b[1 : len(b)-1]))
		return a, err == nil
	}
	if len(b) == 0 || len(b) > 15 || b[len(b)-1] < '0' || b[len(b)-1] > '9' {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(string(b))
	return a, err == nil
}

// Reason is the hit as one sentence for a person: who did what, and who says it is bad.
// Names that could be clicked on are defanged.
func (h Hit) Reason(e *event.Event) string {
	in := h.Indicator()
	host := tidy(e.Host, 64)
	if host == "" {
		host = "a host"
	}
	did := fmt.Sprintf("%s on %s %s", program(e), host, h.deed(e))
	if h.Addr.IsValid() && h.Part != PartHostInURL {
		did += " " + Defang(h.Addr.Unmap().String())
	} else {
		did += " " + Defang(tidy(h.Seen, 160))
	}
	says := fmt.Sprintf("%s lists %s %s", in.Source, in.Type, Defang(tidy(in.Value, 160)))
	if in.Type == Domain && !in.Exact {
		says += " and all below it"
	}
	if in.Why != "" {
		says += " as " + Defang(in.Why)
	}
	return fmt.Sprintf("%s; %s (confidence %d)", did, says, in.Confidence)
}

func (h Hit) deed(e *event.Event) string {
	switch h.Part {
	case PartRemote, PartName:
		if e.Kind == event.Accept {
			return "took a connection from"
		}
		return "connected to"
	case PartQuestion:
		return "asked for"
	case PartAlias:
		return "asked for a name that stands for"
	case PartAnswer:
		return "was told the address"
	case PartFile:
		return "is a file with hash"
	}
	return "was started with"
}

func program(e *event.Event) string {
	name := e.Process.Exe
	if name == "" {
		name = e.Process.Comm
	}
	if name == "" {
		return "something"
	}
	return tidy(path.Base(name), 64)
}

// Defang makes a name, address or URL harmless to click on, as everything that is shown.
func Defang(s string) string {
	s = strings.ReplaceAll(s, ".", "[.]")
	if rest, ok := strings.CutPrefix(s, "http"); ok && strings.Contains(s, "://") {
		return "hxxp" + rest
	}
	return s
}
