package fleet_test

import (
	"crypto/ed25519"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
)

func TestOrdersThatAreNotObeyed(t *testing.T) {
	s := serve(t)
	h := join(t, s, "web-3", setup{proc: t.TempDir()})
	isolate := directive.Directive{ID: "x", Kind: directive.Isolate, Isolate: &directive.IsolateOf{}}
	good := h.signed(t, s, isolate)
	_, mallory, _ := ed25519.GenerateKey(nil)
	forge := func(change func(*directive.Directive), key ed25519.PrivateKey) []byte {
		d := isolate
		now := time.Now()
		d.V, d.Workspace, d.Host, d.Seq, d.Incident, d.Approval = directive.Version, "acme", "web-3", 1<<40, "INC-1", "a"
		d.NotBefore, d.Expires, d.TTL, d.OnExpiry = now.UnixMilli(), now.Add(time.Minute).UnixMilli(), 1000, directive.Ask
		change(&d)
		env, err := directive.Sign(key, d)
		if err != nil {
			t.Fatal(err)
		}
		return env
	}
	bent := append([]byte{}, good...)
	bent[len(bent)-3] ^= 1
	for name, env := range map[string][]byte{
		directive.Forged + " by another key": forge(func(*directive.Directive) {}, mallory),
		directive.Forged + " on the way":     bent,
		directive.Malformed:                  []byte("isolate yourself"),
		directive.Elsewhere:                  forge(func(d *directive.Directive) { d.Host = "web-4" }, orderKey),
		directive.Expired: forge(func(d *directive.Directive) {
			d.Seq, d.NotBefore, d.Expires = 1<<41, 1, 2
		}, orderKey),
	} {
		refusal(t, h, env, strings.Fields(name)[0])
	}
	if len(h.held()) != 0 {
		t.Fatal("something is held:", h.held())
	}
	// The real server's next order counts on from what the host has seen.
	a := action(t, s, "fleet.isolate-host")
	p, err := a.Plan(t.Context(), actions.Input{Target: "web-3", Key: "INC-0001.C1/1/1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Do(t.Context(), p); err == nil || !strings.Contains(err.Error(), "accepted already") {
		t.Log("the host told its number when it came, so the first order is refused once, at most:", err)
	}
	refusal(t, h, good, directive.Replayed)
}

func refusal(t testing.TB, h *host, env []byte, code string) {
	t.Helper()
	_, err := h.hands.Take(t.Context(), env)
	var no *directive.Refusal
	if !errors.As(err, &no) || no.Code != code {
		t.Errorf("%v, want %s", err, code)
	}
}

// The server's database was restored from an old copy: its numbers begin below what hosts accepted.
func TestNumbersGoOnAfterTheDatabaseWasRestored(t *testing.T) {
	s := serve(t)
	h := join(t, s, "web-3", setup{proc: t.TempDir()})
	h.by(t, s, directive.Directive{ID: "a", Kind: directive.Block, Block: &directive.BlockOf{Domains: []string{"evil.example"}}})
	s.book.Mu.Lock()
	s.book.Numbers = map[string]uint64{}
	s.book.Mu.Unlock()
	h.stop()
	eventually(t, "it left", func() bool { is, _ := s.Host("web-3"); return !is.Connected })
	h.run(t)
	h.connected(t, s)
	do(t, s, "fleet.isolate-host", "web-3")
}

// do plans and does, and fails if that does not work.
func do(t testing.TB, s *server, name, target string) actions.Receipt {
	t.Helper()
	a := action(t, s, name)
	params, err := a.Spec().Complete(nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Plan(t.Context(), actions.Input{Target: target, Params: params, Key: "INC-0042.C1/3/1"})
	if err != nil {
		t.Fatal("plan: ", err)
	}
	r, err := a.Do(t.Context(), p)
	if err != nil {
		t.Fatal("do: ", err)
	}
	return r
}

// Whoever has the server's database, and even its authority, but not the key that orders, orders nothing.
func TestAServerWithAnotherKeyIsNotObeyed(t *testing.T) {
	s := serve(t)
	h := join(t, s, "web-3", setup{proc: t.TempDir()})
	s.stop()
	eventually(t, "it left", func() bool { is, _ := s.Host("web-3"); return !is.Connected })
	_, stolen, _ := ed25519.GenerateKey(nil)
	evil := &server{book: s.book, clock: &clock{}}
	var err error
	if evil.Fleet, err = fleet.New(t.Context(), fleet.Config{Workspace: "acme", Book: s.book, Directives: stolen, Authority: authorityKey, Names: []string{"127.0.0.1"}}); err != nil {
		t.Fatal(err)
	}
	evil.listen(t, s.at)
	h.connected(t, evil)
	is, _ := evil.Host("web-3")
	if is.Pinned || !strings.Contains(strings.Join(is.Trouble, " "), "pinned another key") {
		t.Errorf("%+v", is)
	}
	a := action(t, evil, "fleet.isolate-host")
	if p, err := a.Plan(t.Context(), actions.Input{Target: "web-3", Key: "k"}); err == nil {
		t.Errorf("planned: %+v", p)
	}
	if err := evil.Publish("intel", 1, []byte("x")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the set is refused", func() bool {
		is, _ := evil.Host("web-3")
		return len(is.Sets) == 1 && is.Sets[0].Trouble != ""
	})
	if len(h.held()) != 0 {
		t.Error(h.held())
	}
}

func TestTheHostsOwnLimitsHold(t *testing.T) {
	s := serve(t)
	limits := directive.DefaultLimits()
	limits.Kinds, limits.LongestTTL = []directive.Kind{directive.Block}, time.Hour
	limits.NeverAddresses = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
	join(t, s, "web-3", setup{proc: t.TempDir(), limits: &limits})
	_, err := action(t, s, "fleet.isolate-host").Plan(t.Context(), actions.Input{Target: "web-3", Key: "k"})
	var right *actions.MissingRight
	if !errors.As(err, &right) || right.Right != "host.isolate" {
		t.Error(err)
	}
	b := action(t, s, "fleet.block-address")
	in := actions.Input{Target: "198.51.100.7", Key: "k", Params: map[string]string{"hosts": "all"}, Until: time.Now().Add(30 * time.Minute)}
	p, err := b.Plan(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Do(t.Context(), p); !errors.As(err, &right) || !strings.Contains(err.Error(), "never blocked on this host") {
		t.Error(err)
	}
	in.Until = time.Now().Add(2 * time.Hour)
	if _, err := b.Plan(t.Context(), in); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Error(err)
	}
	for _, wide := range []string{"0.0.0.0/0", "::/0", "127.0.0.1", "224.0.0.1", "10.0.0.0/7"} {
		in.Target = wide
		if _, err := b.Plan(t.Context(), in); err == nil {
			t.Error(wide, "is blocked")
		}
	}
}

func TestWhoWouldNotObeyIsSaid(t *testing.T) {
	s := serve(t)
	limits := directive.DefaultLimits()
	limits.Kinds = limits.Kinds[1:]
	join(t, s, "a", setup{})
	join(t, s, "b", setup{limits: &limits})
	join(t, s, "c", setup{watches: true})
	s.enrol(t, "d", t.TempDir())
	got, err := s.Check(t.Context())
	want := "b does not allow host.isolate. c only watches and obeys nobody. d is not connected."
	if strings.Join(got, " ") != want || err != nil {
		t.Errorf("%q %v", got, err)
	}
}
