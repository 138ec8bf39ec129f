//go:build linux

package nftables

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"

	nft "github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/actiontest"
	"github.com/tocsin-ir/tocsin/incident"
)

func TestActionsKeepTheContract(t *testing.T) {
	for _, target := range []string{"10.77.0.2", "fd77::2", "10.77.0.2/31"} {
		actiontest.Conform(t, actiontest.Case{
			Name: "nftables.block-address " + strings.ReplaceAll(target, "/", " "), NoDisturb: "an address is dropped or it is not; there is nothing else about it",
			Make: func(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
				home(t)
				p, err := parse(target)
				must(t, err)
				g := &gate{t: t, real: &netfilter{}, about: p}
				return blockAddress{Config{}, g, tryToReach}, g, actions.Input{Target: target}
			}})
	}
}

func the(t testing.TB, c Config) blockAddress {
	t.Helper()
	all, err := Actions(c)
	must(t, err)
	return all[0].(blockAddress)
}

func block(t testing.TB, a blockAddress, target string) actions.Receipt {
	t.Helper()
	p, err := a.Plan(t.Context(), actions.Input{Target: target})
	must(t, err)
	r, err := a.Do(t.Context(), p)
	must(t, err)
	return r
}

// The attacker talks to the server behind the gateway, is cut off with everything that
// was open, and may talk again when it is taken back.
func TestTheAttackersPacketsAreRefused(t *testing.T) {
	h := home(t)
	h.server.echo(t)
	h.attacker.echo(t)
	a := the(t, Config{})
	for _, c := range []struct {
		target       string
		from, server netip.Addr
	}{
		{"10.77.0.2", h.attacker.v4, h.server.v4},
		{"10.77.0.2/31", h.attacker.v4, h.server.v4},
		{"fd77::2", h.attacker.v6, h.server.v6},
		{"fd77::2/127", h.attacker.v6, h.server.v6},
	} {
		var open net.Conn
		h.attacker.at(t, func() { open = dial(t, "tcp", c.server) })
		if !h.attacker.reaches(t, c.server) || !h.server.reaches(t, c.from) || !answered(open) {
			t.Fatalf("%s: the house is not connected", c.target)
		}
		r := block(t, a, c.target)
		if h.attacker.reaches(t, c.server) {
			t.Errorf("%s is blocked, and a packet came through to the server", c.target)
		}
		if h.server.reaches(t, c.from) {
			t.Errorf("%s is blocked, and the server reaches it", c.target)
		}
		if answered(open) {
			t.Errorf("%s is blocked, and a connection that was open goes on", c.target)
		}
		if got := tryToReach(t.Context(), c.from); got != refused {
			t.Errorf("%s is blocked, and the gateway's own packet was %v", c.target, got)
		}
		if proof, err := a.Verify(t.Context(), r); err != nil || proof.Standing != actions.InEffect || len(proof.Seen) != 2 {
			t.Errorf("%s: %+v, %v", c.target, proof, err)
		}
		if _, err := a.Undo(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if !h.attacker.reaches(t, c.server) || !h.server.reaches(t, c.from) {
			t.Errorf("%s was taken back, and the attacker is still cut off", c.target)
		}
	}
}

func TestOthersAreNotBlocked(t *testing.T) {
	h := home(t)
	h.server.echo(t)
	block(t, the(t, Config{}), "10.77.0.3")
	block(t, the(t, Config{}), "10.99.0.0/16")
	if !h.attacker.reaches(t, h.server.v4) || !h.attacker.reaches(t, h.server.v6) {
		t.Error("a neighbour was blocked, and the attacker with it")
	}
}

// A hold on a range and one on an address in it come and go without each other.
func TestHoldsThatOverlap(t *testing.T) {
	h := home(t)
	h.server.echo(t)
	a := the(t, Config{})
	wide := block(t, a, "10.77.0.2/31")
	p, err := a.Plan(t.Context(), actions.Input{Target: "10.77.0.2"})
	if err != nil || p.Already || !strings.Contains(strings.Join(p.Warnings, " "), "part of 10.77.0.2/31") {
		t.Errorf("%+v, %v", p, err)
	}
	narrow := block(t, a, "10.77.0.2")
	back, err := a.Undo(t.Context(), narrow)
	must(t, err)
	if proof, err := a.Verify(t.Context(), back); err != nil || proof.Standing != actions.Unproven {
		t.Errorf("taken back and still blocked with the range: %+v, %v", proof, err)
	}
	narrow = block(t, a, "10.77.0.2")
	_, err = a.Undo(t.Context(), wide)
	must(t, err)
	if h.attacker.reaches(t, h.server.v4) {
		t.Error("the range was opened, and the address with it")
	}
	_, err = a.Undo(t.Context(), narrow)
	must(t, err)
	if !h.attacker.reaches(t, h.server.v4) {
		t.Error("everything was opened, and the attacker is still cut off")
	}
}

// Somebody empties the table, puts it to sleep, or lets everything pass before it: each
// is found out, and blocking again mends it.
func TestRulesThatSomebodyTookAwayAreMissed(t *testing.T) {
	h := home(t)
	h.server.echo(t)
	a := the(t, Config{})
	table := &nft.Table{Name: tableName, Family: nft.TableFamilyINet}
	for what, spoil := range map[string]func(*nft.Conn){
		"the table is deleted":  func(c *nft.Conn) { c.DelTable(table) },
		"the rules are deleted": func(c *nft.Conn) { c.FlushTable(table) },
		"one chain is emptied":  func(c *nft.Conn) { c.FlushChain(&nft.Chain{Name: "prerouting", Table: table}) },
		"the set is emptied":    func(c *nft.Conn) { c.FlushSet(&nft.Set{Name: "v4_32", Table: table}) },
		"everything passes before": func(c *nft.Conn) {
			c.InsertRule(&nft.Rule{Table: table, Chain: &nft.Chain{Name: "prerouting", Table: table}, Exprs: []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}}})
		},
	} {
		clearTable(t)
		r := block(t, a, "10.77.0.2")
		c, err := nft.New()
		must(t, err)
		spoil(c)
		must(t, c.Flush())
		if proof, err := a.Verify(t.Context(), r); err != nil || proof.Standing != actions.NotInEffect {
			t.Errorf("%s: %+v, %v", what, proof, err)
		}
		again := block(t, a, "10.77.0.2")
		if proof, err := a.Verify(t.Context(), again); err != nil || proof.Standing != actions.InEffect || h.attacker.reaches(t, h.server.v4) {
			t.Errorf("%s, blocked again: %+v, %v", what, proof, err)
		}
	}
}

