package event

import (
	"net/netip"
	"testing"
)

func TestWhatStandsInAnEvent(t *testing.T) {
	exec := Event{Kind: Exec, Process: Process{Exe: "/usr/bin/Curl", Args: []string{"curl", "-o", "/tmp/x"}, User: "www-data"}, Exec: &ExecOf{SHA256: "aa11"}, Container: Container{Pod: "shop-7"}}
	net := Event{Kind: Connect, Net: &NetOf{Proto: "tcp", Remote: netip.MustParseAddrPort("203.0.113.9:443"), Name: "evil.example"}}
	dns := Event{Kind: DNS, DNS: &DNSOf{Name: "evil.example", Aliases: []string{"cdn.example"}, Addrs: []netip.Addr{netip.MustParseAddr("203.0.113.9")}}}
	file := Event{Kind: File, File: &FileOf{Op: "rename", Path: "/etc/a", To: "/etc/b"}}
	sys := Event{Kind: Mount, Sys: &SystemOf{Call: "mount", Source: "/dev/sdb", Name: "/mnt", Target: Process{Exe: "/sbin/init"}}}
	priv := Event{Kind: Privilege, Priv: &PrivOf{Call: "setresuid"}}
	for _, c := range []struct {
		e    Event
		text string
		is   bool
	}{
		{exec, "", true}, {exec, "curl", true}, {exec, "CURL -o", true}, {exec, "www", true}, {exec, "AA11", true}, {exec, "shop-7", true}, {exec, "wget", false},
		{exec, "curl  -o", false},
		{net, "203.0.113.9:443", true}, {net, "evil", true}, {net, "tcp", true}, {net, "invalid", false},
		{dns, "cdn.", true}, {dns, "203.0.113.9", true}, {dns, "203.0.113.91", false},
		{file, "/etc/b", true}, {file, "rename", true}, {file, "/etc/c", false},
		{sys, "/dev/sdb", true}, {sys, "init", true}, {sys, "umount", false},
		{priv, "resuid", true}, {priv, "capset", false},
	} {
		if got := c.e.Mentions(c.text); got != c.is {
			t.Errorf("%s mentions %q: %t", c.e.Kind, c.text, got)
		}
	}
}
