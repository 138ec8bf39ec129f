package fleet_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base32"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/sensor/link"
	"github.com/tocsin-ir/tocsin/sensor/wire"
	"github.com/tocsin-ir/tocsin/sensor/wire/wireconnect"
)

func enrolment(s *server, token, host string, dir string) link.Enrolment {
	return link.Enrolment{Server: s.at, Token: token, Host: host, Dir: dir, Machine: machine(host), Version: "1.0", Kernel: "6.12"}
}

func TestATokenIsGoodOnceForOneHost(t *testing.T) {
	s := serve(t)
	try := func(token, host string) error {
		_, err := link.Enrol(t.Context(), enrolment(s, token, host, t.TempDir()))
		return err
	}
	says := func(err error, what string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%v; want it to say %q", err, what)
		}
	}
	token := s.token(t, "")
	if err := try(token, "web-3"); err != nil {
		t.Fatal(err)
	}
	says(try(token, "web-4"), "good for nothing")          // replayed
	says(try(s.token(t, ""), "web-3"), "enrolled already") // a host that says it is another
	says(try(s.token(t, "web-5"), "web-6"), "for another host")
	says(try(s.token(t, ""), "Web 3\n"), "named with small letters")
	says(try(token[:len(token)-60]+strings.Repeat("A", 7)+token[len(token)-53:], "web-7"), "good for nothing") // guessed
	says(try("tocsin_pat_abc", "web-7"), "no enrolment token")
	old := s.token(t, "")
	s.clock.set(2 * time.Hour)
	says(try(old, "web-8"), "good for nothing")
	s.clock.set(0)
	if err := try(s.token(t, "web-3"), "web-3"); err != nil {
		t.Error("a token for the host replaces its agent:", err)
	}
	if all := s.Hosts(); len(all) != 1 || all[0].Name != "web-3" {
		t.Errorf("%+v", all)
	}
}

// Somebody in the middle answers instead of the server: the host tells them nothing, not even the token.
func TestTheTokenKnowsItsServer(t *testing.T) {
	s := serve(t)
	theirs := serve(t, func(c *fleet.Config) { c.Authority = ed25519.NewKeyFromSeed([]byte(strings.Repeat("x", 32))) })
	e := enrolment(s, s.token(t, ""), "web-3", t.TempDir())
	e.Server = theirs.at
	if _, err := link.Enrol(t.Context(), e); err == nil || !strings.Contains(err.Error(), "not the server that made the token") {
		t.Error(err)
	}
	if len(theirs.Hosts()) != 0 {
		t.Error("they enrolled it")
	}
}

// caller speaks the protocol with a certificate of its own choice, beside any agent.
func caller(t testing.TB, s *server, id *link.Identity) wireconnect.LinkClient {
	t.Helper()
	conf := &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true} //nolint:gosec // the attacker does not care
	if id != nil {
		conf.Certificates = []tls.Certificate{{Certificate: [][]byte{id.Certificate}, PrivateKey: id.Key}}
	}
	tr := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: conf}
	t.Cleanup(tr.CloseIdleConnections)
	return wireconnect.NewLinkClient(&http.Client{Transport: tr}, "https://"+s.at, connect.WithReadMaxBytes(wire.MostMessage))
}

type conversation = connect.BidiStreamForClient[wire.Up, wire.Down]

// greet begins a conversation and says what came of it.
func greet(t testing.TB, c wireconnect.LinkClient, h *wire.Hello) (*conversation, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	stream := c.Converse(ctx)
	_ = stream.Send(&wire.Up{What: &wire.Up_Hello{Hello: h}})
	_, err := stream.Receive()
	return stream, err
}

func hello(host string) *wire.Hello {
	return &wire.Hello{Host: host, Machine: machine(host), Spool: "s"}
}

