package directive

import (
	"crypto/ed25519"
	"encoding/hex"
	"net/netip"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The bounds of what a directive may say.
const (
	MostPrefixes = 1 << 16
	MostPorts    = 1024
	MostDomains  = 4096
	MostOpenings = 64
	MostFiles    = 256
	mostID       = 128  // bytes of each identifier
	mostPath     = 4096 // bytes, PATH_MAX
	mostDomain   = 253  // bytes, RFC 1035

	// LongestTTL is the longest hold there is; each can be extended.
	LongestTTL = 366 * 24 * time.Hour
	// LongestLife is how long after its beginning a directive may still be obeyed.
	LongestLife = 7 * 24 * time.Hour
)

// check is refusal for those who want an error.
func (d Directive) check() error {
	if r := d.refusal(); r != nil {
		return r
	}
	return nil
}

func (d Directive) refusal() *Refusal {
	if !slices.Contains(Kinds(), d.Kind) {
		return refuse(UnknownKind, "update the agent", "this agent knows no directive of kind %q", d.Kind)
	}
	for _, id := range []struct{ name, text string }{{"id", d.ID}, {"workspace", d.Workspace}, {"host", d.Host}, {"incident", d.Incident}, {"approval", d.Approval}} {
		if !plain(id.text, mostID) {
			return outside("the %s is missing, too long or not plain text", id.name)
		}
	}
	if d.V < 1 || d.Seq == 0 {
		return outside("form and number begin at 1")
	}
	if d.NotBefore <= 0 || d.Expires <= d.NotBefore || d.Expires-d.NotBefore > LongestLife.Milliseconds() {
		return outside("it is to be obeyed for a time that ends before it begins, or lasts more than %v", LongestLife)
	}
	if r := d.lasting(); r != nil {
		return r
	}
	if r := d.onlyItsPart(); r != nil {
		return r
	}
	return d.part()
}

func outside(why string, args ...any) *Refusal {
	return refuse(OutOfBounds, "", "a directive says more than it may: "+why, args...)
}

func (d Directive) lasting() *Refusal {
	if !d.Kind.Holds() && d.Kind != Extend {
		if d.TTL != 0 || d.OnExpiry != "" {
			return outside("%s holds nothing and has no time to live", d.Kind)
		}
		return nil
	}
	if d.TTL <= 0 || d.TTL > LongestTTL.Milliseconds() {
		return outside("its time to live is not between a millisecond and %v", LongestTTL)
	}
	if d.OnExpiry != Ask && d.OnExpiry != LetGo {
		return outside("at its end it may ask or release, not %q", d.OnExpiry)
	}
	return nil
}

func (d Directive) onlyItsPart() *Refusal {
	set := map[Kind]bool{Isolate: d.Isolate != nil, Cut: d.Cut != nil, Block: d.Block != nil, Freeze: d.Process != nil,
		Quarantine: d.File != nil, Collect: d.Collect != nil, Release: d.Hold != nil, Rotate: d.Rotate != nil}
	mine := d.Kind
	switch d.Kind {
	case Kill:
		mine = Freeze
	case Extend:
		mine = Release
	}
	for part, is := range set {
		if is != (part == mine) {
			return outside("what is said does not belong to %s", d.Kind)
		}
	}
	return nil
}

func (d Directive) part() *Refusal {
	switch d.Kind {
	case Isolate:
		return openings(d.Isolate.Open)
	case Cut:
		if !cleanPath(d.Cut.Path) || d.Cut.Path == "/" || d.Cut.Cgroup <= 1 {
			return outside("the container's cgroup is not named by a clean path and a number")
		}
		return openings(d.Cut.Open)
	case Block:
		return d.Block.refusal()
	case Freeze, Kill:
		if d.Process.PID <= 1 || d.Process.PID > 1<<22 || d.Process.Start == 0 {
			return outside("a process is named by a pid above 1 and its start")
		}
	case Quarantine:
		if !cleanPath(d.File.Path) || d.File.SHA256 != "" && !isSHA256(d.File.SHA256) {
			return outside("a file is named by a clean absolute path and, if at all, 64 hexadecimal digits")
		}
	case Collect:
		if len(d.Collect.Files) > MostFiles || d.Collect.Bytes < 0 || !all(d.Collect.Files, cleanPath) {
			return outside("at most %d files are collected, each by a clean absolute path", MostFiles)
		}
	case Release, Extend:
		if !plain(d.Hold.ID, mostID) {
			return outside("the hold is not named")
		}
	case Rotate:
		if len(d.Rotate.Key) != ed25519.PublicKeySize || len(d.Rotate.Proof) != ed25519.SignatureSize {
			return outside("a key has %d bytes and its proof %d", ed25519.PublicKeySize, ed25519.SignatureSize)
		}
	}
	return nil
}

func openings(all []Opening) *Refusal {
	if len(all) > MostOpenings {
		return outside("more than %d conversations stay open", MostOpenings)
	}
	for _, o := range all {
		if a := o.Peer.Addr(); !a.IsValid() || a.Zone() != "" || a.Is4In6() || a.IsUnspecified() || a.IsMulticast() || o.Peer.Port() == 0 || !proto(o.Proto) {
			return outside("%v over %q is not a peer's address and port", o.Peer, o.Proto)
		}
	}
	return nil
}

func (b *BlockOf) refusal() *Refusal {
	if len(b.Prefixes) > MostPrefixes || len(b.Ports) > MostPorts || len(b.Domains) > MostDomains {
		return outside("more than %d networks, %d ports or %d domains in one", MostPrefixes, MostPorts, MostDomains)
	}
	if len(b.Prefixes)+len(b.Ports)+len(b.Domains) == 0 {
		return outside("it blocks nothing")
	}
	for _, p := range b.Prefixes {
		if !p.IsValid() || p.Masked() != p || p.Addr().Is4In6() {
			return outside("%v is not a network", p)
		}
	}
	for _, p := range b.Ports {
		if p.Number == 0 || !proto(p.Proto) {
			return outside("%d over %q is not a port", p.Number, p.Proto)
		}
	}
	for _, d := range b.Domains {
		if !isDomain(d) {
			return outside("%q is not a domain in lower case", d)
		}
	}
	return nil
}

func proto(name string) bool { return name == "tcp" || name == "udp" }

// isDomain wants at least two labels: whoever blocks a top-level domain makes a mistake.
func isDomain(d string) bool {
	labels := strings.Split(d, ".")
	if len(d) > mostDomain || len(labels) < 2 {
		return false
	}
	if _, err := netip.ParseAddr(d); err == nil {
		return false
	}
	return all(labels, func(l string) bool {
		return l != "" && len(l) <= 63 && l[0] != '-' && l[len(l)-1] != '-' &&
			strings.Trim(l, "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
	})
}

func cleanPath(p string) bool {
	return len(p) <= mostPath && strings.HasPrefix(p, "/") && path.Clean(p) == p && !strings.ContainsRune(p, 0) && utf8.ValidString(p)
}

func plain(s string, most int) bool {
	return s != "" && len(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func isSHA256(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32 && strings.ToLower(s) == s
}

func all[T any](list []T, is func(T) bool) bool {
	return !slices.ContainsFunc(list, func(t T) bool { return !is(t) })
}
