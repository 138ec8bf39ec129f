package signals

import (
	"cmp"
	"fmt"
	"strings"
	"syscall"

	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// cut parts a rule's name: "sigma/reverse_shell".
func cut(name string) (kind, rest string, ok bool) { return strings.Cut(name, "/") }

// line is an event in one line: what kind, who, and what was done. The words are the
// host's: whoever shows them makes them harmless.
func line(e *event.Event) string {
	text := fmt.Sprintf("%s %s", e.Kind, named(e.Process))
	if e.Process.User != "" {
		text += " as " + e.Process.User
	}
	if e.Container.ID != "" {
		text += " in " + e.Container.String()
	}
	if did := did(e); did != "" {
		text += ": " + did
	}
	return text
}

func named(p event.Process) string {
	name := p.Exe
	if name == "" {
		name = p.Comm
	}
	if name == "" {
		name = "?"
	}
	return fmt.Sprintf("%s (%d)", name, p.PID)
}

func did(e *event.Event) string {
	switch {
	case e.Exec != nil:
		return strings.Join(e.Process.Args, " ") + failed(e.Exec.Result)
	case e.Exit != nil && e.Exit.Signal != 0:
		return fmt.Sprintf("killed by signal %d", e.Exit.Signal)
	case e.Exit != nil:
		return fmt.Sprintf("ended with %d", e.Exit.Code)
	case e.Net != nil:
		return ends(e.Net) + failed(e.Net.Result)
	case e.DNS != nil && e.DNS.Answer:
		return fmt.Sprintf("%s is %v", e.DNS.Name, e.DNS.Addrs)
	case e.DNS != nil:
		return e.DNS.Type + " " + e.DNS.Name
	case e.File != nil && e.File.To != "":
		return e.File.Op + " " + e.File.Path + " to " + e.File.To + failed(e.File.Result)
	case e.File != nil:
		return e.File.Op + " " + e.File.Path + failed(e.File.Result)
	case e.Priv != nil:
		return fmt.Sprintf("%s: user %d to %d", e.Priv.Call, e.Priv.UIDWas, e.Priv.UID)
	case e.Sys != nil:
		return strings.TrimSpace(e.Sys.Call+" "+e.Sys.Name+" "+e.Sys.Source) + failed(e.Sys.Result)
	}
	return ""
}

func ends(n *event.NetOf) string {
	var parts []string
	if n.Local.IsValid() && !n.Remote.IsValid() {
		parts = append(parts, n.Local.String())
	}
	if n.Remote.IsValid() {
		parts = append(parts, "→ "+n.Remote.String())
	}
	if n.Name != "" {
		parts = append(parts, "("+n.Name+")")
	}
	return strings.TrimSpace(n.Proto + " " + strings.Join(parts, " "))
}

// failed is an errno in words. One that says "under way" is no failure.
func failed(result int32) string {
	if result == 0 || syscall.Errno(-result) == syscall.EINPROGRESS {
		return ""
	}
	return " (" + syscall.Errno(-result).Error() + ")"
}

func processLine(p wire.Process) string {
	text := named(p.Process)
	if p.User != "" {
		text += " as " + p.User
	}
	if in := cmp.Or(p.Called, p.Container[:min(12, len(p.Container))]); in != "" {
		text += " in " + in
	}
	if args := strings.Join(p.Args, " "); args != "" {
		text += ": " + args
	}
	return text
}

func socketLine(s wire.Socket) string {
	text := s.Proto + " " + s.Local.String()
	if s.Remote.IsValid() {
		text += " → " + s.Remote.String()
	}
	if s.State != "" && s.State != "listen" {
		text += " " + s.State
	}
	if s.PID != 0 {
		text += fmt.Sprintf(" by %s (%d)", s.Program, s.PID)
	}
	return text
}

func foundLine(f wire.Found) string {
	text := f.What
	if f.PID != 0 {
		text += fmt.Sprintf(" (%d)", f.PID)
	}
	if f.Where != "" && f.Where != "memory" {
		text += ", now"
	}
	return text
}