// The rules are there and the kernel does not keep to them: the packet tells.
func TestARuleThatDoesNotWorkIsFoundOut(t *testing.T) {
	home(t)
	a := the(t, Config{})
	r := block(t, a, "10.77.0.2")
	a.try = func(context.Context, netip.Addr) effect { return left }
	if proof, err := a.Verify(t.Context(), r); err != nil || proof.Standing != actions.NotInEffect {
		t.Errorf("%+v, %v", proof, err)
	}
}

func TestWhereThereIsNoWayTheEffectStaysUnproven(t *testing.T) {
	home(t)
	a := the(t, Config{})
	for _, target := range []string{"203.0.113.0/24", "2001:db8::/32"} {
		if proof, err := a.Verify(t.Context(), block(t, a, target)); err != nil || proof.Standing != actions.Unproven {
			t.Errorf("%s: %+v, %v", target, proof, err)
		}
	}
}

// The kernel itself refuses whoever lacks the capability.
func TestWithoutTheCapability(t *testing.T) {
	home(t)
	a := the(t, Config{})
	elsewhere(func() {
		head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var sets [2]unix.CapUserData
		must(t, unix.Capget(&head, &sets[0]))
		sets[0].Effective &^= 1 << unix.CAP_NET_ADMIN
		must(t, unix.Capset(&head, &sets[0])) // of this thread
		_, err := a.Plan(t.Context(), actions.Input{Target: "10.77.0.2"})
		var missing *actions.MissingRight
		if !errors.As(err, &missing) || missing.Right != capability {
			t.Errorf("got %v", err)
		}
	})
}

