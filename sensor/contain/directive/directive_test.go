package directive

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var (
	now      = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	serverK  = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	strangeK = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, ed25519.SeedSize))
	nextK    = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, ed25519.SeedSize))
)

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func enrolled() *Ledger {
	return &Ledger{Workspace: "acme", Host: "web-3", Key: public(serverK), Seq: 10}
}

func limits() Limits {
	l := DefaultLimits()
	l.Control = []netip.AddrPort{netip.MustParseAddrPort("203.0.113.7:443")}
	l.NeverAddresses = []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}
	return l
}

// isolate is an order that web-3 obeys.
func isolate() Directive {
	return Directive{V: 1, ID: "D-1", Workspace: "acme", Host: "web-3", Incident: "INC-0042", Approval: "A-7", Kind: Isolate, Seq: 11,
		NotBefore: now.Add(-time.Minute).UnixMilli(), Expires: now.Add(time.Minute).UnixMilli(),
		TTL: time.Hour.Milliseconds(), OnExpiry: Ask, Isolate: &IsolateOf{}}
}

func signed(t testing.TB, k ed25519.PrivateKey, d Directive) []byte {
	t.Helper()
	env, err := Sign(k, d)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func code(err error) string {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	if err != nil {
		return "not a refusal: " + err.Error()
	}
	return ""
}

func TestAnOrderIsObeyedOnce(t *testing.T) {
	l := enrolled()
	env := signed(t, serverK, isolate())
	d, err := l.Accept(env, limits(), now)
	if err != nil || d.Kind != Isolate || l.Seq != 11 {
		t.Fatalf("the order: %+v, %v; seq %d", d, err, l.Seq)
	}
	if _, err := l.Accept(env, limits(), now); code(err) != Replayed {
		t.Errorf("the same order again: %v", err)
	}
	// The agent starts again with what it wrote down.
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	var kept Ledger
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	if _, err := kept.Accept(env, limits(), now); code(err) != Replayed {
		t.Errorf("the same order after a restart: %v", err)
	}
}

// What is refused, and why. None of it changes what the host obeys next.
func TestWhatIsNotObeyed(t *testing.T) {
	with := func(change func(*Directive)) func(testing.TB) []byte {
		return func(t testing.TB) []byte {
			d := isolate()
			change(&d)
			return signed(t, serverK, d)
		}
	}
	// unchecked signs what Sign would refuse: a server may be newer than the agent, or taken over.
	unchecked := func(body string) func(testing.TB) []byte {
		return func(testing.TB) []byte {
			env := append([]byte(magic), keyName(public(serverK))...)
			env = append(env, ed25519.Sign(serverK, digest(directiveLabel, []byte(body)))...)
			return append(env, body...)
		}
	}
	body := func(change func(*Directive)) string {
		d := isolate()
		change(&d)
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	plainBody := body(func(*Directive) {})
	flip := func(at int) func(testing.TB) []byte {
		return func(t testing.TB) []byte {
			env := signed(t, serverK, isolate())
			env[(at+len(env))%len(env)] ^= 1
			return env
		}
	}
	for name, c := range map[string]struct {
		env  func(testing.TB) []byte
		want string
	}{
		"nothing":                {func(testing.TB) []byte { return nil }, Malformed},
		"too large":              {func(testing.TB) []byte { return make([]byte, MostBytes+1) }, Malformed},
		"of another form":        {flip(0), Malformed},
		"a stranger's":           {func(t testing.TB) []byte { return signed(t, strangeK, isolate()) }, Forged},
		"a stranger's, named so": {func(t testing.TB) []byte { return rename(signed(t, strangeK, isolate())) }, Forged},
		"signature changed":      {flip(20), Forged},
		"last byte changed":      {flip(-1), Forged},
		"signed for another use": {func(testing.TB) []byte {
			env := append([]byte(magic), keyName(public(serverK))...)
			env = append(env, ed25519.Sign(serverK, digest(codeLabel, []byte(plainBody)))...)
			return append(env, plainBody...)
		}, Forged},
		"another host's":      {with(func(d *Directive) { d.Host = "web-4" }), Elsewhere},
		"another workspace's": {with(func(d *Directive) { d.Workspace = "evil" }), Elsewhere},
		"an old number":       {with(func(d *Directive) { d.Seq = 10 }), Replayed},
		"expired":             {with(func(d *Directive) { d.Expires = now.UnixMilli() }), Expired},
		"from the future": {with(func(d *Directive) {
			d.NotBefore = now.Add(10 * time.Minute).UnixMilli()
			d.Expires = d.NotBefore + 1000
		}), TooEarly},
		"for longer than allowed":   {with(func(d *Directive) { d.TTL = (8 * 24 * time.Hour).Milliseconds() }), Limited},
		"unknown kind":              {unchecked(body(func(d *Directive) { d.Kind = "host.explode" })), UnknownKind},
		"unknown form":              {unchecked(body(func(d *Directive) { d.V = 2 })), UnknownKind},
		"form zero":                 {unchecked(body(func(d *Directive) { d.V = 0 })), OutOfBounds},
		"without end":               {unchecked(body(func(d *Directive) { d.TTL = 0 })), OutOfBounds},
		"without approval":          {unchecked(body(func(d *Directive) { d.Approval = "" })), OutOfBounds},
		"good for a year":           {unchecked(body(func(d *Directive) { d.Expires += LongestLife.Milliseconds() })), OutOfBounds},
		"two parts":                 {unchecked(body(func(d *Directive) { d.Hold = &HoldOf{ID: "x"} })), OutOfBounds},
		"no part":                   {unchecked(body(func(d *Directive) { d.Isolate = nil })), OutOfBounds},
		"an unknown field":          {unchecked(strings.Replace(plainBody, `"v":1`, `"v":1,"w":1`, 1)), Malformed},
		"a field twice":             {unchecked(strings.Replace(plainBody, `"v":1`, `"v":1,"v":1`, 1)), Malformed},
		"a field in capitals":       {unchecked(strings.Replace(plainBody, `"v":1`, `"V":1`, 1)), Malformed},
		"a space":                   {unchecked(plainBody + " "), Malformed},
		"two in one":                {unchecked(plainBody + plainBody), Malformed},
		"not JSON":                  {unchecked("isolate it"), Malformed},
		"blocks the control":        {with(block("203.0.113.0/24")), Limited},
		"blocks everything":         {with(block("0.0.0.0/0")), Limited},
		"blocks the never blocked":  {with(block("10.1.2.0/24")), Limited},
		"puts the kernel's away":    {with(quarantine("/boot/vmlinuz")), Limited},
		"a key nobody has":          {with(rotate(public(nextK), make([]byte, ed25519.SignatureSize))), Forged},
		"a key proved for another":  {with(rotate(public(nextK), ProveKey(nextK, public(serverK), "acme", "web-4"))), Forged},
		"a key proved by a bad one": {with(rotate(public(nextK), ProveKey(strangeK, public(serverK), "acme", "web-3"))), Forged},
	} {
		t.Run(name, func(t *testing.T) {
			l := enrolled()
			d, err := l.Accept(c.env(t), limits(), now)
			if code(err) != c.want {
				t.Errorf("got %q (%v), want %q", code(err), err, c.want)
			}
			if d.Kind != "" {
				t.Errorf("a refused order came back: %+v", d)
			}
			if !l.Key.Equal(public(serverK)) {
				t.Error("the pinned key changed")
			}
		})
	}
}

// rename lets a stranger's envelope claim the pinned key.
func rename(env []byte) []byte {
	copy(env[len(magic):], keyName(public(serverK)))
	return env
}

func block(prefix string) func(*Directive) {
	return func(d *Directive) {
		d.Kind, d.Isolate, d.Block = Block, nil, &BlockOf{Prefixes: []netip.Prefix{netip.MustParsePrefix(prefix)}}
	}
}

func quarantine(path string) func(*Directive) {
	return func(d *Directive) { d.Kind, d.Isolate, d.File = Quarantine, nil, &FileOf{Path: path} }
}

func rotate(key ed25519.PublicKey, proof []byte) func(*Directive) {
	return func(d *Directive) {
		d.Kind, d.Isolate, d.TTL, d.OnExpiry, d.Rotate = Rotate, nil, 0, "", &RotateOf{Key: key, Proof: proof}
	}
}

// An order that the limits refuse is not kept for the day they are changed.
func TestWaitingForOtherLimitsIsNoWayIn(t *testing.T) {
	l := enrolled()
	env := signed(t, serverK, func() Directive { d := isolate(); block("10.1.0.0/16")(&d); return d }())
	if _, err := l.Accept(env, limits(), now); code(err) != Limited {
		t.Fatal(err)
	}
	wider := limits()
	wider.NeverAddresses = nil
	if _, err := l.Accept(env, wider, now); code(err) != Replayed {
		t.Errorf("played again under other limits: %v", err)
	}
}

// The server's key is replaced; what the old one signs is refused from then on.
func TestTheKeyIsReplaced(t *testing.T) {
	l := enrolled()
	d := isolate()
	rotate(public(nextK), ProveKey(nextK, public(serverK), "acme", "web-3"))(&d)
	if _, err := l.Accept(signed(t, serverK, d), limits(), now); err != nil {
		t.Fatal(err)
	}
	after := isolate()
	after.Seq = 12
	if _, err := l.Accept(signed(t, serverK, after), limits(), now); code(err) != Forged {
		t.Errorf("the old key orders: %v", err)
	}
	if _, err := l.Accept(signed(t, nextK, after), limits(), now); err != nil {
		t.Errorf("the new key orders: %v", err)
	}
}

// A host that has accepted a newer form takes no older one, though it is well signed.
func TestNoWayBackToAnOlderForm(t *testing.T) {
	l := enrolled()
	l.Version = 2
	if _, err := l.Accept(signed(t, serverK, isolate()), limits(), now); code(err) != Downgrade {
		t.Errorf("an older form: %v", err)
	}
}

func TestReleaseAlwaysMay(t *testing.T) {
	l, only := enrolled(), limits()
	only.Kinds = []Kind{Collect}
	if _, err := l.Accept(signed(t, serverK, isolate()), only, now); code(err) != Limited {
		t.Errorf("a kind that is not allowed: %v", err)
	}
	d := isolate()
	d.Seq, d.Kind, d.Isolate, d.TTL, d.OnExpiry, d.Hold = 12, Release, nil, 0, "", &HoldOf{ID: "D-1"}
	if _, err := l.Accept(signed(t, serverK, d), only, now); err != nil {
		t.Errorf("a release: %v", err)
	}
}

func TestSignRefusesWhatHasNoBounds(t *testing.T) {
	for name, change := range map[string]func(*Directive){
		"all of 10/8, badly written": block("10.0.0.1/8"),
		"a top-level domain":         func(d *Directive) { d.Kind, d.Isolate, d.Block = Block, nil, &BlockOf{Domains: []string{"com"}} },
		"an address as a domain":     func(d *Directive) { d.Kind, d.Isolate, d.Block = Block, nil, &BlockOf{Domains: []string{"10.0.0.1"}} },
		"blocks nothing":             func(d *Directive) { d.Kind, d.Isolate, d.Block = Block, nil, &BlockOf{} },
		"pid 1":                      func(d *Directive) { d.Kind, d.Isolate, d.Process = Freeze, nil, &ProcessOf{PID: 1, Start: 1} },
		"a pid without its start":    func(d *Directive) { d.Kind, d.Isolate, d.Process = Freeze, nil, &ProcessOf{PID: 77} },
		"a relative path":            quarantine("tmp/x"),
		"a path with a way up":       quarantine("/tmp/../etc/passwd"),
		"the root cgroup":            func(d *Directive) { d.Kind, d.Isolate, d.Cut = Cut, nil, &CutOf{Path: "/", Cgroup: 2} },
		"any port of a peer": func(d *Directive) {
			d.Isolate.Open = []Opening{{Peer: netip.MustParseAddrPort("10.0.0.1:0"), Proto: "tcp"}}
		},
		"an evil incident": func(d *Directive) { d.Incident = "INC\n-1" },
	} {
		t.Run(name, func(t *testing.T) {
			d := isolate()
			change(&d)
			if _, err := Sign(serverK, d); code(err) != OutOfBounds {
				t.Errorf("signed: %v", err)
			}
		})
	}
}

// FuzzAccept plays bytes that were changed, and bodies that a key holder would sign: only
// what is canonical and within bounds is obeyed, and signing it again gives the same bytes.
func FuzzAccept(f *testing.F) {
	f.Add(signed(f, serverK, isolate()))
	d := isolate()
	block("198.51.100.0/24")(&d)
	f.Add(signed(f, serverK, d))
	rotate(public(nextK), ProveKey(nextK, public(serverK), "acme", "web-3"))(&d)
	d.Block = nil
	f.Add(signed(f, serverK, d))
	f.Fuzz(func(t *testing.T, env []byte) {
		_, _ = enrolled().Accept(env, limits(), now)
		if len(env) < headSize {
			return
		}
		body := env[headSize:]
		again := append([]byte(magic), keyName(public(serverK))...)
		again = append(append(again, ed25519.Sign(serverK, digest(directiveLabel, body))...), body...)
		l := enrolled()
		got, err := l.Accept(again, limits(), now)
		if err != nil {
			if strings.HasPrefix(code(err), "not") {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		if resigned := signed(t, serverK, got); !bytes.Equal(resigned, again) {
			t.Errorf("obeyed in another form: %q", body)
		}
	})
}
