package agent

import (
	"bufio"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// names remembers by what name an address was asked for last. It holds the newest
// answers in two generations, so that it never grows and never stops to clean up.
type names struct{ young, old map[netip.Addr]string }

const mostNames = 4096 // in each generation

func newNames() *names { return &names{young: map[netip.Addr]string{}} }

func (n *names) learn(d *event.DNSOf) {
	for _, a := range d.Addrs {
		if len(n.young) >= mostNames {
			n.old, n.young = n.young, map[netip.Addr]string{}
		}
		n.young[a.Unmap()] = d.Name
	}
}

func (n *names) of(a netip.Addr) string {
	if name, ok := n.young[a.Unmap()]; ok {
		return name
	}
	return n.old[a.Unmap()]
}

// users reads /etc/passwd, and again when it has changed.
type users struct {
	byID map[uint32]string
	mod  time.Time
	next time.Time
}

func (u *users) name(id uint32) string {
	if now := time.Now(); now.After(u.next) {
		u.next = now.Add(10 * time.Second)
		u.read()
	}
	return u.byID[id]
}

func (u *users) read() {
	info, err := os.Stat("/etc/passwd")
	if err != nil || info.ModTime().Equal(u.mod) {
		return
	}
	f, err := os.Open("/etc/passwd")
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	u.mod, u.byID = info.ModTime(), map[uint32]string{}
	for s := bufio.NewScanner(f); s.Scan() && len(u.byID) < 65536; {
		if p := strings.Split(s.Text(), ":"); len(p) > 2 {
			if _, taken := u.byID[number(p[2])]; !taken {
				u.byID[number(p[2])] = p[0]
			}
		}
	}
}