func TestWhatIsNeverBlocked(t *testing.T) {
	home(t)
	a := the(t, Config{Never: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}})
	for _, target := range []string{
		"0.0.0.0/0", "10.0.0.0/7", "::/0", "2000::/3", "127.0.0.1", "::1", "224.0.0.1", "10.77.0.1", "10.77.0.0/24", "::ffff:10.77.0.1",
		"fd77::1", "192.0.2.7", "192.0.0.0/16", "0.0.0.0", "ff02::1",
	} {
		if _, err := a.Plan(t.Context(), actions.Input{Target: target}); !incident.IsGivenUp(err) {
			t.Errorf("%s: %v", target, err)
		}
	}
	var no *actions.NoTarget
	for _, target := range []string{"", "mallory", "10.77.0", "fe80::1%eth0", "1.2.3.4/33", "::ffff:1.2.3.0/120", "1.2.3.4; drop", strings.Repeat("1", 300)} {
		if _, err := a.Plan(t.Context(), actions.Input{Target: target}); !errors.As(err, &no) {
			t.Errorf("%.20s: %v", target, err)
		}
	}
}

func TestCheck(t *testing.T) {
	home(t)
	missing, err := the(t, Config{}).Check(t.Context())
	if err != nil || len(missing) > 0 {
		t.Errorf("%v, %v", missing, err)
	}
	g := &gate{t: t, real: &netfilter{}}
	g.Fail(403, -1, false)
	missing, err = blockAddress{Config{}, g, tryToReach}.Check(t.Context())
	if err != nil || len(missing) != 1 || !strings.Contains(missing[0], capability) {
		t.Errorf("%v, %v", missing, err)
	}
}

func TestTheDocumentSaysWhatTheCodeSays(t *testing.T) {
	all, err := Actions(Config{})
	must(t, err)
	actiontest.Documented(t, "../../docs/adapters/nftables.md", all)
}

// A range that was read is what it was written as, and nothing else is read.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"10.0.0.1", "10.0.0.0/8", "fd00::/8", "::ffff:1.2.3.4", "::ffff:1.2.3.4/120", "fe80::1%x", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parse(s)
		if err != nil {
			return
		}
		again, err := parse(nameOf(p))
		if err != nil || again != p || p.Addr().Is4In6() || p.Addr().Zone() != "" {
			t.Errorf("%q is %v and then %v, %v", s, p, again, err)
		}
		if family, bits, ok := parts(setName(p)); p.Bits() > 0 && (!ok || bits != p.Bits() || (family == 4) != p.Addr().Is4()) {
			t.Errorf("the set of %v is %s", p, setName(p))
		}
	})
}

// One block, with proof and way back, at a gateway that blocks a thousand others already.
func BenchmarkBlockAmongAThousand(b *testing.B) {
	home(b)
	k := &netfilter{}
	at := netip.MustParseAddr("198.18.0.1")
	for range 1000 {
		must(b, k.add(b.Context(), netip.PrefixFrom(at, 32)))
		at = at.Next()
	}
	all, err := Actions(Config{})
	must(b, err)
	a := all[0].(blockAddress)
	for b.Loop() {
		p, err := a.Plan(b.Context(), actions.Input{Target: "10.77.0.2"})
		must(b, err)
		r, err := a.Do(b.Context(), p)
		must(b, err)
		_, err = a.Verify(b.Context(), r)
		must(b, err)
		_, err = a.Undo(b.Context(), r)
		must(b, err)
	}
}
