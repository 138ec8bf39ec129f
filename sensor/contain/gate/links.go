package gate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// watched is an interface of the agent's network namespace.
type watched struct {
	name  string
	by    string // tcx, clsact
	why   string // why it is not covered; empty when it is
	encap string

	before string // filters that are asked before the gate's, by clsact
	pushes int    // since the last scan

	pins []string
	held []link.Link
}

func (w *watched) close() {
	for _, l := range w.held {
		_ = l.Close()
	}
	w.held = nil
}

func (w *watched) remove(index int) {
	w.close()
	for _, p := range w.pins {
		_ = os.Remove(p)
	}
	if w.by == "clsact" {
		removeFilters(index)
	}
}

// rescan is how often all interfaces are looked at although the kernel said nothing: a
// message of it can be lost when its queue is full.
const rescan = 30 * time.Second

// watchLinks covers the interfaces there are and, until Close, those that come. An interface
// is covered within the time a netlink message takes; what has a socket is covered from its
// first packet by the cgroup.
func (g *Gate) watchLinks() error {
	ctx, stop := context.WithCancel(context.Background())
	g.stop = stop
	updates := make(chan netlink.LinkUpdate, 256)
	err := netlink.LinkSubscribeWithOptions(updates, ctx.Done(), netlink.LinkSubscribeOptions{
		ErrorCallback: func(error) {}, // the channel is closed too, and that is answered
	})
	if err != nil {
		g.log.Warn("interfaces are looked for every half minute only", "error", err)
		updates = nil
	}
	if err := g.scan(); err != nil {
		stop()
		g.stop = nil
		return err
	}
	g.done.Go(func() { g.follow(ctx, updates) })
	g.done.Go(func() { g.followFilters(ctx) })
	return nil
}

func (g *Gate) follow(ctx context.Context, updates chan netlink.LinkUpdate) {
	tick := time.NewTicker(rescan)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case u, ok := <-updates:
			if !ok { // the queue ran over; listen anew and look at everything
				updates = make(chan netlink.LinkUpdate, 256)
				if err := netlink.LinkSubscribe(updates, ctx.Done()); err != nil {
					updates = nil
				}
				_ = g.scan()
				continue
			}
			g.hear(u)
		case <-tick.C:
			g.rest()
			if err := g.scan(); err != nil {
				g.log.Warn("interfaces could not be listed", "error", err)
			}
		}
	}
}

func (g *Gate) hear(u netlink.LinkUpdate) {
	if u.Header.Type == unix.RTM_DELLINK && u.Family == unix.AF_UNSPEC {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.forget(int(u.Index))
		return
	}
	g.cover(u.Attrs())
}

func (g *Gate) scan() error {
	found, err := netlink.LinkList()
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) {
		return fmt.Errorf("list interfaces: %w", err)
	}
	there := map[int]bool{}
	for _, l := range found {
		there[l.Attrs().Index] = true
		g.cover(l.Attrs())
	}
	if err != nil {
		return nil // the list changed while it was read: nothing is forgotten on its word
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.links {
		if !there[i] {
			g.forget(i)
		}
	}
	return nil
}

func (g *Gate) rest() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, w := range g.links {
		w.pushes = 0
	}
}

func (g *Gate) forget(index int) {
	if w := g.links[index]; w != nil {
		w.remove(index)
		delete(g.links, index)
	}
}

// bare are the kinds of interfaces whose packets begin with the IP header.
var bare = map[string]bool{"none": true, "ppp": true, "ipip": true, "sit": true, "gre": true, "tunnel6": true, "ip6gre": true, "rawip": true}

func (g *Gate) cover(a *netlink.LinkAttrs) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if a.EncapType == "loopback" {
		return
	}
	if w := g.links[a.Index]; w != nil && w.why == "" && w.encap == a.EncapType {
		w.name = a.Name
		g.push(w, a.Index)
		return
	}
	w := &watched{name: a.Name, encap: a.EncapType}
	in, out := g.framesOf(w)
	if in == nil {
		w.why = "its frames, of kind " + a.EncapType + ", are not understood"
		g.links[a.Index] = w
		return
	}
	if err := g.attachLink(w, a.Index, in, out); err != nil {
		w.close()
		w.why = err.Error()
		g.log.Warn("an interface is not covered", "interface", a.Name, "error", err)
	}
	g.links[a.Index] = w
}

// framesOf is the programs for an interface's frames; nil when they are not understood.
func (g *Gate) framesOf(w *watched) (in, out *ebpf.Program) {
	switch {
	case w.encap == "ether":
		return g.progs.GateFrameIn, g.progs.GateFrameOut
	case bare[w.encap]:
		return g.progs.GateBareIn, g.progs.GateBareOut
	}
	return nil, nil
}

func (g *Gate) attachLink(w *watched, index int, in, out *ebpf.Program) error {
	w.by = "tcx"
	err := ebpf.ErrNotSupported
	if !g.place.NoTCX {
		err = errors.Join(g.attachTCX(w, index, in, ebpf.AttachTCXIngress, "in"), g.attachTCX(w, index, out, ebpf.AttachTCXEgress, "out"))
	}
	if err == nil {
		removeFilters(index) // an agent on an older kernel, or told not to use tcx, may have left them
		return nil
	}
	w.close()
	w.by = "clsact"
	var again error
	if w.before, again = attachFilters(index, in, out); again != nil {
		return errors.Join(fmt.Errorf("attach by tcx: %w", err), fmt.Errorf("attach by clsact: %w", again))
	}
	return nil
}

func (g *Gate) attachTCX(w *watched, index int, prog *ebpf.Program, where ebpf.AttachType, name string) error {
	// First in the chain: a program of somebody else that lets a packet pass for good must not
	// keep it from us.
	l, err := link.AttachTCX(link.TCXOptions{Interface: index, Program: prog, Attach: where, Anchor: link.Head()})
	if err != nil {
		return err
	}
	pin := filepath.Join(g.round, "link-"+strconv.Itoa(index)+"-"+name)
	_ = os.Remove(pin) // of an interface that had this number before
	if err := l.Pin(pin); err != nil {
		_ = l.Close()
		return fmt.Errorf("pin: %w", err)
	}
	w.held, w.pins = append(w.held, l), append(w.pins, pin)
	return nil
}
