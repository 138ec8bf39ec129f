package main

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"unicode"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// line is an event in one line: when, what kind, who, where, what.
func line(e *event.Event, colour bool) string {
	who := e.Process.Comm
	if e.Process.Exe != "" {
		who = e.Process.Exe
	}
	if who == "" {
		who = "?"
	}
	user := e.Process.User
	if user == "" {
		user = strconv.FormatUint(uint64(e.Process.UID), 10)
	}
	var at string
	if e.Container.ID != "" {
		at = " in " + e.Container.String()
	}
	kind := fmt.Sprintf("%-9s", e.Kind)
	if colour {
		kind = "\x1b[" + shade(e) + "m" + kind + "\x1b[0m"
	}
	return fmt.Sprintf("%s %s %s[%d] %s%s  %s", e.At.Local().Format("15:04:05.000"), kind, plain(who), e.Process.PID, plain(user), plain(at), plain(did(e)))
}

// shade is red for what seldom happens in peace, yellow for what failed.
func shade(e *event.Event) string {
	switch e.Kind {
	case event.Privilege, event.Ptrace, event.MemWrite, event.Module, event.BPF, event.Memfd:
		return "31"
	case event.Exec:
		if e.Exec.Memfd || e.Exec.Deleted || e.Exec.SetUID || e.Exec.Caps {
			return "31"
		}
		if e.Exec.Result != 0 {
			return "33"
		}
		return "32"
	case event.Connect, event.Accept, event.Bind, event.Listen, event.DNS:
		return "36"
	}
	return "2"
}

// plain keeps a process from writing to the terminal of whoever watches it: names and
// arguments are chosen by the watched.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return '·'
		}
		return r
	}, s)
}

// did is what happened, in words.
func did(e *event.Event) string {
	switch {
	case e.Exec != nil:
		return execDid(e)
	case e.Exit != nil:
		if e.Exit.Signal != 0 {
			return fmt.Sprintf("killed by signal %d after %s", e.Exit.Signal, e.Exit.Lived)
		}
		return fmt.Sprintf("ended with %d after %s", e.Exit.Code, e.Exit.Lived)
	case e.Net != nil:
		return netDid(e.Net)
	case e.DNS != nil && e.DNS.Answer:
		return strings.TrimSpace(fmt.Sprintf("%s %s is %v %s", e.DNS.Name, e.DNS.Type, e.DNS.Addrs, strings.Join(e.DNS.Aliases, " ")))
	case e.DNS != nil:
		return fmt.Sprintf("asked %s for %s %s", e.DNS.Server, e.DNS.Type, e.DNS.Name)
	case e.File != nil:
		s := e.File.Op + " " + e.File.Path
		if e.File.To != "" {
			s += " to " + e.File.To
		}
		return s + failed(e.File.Result)
	case e.Priv != nil:
		return fmt.Sprintf("%s: user %d to %d, capabilities %x to %x", e.Priv.Call, e.Priv.UIDWas, e.Priv.UID, e.Priv.CapsWas, e.Priv.Caps)
	case e.Sys != nil:
		s := e.Sys.Call
		for _, part := range []string{e.Sys.Name, e.Sys.Source} {
			if part != "" {
				s += " " + part
			}
		}
		if e.Sys.Target.PID != 0 {
			s += fmt.Sprintf(" of %s[%d]", e.Sys.Target.Exe, e.Sys.Target.PID)
		}
		return s + failed(e.Sys.Result)
	}
	return ""
}

func execDid(e *event.Event) string {
	if e.Exec.Result != 0 {
		return e.Exec.Asked + failed(e.Exec.Result)
	}
	s := strings.Join(e.Process.Args, " ")
	if e.Process.Cut {
		s += fmt.Sprintf(" … (%d bytes in all)", e.Process.ArgsLen)
	}
	for mark, set := range map[string]bool{"set-user-id": e.Exec.SetUID, "file capabilities": e.Exec.Caps, "deleted file": e.Exec.Deleted, "no file": e.Exec.Memfd} {
		if set {
			s += " (" + mark + ")"
		}
	}
	return s
}

func netDid(n *event.NetOf) string {
	s := n.Proto
	if n.Local.IsValid() {
		s += " " + n.Local.String()
	}
	if n.Remote.IsValid() {
		s += " → " + n.Remote.String()
	}
	if n.Name != "" {
		s += " (" + n.Name + ")"
	}
	return s + failed(n.Result)
}

// failed is an errno in words. In progress is no failure yet.
func failed(result int32) string {
	if result == 0 {
		return ""
	}
	errno := syscall.Errno(-result)
	if errno == syscall.EINPROGRESS {
		return " …"
	}
	return ": " + errno.Error()
}