func TestWhoComesWithWhichCertificate(t *testing.T) {
	s := serve(t)
	web3, web4 := s.enrol(t, "web-3", t.TempDir()), s.enrol(t, "web-4", t.TempDir())
	foreign := serve(t, func(c *fleet.Config) { c.Authority = ed25519.NewKeyFromSeed([]byte(strings.Repeat("x", 32))) }).enrol(t, "web-3", t.TempDir())
	otherHouse := serve(t, func(c *fleet.Config) { c.Workspace = "umbrella" }).enrol(t, "web-3", t.TempDir())
	server := *web3
	server.Certificate, server.Key = serversOwn(t)
	const shut = "TLS ends it, and whoever called sees an alert or a broken pipe"
	for name, c := range map[string]struct {
		id    *link.Identity
		hello *wire.Hello
		want  string
	}{
		"its own":                     {id: web3, hello: hello("web-3")},
		"none":                        {hello: hello("web-3"), want: "a certificate is needed"},
		"of another authority":        {id: foreign, hello: hello("web-3"), want: shut},
		"of another workspace":        {id: otherHouse, hello: hello("web-3"), want: shut},
		"the server's own kind":       {id: &server, hello: hello("web-3"), want: shut},
		"another host's":              {id: web4, hello: hello("web-3"), want: "another host's"},
		"copied to another machine":   {id: web4, hello: &wire.Hello{Host: "web-4", Machine: machine("the thief's")}, want: "another machine's"},
		"its own, and says nothing":   {id: web4, hello: &wire.Hello{}, want: "another host's"},
		"its own, in capital letters": {id: web4, hello: hello("WEB-4"), want: "another host's"},
	} {
		_, err := greet(t, caller(t, s, c.id), c.hello)
		if c.want == "" && err != nil || c.want != "" && (err == nil || c.want != shut && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if h, _ := s.Host("web-4"); len(h.Trouble) < 2 || !strings.Contains(strings.Join(h.Trouble, " "), "its key was stolen") {
		t.Errorf("people were not told: %q", h.Trouble)
	}
	if ok, err := s.Revoke(t.Context(), "web-4"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if _, err := greet(t, caller(t, s, web4), hello("web-4")); err == nil || !strings.Contains(err.Error(), "revoked") {
		t.Error("a revoked certificate:", err)
	}
	if _, err := caller(t, s, web4).Renew(t.Context(), connect.NewRequest(&wire.RenewRequest{})); err == nil || !strings.Contains(err.Error(), "revoked") {
		t.Error("a revoked certificate is renewed:", err)
	}
	s.clock.set(8 * 24 * time.Hour)
	if _, err := greet(t, caller(t, s, web3), hello("web-3")); err == nil {
		t.Error("a certificate that ran out is good")
	}
}

// serversOwn is a certificate for servers, signed by the right authority.
func serversOwn(t *testing.T) ([]byte, ed25519.PrivateKey) {
	t.Helper()
	_, key, _ := ed25519.GenerateKey(nil)
	parent := &x509.Certificate{SerialNumber: one, Subject: subject("Tocsin sensors of acme")}
	leaf := &x509.Certificate{SerialNumber: two, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(nil, leaf, parent, key.Public(), authorityKey)
	if err != nil {
		t.Fatal(err)
	}
	return der, key
}

func TestARevokedHostIsCutOffAtOnce(t *testing.T) {
	s := serve(t)
	h := join(t, s, "web-3", setup{})
	if _, err := s.Revoke(t.Context(), "web-3"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is gone", func() bool { _, there := s.Host("web-3"); return !there })
	if err := h.link.Reach(t.Context()); err == nil {
		t.Error("it still gets in")
	}
	if _, err := action(t, s, "fleet.isolate-host").Plan(t.Context(), actions.Input{Target: "web-3"}); !errors.As(err, new(*actions.NoTarget)) {
		t.Error(err)
	}
}

// A thief has the certificate and the machine's name: the owner, who answers, is not pushed out.
func TestTheOwnerIsNotPushedOut(t *testing.T) {
	s := serve(t)
	h := join(t, s, "web-3", setup{})
	before, _ := s.Host("web-3")
	if _, err := greet(t, caller(t, s, h.id), hello("web-3")); err == nil || !strings.Contains(err.Error(), "connected already") {
		t.Error(err)
	}
	after, _ := s.Host("web-3")
	if !after.Connected || after.Address != before.Address || !strings.Contains(strings.Join(after.Trouble, " "), "A second agent") {
		t.Errorf("%+v", after)
	}
	// But an owner that went silent, as behind a cable that was pulled, is replaced.
	h.stop()
	eventually(t, "it left", func() bool { is, _ := s.Host("web-3"); return !is.Connected })
	dumb, err := greet(t, caller(t, s, h.id), hello("web-3"))
	if err != nil || dumb == nil {
		t.Fatal(err)
	}
	if _, err := greet(t, caller(t, s, h.id), hello("web-3")); err != nil {
		t.Error("a silent one keeps the place:", err)
	}
}

// A host speaks of another host, repeats itself, and says what cannot be read.
func TestAHostThatLies(t *testing.T) {
	s := serve(t)
	id := s.enrol(t, "web-3", t.TempDir())
	stream, err := greet(t, caller(t, s, id), hello("web-3"))
	if err != nil {
		t.Fatal(err)
	}
	send := func(up *wire.Up) {
		t.Helper()
		if err := stream.Send(up); err != nil {
			t.Fatal(err)
		}
	}
	batch := &wire.Batch{Priority: true, Number: 5, Events: [][]byte{
		[]byte(`{"kind":"exec","host":"web-3","at":"2026-11-25T12:00:00Z","rule":"r"}`),
		[]byte(`{"kind":"exec","host":"db-1","at":"2026-11-25T12:00:00Z","rule":"r"}`),
		[]byte(`{"kind":"of tomorrow","host":"web-3","more":{"a":1}}`),
		[]byte(`{`), []byte(strings.Repeat("x", wire.MostRow+1)),
	}}
	for range 2 {
		send(&wire.Up{What: &wire.Up_Batch{Batch: batch}})
	}
	send(&wire.Up{What: &wire.Up_Health{Health: []byte("not json")}})
	send(&wire.Up{What: &wire.Up_Done{Done: &wire.Done{Envelope: []byte("never sent")}}})
	send(&wire.Up{What: &wire.Up_Answer{Answer: &wire.Answer{Id: 99, Rows: [][]byte{[]byte("1")}, Last: true}}})
	send(&wire.Up{What: &wire.Up_Notice{Notice: []byte(`{"say":"\u001b[2Jgone\u202e"}`)}})
	send(&wire.Up{})
	eventually(t, "all is taken", func() bool { h, _ := s.Host("web-3"); return len(h.Notices) == 1 })
	h, _ := s.Host("web-3")
	if r := h.Received; r != (fleet.Received{Batches: 1, Events: 2, Again: 1, Unreadable: 2, Refused: 1}) {
		t.Errorf("%+v", r)
	}
	if h.Notices[0].Say != "[2Jgone" {
		t.Errorf("%q can act on a terminal", h.Notices[0].Say)
	}
}

func TestTooMuchAtOnce(t *testing.T) {
	s := serve(t)
	id := s.enrol(t, "web-3", t.TempDir())
	stream, err := greet(t, caller(t, s, id), hello("web-3"))
	if err != nil {
		t.Fatal(err)
	}
	_ = stream.Send(&wire.Up{What: &wire.Up_Health{Health: make([]byte, wire.MostMessage+1)}})
	for err == nil {
		_, err = stream.Receive()
	}
	if connect.CodeOf(err) != connect.CodeResourceExhausted {
		t.Error(err)
	}
	join(t, s, "web-4", setup{}) // the others are served as before
}

// An archive that nobody asked for, or that is another's, is not taken.
func TestAnArchiveNobodyAwaits(t *testing.T) {
	s := serve(t)
	id := s.enrol(t, "web-3", t.TempDir())
	d := caller(t, s, id).Deliver(t.Context())
	_ = d.Send(&wire.DeliverRequest{Directive: "../../etc/passwd", Part: []byte("x")})
	if _, err := d.CloseAndReceive(); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Error(err)
	}
}

// The clock of a host jumps: its offset is measured, and orders are written by the host's clock.
func TestClocksJump(t *testing.T) {
	s := serve(t)
	h := join(t, s, "web-3", setup{proc: t.TempDir()})
	for _, ahead := range []time.Duration{3 * time.Hour, -26 * time.Hour, 0} {
		h.clock.set(ahead)
		h.stop()
		eventually(t, "it left", func() bool { is, _ := s.Host("web-3"); return !is.Connected })
		h.run(t)
		h.connected(t, s)
		eventually(t, "its clock is known", func() bool {
			is, _ := s.Host("web-3")
			return is.RTT > 0 && (is.Offset-ahead).Abs() < time.Second
		})
		is, _ := s.Host("web-3")
		if told := strings.Contains(strings.Join(is.Trouble, " "), "Its clock is"); told != (ahead != 0) {
			t.Errorf("%v: %q", ahead, is.Trouble)
		}
		r := do(t, s, "fleet.isolate-host", "web-3")
		u, _ := action(t, s, "fleet.isolate-host").(actions.Undoer)
		if _, err := u.Undo(t.Context(), r); err != nil {
			t.Errorf("%v: %v", ahead, err)
		}
	}
}

// The disk of the host is as full as can be: it is watched, asked and ordered all the same.
func TestTheSpoolCannotBeWritten(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Log("root writes anywhere: the folder is taken away instead")
	}
	s := serve(t)
	h := join(t, s, "web-3", setup{proc: t.TempDir()})
	if err := os.RemoveAll(filepath.Join(h.dir, "spool")); err != nil {
		t.Fatal(err)
	}
	e := seen(h, 1)
	e.Rule = "r"
	_ = h.link.Take(t.Context(), 0, events(e))
	_ = h.link.Take(t.Context(), 0, events(e))
	do(t, s, "fleet.isolate-host", "web-3")
	k := h.link.Health()
	if k.Kinds["exec"].SpoolLost+k.Kinds["exec"].Sent+k.Kinds["exec"].Waiting != 2 || k.Kinds["exec"].SpoolLost == 0 || len(k.Trouble) == 0 {
		t.Errorf("%+v", k)
	}
}

var lines32 = base32.StdEncoding.WithPadding(base32.NoPadding)

func TestEveryReplicaHasTheSameAuthority(t *testing.T) {
	a, b := serve(t).token(t, ""), serve(t).token(t, "")
	if x, y := a[strings.LastIndex(a, "_")+1:], b[strings.LastIndex(b, "_")+1:]; x != y {
		t.Error(x, y)
	} else if raw, err := lines32.DecodeString(x); err != nil || len(raw) != sha256.Size {
		t.Error(err)
	}
}
