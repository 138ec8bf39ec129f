package declared

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

var (
	wordShape = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	headKeys  = []string{"name", "title", "does", "kind", "blast", "rights", "ttl", "destroys", "proof", "example", "params"}
	kinds     = []string{"host", "container", "pod", "workload", "node", "identity", "credential", "address", "domain", "service", "data", "process", "file"}
)

// head reads what can be said of an action before anything is asked.
func head(f Fields) actions.Spec {
	s := actions.Spec{Name: f.need("name", 60), Title: f.need("title", 100), Does: f.need("does", 400), Proof: f.need("proof", 400),
		Example: f.need("example", 200), Destroys: f.line("destroys", 200)}
	if v, ok := f.Must("kind"); ok {
		s.Kind = actions.Kind(v.OneOf(kinds...))
	}
	if v, ok := f.Must("blast"); ok {
		s.Blast = actions.Blast(v.OneOf("target", "team", "all"))
	}
	for _, v := range f.Items("rights") {
		s.Rights = append(s.Rights, v.Line(100))
	}
	if v, ok := f.Get("ttl"); ok {
		d, err := time.ParseDuration(v.Line(20))
		if err != nil || d < time.Minute || d > 365*24*time.Hour {
			v.Wrong("ttl is a time such as 24h, from a minute to a year")
		}
		s.TTL = d
	}
	for _, v := range f.Items("params") {
		s.Params = append(s.Params, param(v))
	}
	return s
}

// param reads one parameter. It always has a value, so that no template has a hole.
func param(v Value) actions.Param {
	f := v.Fields("name", "help", "default", "choices", "pattern", "max")
	p := actions.Param{Name: f.need("name", 40), Help: f.need("help", 200), Default: f.line("default", 200)}
	p.Required = p.Default == ""
	if p.Name != "" && !placeShape.MatchString("param."+p.Name) {
		v.Wrong("%q cannot be the name of a parameter: small letters, digits, dashes and underscores", p.Name)
	}
	for _, c := range f.Items("choices") {
		p.Choices = append(p.Choices, c.Line(100))
	}
	if pv, ok := f.Get("pattern"); ok {
		p.Pattern = pv.Pattern()
	}
	if mv, ok := f.Get("max"); ok {
		p.Max = mv.Number(1, 2000)
	}
	if p.Default != "" {
		if _, err := (actions.Spec{Name: "x", Params: []actions.Param{p}}).Complete(nil); err != nil {
			v.Wrong("the default: %s", err)
		}
	}
	return p
}

// target is what a target may look like.
type target struct {
	kind    actions.Kind
	pattern *regexp.Regexp
	help    string
	never   []string
}

func targetOf(f Fields, kind actions.Kind) target {
	t := target{kind: kind}
	v, ok := f.Get("target")
	if ok {
		tf := v.Fields("pattern", "help")
		t.help = tf.line("help", 200)
		if pv, there := tf.Must("pattern"); there {
			t.pattern = pv.Pattern()
		}
	}
	if !ok && kind != actions.KindAddress && kind != actions.KindDomain {
		f.of.Wrong("the key target is missing: a pattern that the whole name of a target fits")
	}
	for _, n := range f.Items("never") {
		name := n.Line(200)
		if kind == actions.KindAddress {
			if _, err := prefixOf(name); err != nil {
				n.Wrong("%q is no address and no range", name)
			}
		}
		t.never = append(t.never, name)
	}
	return t
}

// resolve makes the exact name of what somebody typed, or says why that is none.
func (t target) resolve(typed string) (string, error) {
	name := strings.TrimSpace(typed)
	no := &actions.NoTarget{Kind: t.kind, Name: cut(name), Hint: t.help}
	if name == "" || len(name) > 200 || unprintable(name) {
		no.Name = cut(strings.Map(func(r rune) rune {
			if unprintable(string(r)) {
				return '?'
			}
			return r
		}, name))
		return "", no
	}
	switch t.kind {
	case actions.KindAddress:
		p, err := prefixOf(name)
		if err != nil {
			return "", no
		}
		name = nameOf(p)
	case actions.KindDomain:
		ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(name, "."))
		if err != nil || !strings.Contains(ascii, ".") {
			return "", no
		}
		name = ascii
	}
	if t.pattern != nil {
		if at := t.pattern.FindStringIndex(name); at == nil || at[0] != 0 || at[1] != len(name) {
			return "", no
		}
	}
	for _, n := range t.never {
		if t.same(n, name) {
			return "", incident.GiveUp(fmt.Errorf("%s is never touched by this action: the file says so (%s)", name, n))
		}
	}
	return name, nil
}

// same reports whether a name that is never touched is, or is part of, or holds the target.
func (t target) same(never, name string) bool {
	if t.kind != actions.KindAddress {
		return strings.EqualFold(never, name)
	}
	a, err1 := prefixOf(never)
	b, err2 := prefixOf(name)
	return err1 == nil && err2 == nil && a.Overlaps(b)
}

// prefixOf reads an address or a range. An IPv4 address in IPv6 clothes is IPv4.
func prefixOf(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		a = a.Unmap()
		if a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("an address of one machine's interface")
		}
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, err
	}
	if p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("an IPv4 range in IPv6 clothes")
	}
	return p.Masked(), nil
}

func nameOf(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

func cut(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
