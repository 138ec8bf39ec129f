// Package nftables blocks addresses at a gateway that Tocsin itself runs on, by the Linux
// packet filter. It keeps a table of its own, so that no rule of the house is touched and
// "nft delete table inet tocsin" takes everything back.
//
// It needs Linux and the capability CAP_NET_ADMIN. What it writes is gone after a reboot
// and after "nft flush ruleset"; Verify says so, because it looks again.
package nftables

import (
	"net/netip"

	"github.com/tocsin-ir/tocsin/actions"
)

// Config is what the actions need. The zero value is usable.
type Config struct {
	// Never are ranges that are never blocked: the way in for administrators, and what
	// Tocsin itself talks to.
	Never []netip.Prefix
}

// Actions are what can be done at this gateway. An error says why nothing can, as on
// anything but Linux.
func Actions(c Config) ([]actions.Action, error) { return open(c) }
