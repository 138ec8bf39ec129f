package main

import (
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

func itoa(n int) string { return strconv.Itoa(n) }

// What a container is called was chosen by whoever started it.
func TestLineOfAContainer(t *testing.T) {
	e := event.Event{Kind: event.Exit, At: time.Date(2026, 11, 25, 12, 0, 0, 0, time.Local), Exit: &event.ExitOf{Lived: time.Second}, Process: event.Process{Exe: "/x", Key: event.Key{PID: 7}},
		Container: event.Container{ID: strings.Repeat("0123456789abcdef", 4), Namespace: "shop", Pod: "web-0", Name: "nginx", Image: "nginx:1.27\x1b[2J"}}
	if got, want := line(&e, false), "12:00:00.000 exit      /x[7] 0 in 0123456789ab shop/web-0/nginx (nginx:1.27·[2J)  ended with 0 after 1s"; got != want {
		t.Errorf("%s\nis to be\n%s", got, want)
	}
}

func TestLine(t *testing.T) {
	who := event.Process{Key: event.Key{PID: 7}, Exe: "/bin/x", User: "web", Args: []string{"x", "-a"}}
	at := time.Date(2026, 11, 25, 12, 0, 0, 0, time.Local)
	addr := netip.MustParseAddrPort("198.51.100.7:443")
	for want, e := range map[string]event.Event{
		"12:00:00.000 exec      /bin/x[7] web  x -a":                        {Kind: event.Exec, Exec: &event.ExecOf{}},
		"12:00:00.000 exec      /bin/x[7] web  x -a (set-user-id)":          {Kind: event.Exec, Exec: &event.ExecOf{SetUID: true}},
		"12:00:00.000 exec      /bin/x[7] web  ./y: permission denied":      {Kind: event.Exec, Exec: &event.ExecOf{Asked: "./y", Result: -int32(syscall.EACCES)}},
		"12:00:00.000 exit      /bin/x[7] web  killed by signal 9 after 1s": {Kind: event.Exit, Exit: &event.ExitOf{Signal: 9, Lived: time.Second}},
		"12:00:00.000 connect   /bin/x[7] web  tcp → 198.51.100.7:443 (c2.example) …": {Kind: event.Connect,
			Net: &event.NetOf{Proto: "tcp", Remote: addr, Name: "c2.example", Result: -int32(syscall.EINPROGRESS)}},
		"12:00:00.000 connect   /bin/x[7] web  tcp → 198.51.100.7:443: connection refused": {Kind: event.Connect,
			Net: &event.NetOf{Proto: "tcp", Remote: addr, Result: -int32(syscall.ECONNREFUSED)}},
		"12:00:00.000 dns       /bin/x[7] web  asked 198.51.100.7:443 for A c2.example": {Kind: event.DNS, DNS: &event.DNSOf{Server: addr, Type: "A", Name: "c2.example"}},
		"12:00:00.000 file      /bin/x[7] web  rename /a to /b":                         {Kind: event.File, File: &event.FileOf{Op: "rename", Path: "/a", To: "/b"}},
		"12:00:00.000 ptrace    /bin/x[7] web  ptrace of /bin/ssh[9]": {Kind: event.Ptrace,
			Sys: &event.SystemOf{Call: "ptrace", Target: event.Process{Key: event.Key{PID: 9}, Exe: "/bin/ssh"}}},
	} {
		e.At, e.Process = at, who
		if got := line(&e, false); got != want {
			t.Errorf("%s\nis to be\n%s", got, want)
		}
	}
}

func TestFilter(t *testing.T) {
	f := &filter{path: "/etc", family: map[uint32]bool{1: true}}
	child := event.Event{Kind: event.File, Process: event.Process{Key: event.Key{PID: 2}}, Parent: event.Process{Key: event.Key{PID: 1}}, File: &event.FileOf{Path: "/etc/passwd"}}
	grandchild := child
	grandchild.Process.PID, grandchild.Parent.PID = 3, 2
	other := child
	other.Process.PID, other.Parent.PID = 4, 5
	elsewhere := child
	elsewhere.File = &event.FileOf{Path: "/etcetera"}
	for i, c := range []struct {
		e    event.Event
		want bool
	}{{child, true}, {grandchild, true}, {other, false}, {elsewhere, false}} {
		if f.wants(&c.e) != c.want {
			t.Errorf("%d: wanted %t", i, !c.want)
		}
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("\x1b[2J\u202e")
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsAny(plain(s), "\x1b\r\n\x00\u202e\u009b") {
			t.Errorf("%q", plain(s))
		}
	})
}
