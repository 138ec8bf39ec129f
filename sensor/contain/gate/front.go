package gate

import (
	"context"
	"errors"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// mostPushes is how often in a rescan the gate goes in front of somebody else's filters on one
// interface: whoever insists on the same must not keep the two of us busy for ever.
const mostPushes = 32

// followFilters hears of filters that somebody sets on an interface, and puts the gate in front
// of them again. What passes meanwhile, some milliseconds long, passes. When the kernel does
// not say, the next scan sees it.
func (g *Gate) followFilters(ctx context.Context) {
	s, err := nl.Subscribe(unix.NETLINK_ROUTE, unix.RTNLGRP_TC)
	if err != nil {
		g.log.Warn("filters of others are looked for every half minute only", "error", err)
		return
	}
	defer context.AfterFunc(ctx, s.Close)()
	_ = g.scan() // what came before anybody listened
	for {
		messages, _, err := s.Receive()
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, unix.ENOBUFS) {
			_ = g.scan()
			continue
		}
		if err != nil {
			g.log.Warn("filters of others are looked for every half minute only", "error", err)
			s.Close()
			return
		}
		changed := map[int]bool{}
		for _, m := range messages {
			if (m.Header.Type == unix.RTM_NEWTFILTER || m.Header.Type == unix.RTM_DELTFILTER) && len(m.Data) >= nl.SizeofTcMsg {
				changed[int(nl.DeserializeTcMsg(m.Data).Ifindex)] = true
			}
		}
		g.mu.Lock()
		for index := range changed {
			if w := g.links[index]; w != nil {
				g.push(w, index)
			}
		}
		g.mu.Unlock()
	}
}

// push goes in front of the filters that came since. g.mu is held.
func (g *Gate) push(w *watched, index int) {
	if w.by != "clsact" || w.why != "" || w.pushes >= mostPushes {
		return
	}
	if before, err := filtersBefore(index); err != nil || before == w.before {
		return
	}
	w.pushes++
	in, out := g.framesOf(w)
	before, err := attachFilters(index, in, out)
	if err != nil {
		w.why = err.Error()
		g.log.Warn("an interface is not covered any more", "interface", w.name, "error", err)
		return
	}
	if w.before = before; before != "" {
		g.log.Warn("filters of others are asked before the gate's", "interface", w.name, "filters", before)
	}
}
