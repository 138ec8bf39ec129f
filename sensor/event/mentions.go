package event

import (
	"strings"
)

// Mentions says whether a text stands in an event: in what the program is called and was given, who ran
// it and where, or whom and what it dealt with. Capitals do not matter; an empty text stands in
// everything.
func (e *Event) Mentions(text string) bool {
	text = strings.ToLower(text)
	in := func(all ...string) bool {
		for _, s := range all {
			if strings.Contains(strings.ToLower(s), text) {
				return true
			}
		}
		return false
	}
	p, c := &e.Process, &e.Container
	if in(p.Exe, p.Comm, p.Dir, p.User, strings.Join(p.Args, " "), e.Rule, c.ID, c.Image, c.Name, c.Pod, c.Namespace) {
		return true
	}
	if e.Exec != nil && in(e.Exec.Asked, e.Exec.SHA256, e.Exec.SHA1, e.Exec.MD5) {
		return true
	}
	if n := e.Net; n != nil && (in(n.Proto, n.Name) || n.Local.IsValid() && in(n.Local.String()) || n.Remote.IsValid() && in(n.Remote.String())) {
		return true
	}
	if d := e.DNS; d != nil {
		if in(d.Name) || in(d.Aliases...) {
			return true
		}
		for _, a := range d.Addrs {
			if in(a.String()) {
				return true
			}
		}
	}
	if f := e.File; f != nil && in(f.Path, f.To, f.Op) {
		return true
	}
	if e.Priv != nil && in(e.Priv.Call) {
		return true
	}
	s := e.Sys
	return s != nil && in(s.Call, s.Name, s.Source, s.Target.Exe, s.Target.Comm)
}
