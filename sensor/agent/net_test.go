package agent

import (
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

func listen(t *testing.T, network, addr string) netip.AddrPort {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		missing(t, "no such network here:", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	return netip.MustParseAddrPort(l.Addr().String())
}

func TestConnect(t *testing.T) {
	w := kernel(t)
	for _, c := range []struct {
		name, network, addr string
		outcome             syscall.Errno
	}{
		{"IPv4", "tcp4", listen(t, "tcp4", "127.0.0.1:0").String(), 0},
		{"IPv6", "tcp6", listen(t, "tcp6", "[::1]:0").String(), 0},
		{"refused", "tcp4", "127.0.0.1:1", syscall.ECONNREFUSED},
	} {
		t.Run(c.name, func(t *testing.T) {
			to := netip.MustParseAddrPort(c.addr)
			pid := deed(t, "connect", c.network, c.addr)
			w.find(t, event.Connect, pid, func(e event.Event) bool {
				return e.Net.Proto == "tcp" && e.Net.Remote == to && e.Net.Result == -int32(syscall.EINPROGRESS)
			})
			e := w.find(t, event.Connect, pid, func(e event.Event) bool {
				return e.Net.Remote == to && e.Net.Result == -int32(c.outcome)
			})
			if c.outcome == 0 && (!e.Net.Local.IsValid() || e.Net.Local.Port() == 0) {
				t.Errorf("from %s", e.Net.Local)
			}
		})
	}
}

// io_uring connects without a system call of that name, and is seen all the same.
func TestConnectByIOUring(t *testing.T) {
	w := kernel(t)
	to := listen(t, "tcp4", "127.0.0.1:0")
	cmd := command("ring", "connect", itoa(int(to.Port())))
	if out, err := cmd.CombinedOutput(); err != nil {
		missing(t, "no io_uring here:", err, string(out))
	}
	w.find(t, event.Connect, cmd.Process.Pid, func(e event.Event) bool { return e.Net.Remote == to && e.Net.Result == 0 })
}

// Accept, bind and listen are those of the process that serves.
func TestServe(t *testing.T) {
	w := kernel(t)
	pid := deed(t, "serve")
	a := w.find(t, event.Accept, pid, nil)
	w.find(t, event.Bind, pid, func(e event.Event) bool { return e.Net.Local == a.Net.Local && e.Net.Proto == "tcp" })
	w.find(t, event.Listen, pid, func(e event.Event) bool { return e.Net.Local == a.Net.Local && e.Net.Proto == "tcp" })
	if a.Net.Remote.Addr() != netip.MustParseAddr("127.0.0.1") || a.Net.Remote.Port() == 0 {
		t.Errorf("accepted from %s", a.Net.Remote)
	}
}

// The recovery profile tells each datagram; any other the first to an address.
func TestDatagrams(t *testing.T) {
	w := kernel(t)
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	count := func(pid int) (n int) {
		w.find(t, event.Exit, pid, nil)
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, e := range w.seen {
			if e.Kind == event.Connect && int(e.Process.PID) == pid && e.Net.Proto == "udp" {
				n++
			}
		}
		return n
	}
	if n := count(deed(t, "datagrams", c.LocalAddr().String())); n != 5 {
		t.Errorf("recovery: %d of 5 datagrams were told", n)
	}
	profile(t, w, "normal")
	if n := count(deed(t, "datagrams", c.LocalAddr().String())); n != 1 {
		t.Errorf("normal: %d were told; it is the first of 5", n)
	}
}

// A name that is asked for, its answer, and the connection to what it said, by name.
func TestDNS(t *testing.T) {
	w := kernel(t)
	c, err := net.ListenPacket("udp4", "127.53.53.53:53")
	if err != nil {
		missing(t, "port 53 cannot be had:", err)
	}
	defer func() { _ = c.Close() }()
	go answer(c)
	to := netip.MustParseAddrPort("127.66.66.66:4444")
	pid := deed(t, "ask", c.LocalAddr().String(), to.String())
	q := w.find(t, event.DNS, pid, func(e event.Event) bool { return !e.DNS.Answer })
	if q.DNS.Name != "c2.evil.example" || q.DNS.Type != "A" || q.DNS.Server != netip.MustParseAddrPort("127.53.53.53:53") {
		t.Errorf("asked %+v", q.DNS)
	}
	a := w.find(t, event.DNS, pid, func(e event.Event) bool { return e.DNS.Answer })
	if len(a.DNS.Addrs) != 1 || a.DNS.Addrs[0] != to.Addr() || strings.Join(a.DNS.Aliases, "") != "bad.example" {
		t.Errorf("answered %+v", a.DNS)
	}
	e := w.find(t, event.Connect, pid, func(e event.Event) bool { return e.Net.Remote == to })
	if e.Net.Name != "c2.evil.example" {
		t.Errorf("connected to %q by name %q", e.Net.Remote, e.Net.Name)
	}
}

func answer(c net.PacketConn) {
	b := make([]byte, 512)
	n, from, err := c.ReadFrom(b)
	if err != nil {
		return
	}
	var m dnsmessage.Message
	if m.Unpack(b[:n]) != nil {
		return
	}
	m.Response = true
	alias := dnsmessage.MustNewName("bad.example.")
	m.Answers = []dnsmessage.Resource{
		{Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET}, Body: &dnsmessage.CNAMEResource{CNAME: alias}},
		{Header: dnsmessage.ResourceHeader{Name: alias, Class: dnsmessage.ClassINET}, Body: &dnsmessage.AResource{A: [4]byte{127, 66, 66, 66}}},
	}
	if out, err := m.Pack(); err == nil {
		_, _ = c.WriteTo(out, from)
	}
	time.Sleep(10 * time.Millisecond)
}
