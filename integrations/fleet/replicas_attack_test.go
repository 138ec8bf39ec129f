package fleet_test

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/sensor/link"
	"github.com/tocsin-ir/tocsin/sensor/wire"
	"github.com/tocsin-ir/tocsin/sensor/wire/wireconnect"
)

// shares comes to the door for replicas with a certificate, and says what it heard first.
func shares(t *testing.T, s *server, c *tls.Certificate) (*wire.News, error) {
	t.Helper()
	conf := &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true} //nolint:gosec // the attacker does not care
	if c != nil {
		conf.Certificates = []tls.Certificate{*c}
	}
	tr := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: conf}
	t.Cleanup(tr.CloseIdleConnections)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	stream := wireconnect.NewPeersClient(&http.Client{Transport: tr}, "https://"+s.at).Share(ctx)
	_ = stream.Send(nil)
	return stream.Receive()
}

func hosts(id *link.Identity) *tls.Certificate {
	return &tls.Certificate{Certificate: [][]byte{id.Certificate}, PrivateKey: id.Key}
}

// Behind the door for replicas every host can be asked, and every event is heard.
func TestOnlyReplicasComeThroughTheirDoor(t *testing.T) {
	a, b := replicas(t)
	h := join(t, a, "web-3", setup{})
	foreign := serve(t, func(c *fleet.Config) { c.Workspace, c.Peer, c.Book = "umbrella", "127.0.0.1:1", a.book })
	// It has the authority's key and not the database: it is in no register.
	forged := serve(t, func(c *fleet.Config) { c.Peer = "127.0.0.1:1" })
	server := &tls.Certificate{}
	cert, key := serversOwn(t)
	server.Certificate, server.PrivateKey = [][]byte{cert}, key
	for name, c := range map[string]struct {
		with *tls.Certificate
		want string // "" any refusal: TLS ends some
	}{
		"none":                    {nil, "for replicas"},
		"a host's":                {hosts(h.id), "for replicas"},
		"of another workspace":    {foreign.Fellow(t), ""},
		"a server's":              {server, ""},
		"that is in no register":  {forged.Fellow(t), "not in the register"},
		"a host's of another one": {hosts(foreign.enrol(t, "web-9", t.TempDir())), ""},
	} {
		if n, err := shares(t, a, c.with); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("a certificate %s: %v %v", name, n, err)
		}
	}
	if _, err := shares(t, a, b.Fellow(t)); err != nil {
		t.Error("the other replica's:", err)
	}
	// And the other way about: a replica is no host.
	f := b.Fellow(t)
	_, err := greet(t, caller(t, a, &link.Identity{Certificate: f.Certificate[0], Key: f.PrivateKey.(ed25519.PrivateKey)}), hello("web-3"))
	if err == nil || !strings.Contains(err.Error(), "for nothing here") {
		t.Error(err)
	}
	alone := serve(t)
	if _, err := shares(t, alone, b.Fellow(t)); connect.CodeOf(err) != connect.CodePermissionDenied {
		t.Error("a server that has no others:", err)
	}
}

// Somebody writes the address of their own server into the register, which has a good certificate of
// the authority for everything but being that replica.
func TestAReplicaIsNotCalledAtAnothersAddress(t *testing.T) {
	a, b := replicas(t)
	join(t, a, "web-3", setup{})
	at(t, b, "web-3", true)
	theirs := serve(t, func(c *fleet.Config) { c.Peer = "127.0.0.1:1" })
	r := a.book.Beats[b.ID()]
	a.book.Mu.Lock()
	a.book.Beats["mallory"] = fleet.Replica{ID: "mallory", Address: theirs.at, Seen: time.Now().Add(time.Hour)}
	a.book.Mu.Unlock()
	a.LookSoon()
	eventually(t, "it was called", func() bool { theirs.lines.mu.Lock(); defer theirs.lines.mu.Unlock(); return len(theirs.lines.open) > 0 })
	time.Sleep(300 * time.Millisecond)
	if a.Reaches() != 1 || theirs.Shares() != 0 || r.ID == "" {
		t.Errorf("%d reached, %d came", a.Reaches(), theirs.Shares())
	}
}

// A thief with the certificate and the machine's name comes to another replica than the owner.
func TestTheOwnerIsNotPushedOutOfAnotherReplica(t *testing.T) {
	a, b := replicas(t)
	h := join(t, b, "web-3", setup{})
	before := at(t, a, "web-3", true)
	if _, err := greet(t, caller(t, a, h.id), hello("web-3")); err == nil || !strings.Contains(err.Error(), "connected already") {
		t.Error(err)
	}
	for _, s := range []*server{a, b} {
		eventually(t, "people are told", func() bool {
			is, _ := s.Host("web-3")
			return is.Connected && strings.Contains(strings.Join(is.Trouble, " "), "A second agent")
		})
	}
	if after, _ := a.Host("web-3"); after.Address != before.Address || after.Replica != before.Replica {
		t.Errorf("%+v", after)
	}
}

// While the replicas do not hear each other the thief gets in at the other one; when they do again,
// the one that was there first stays, and it is said.
func TestAThiefDuringASplit(t *testing.T) {
	a, b := replicas(t)
	h := join(t, b, "web-3", setup{})
	at(t, a, "web-3", true)
	a.door.set(true)
	b.door.set(true)
	eventually(t, "split", func() bool { return a.Reaches()+b.Reaches()+a.Shares()+b.Shares() == 0 })
	thief, err := greet(t, caller(t, a, h.id), hello("web-3"))
	if err != nil {
		t.Fatal(err)
	}
	go answerPings(thief)
	a.door.set(false)
	b.door.set(false)
	is := at(t, a, "web-3", true) // through b, whose it is
	if !strings.Contains(strings.Join(is.Trouble, " "), "Two agents came with its certificate") {
		t.Errorf("%q", is.Trouble)
	}
	if is, _ := b.Host("web-3"); !is.Connected || is.Replica != "" {
		t.Errorf("the owner was pushed out: %+v", is)
	}
}

func answerPings(c *conversation) {
	for {
		down, err := c.Receive()
		if err != nil {
			return
		}
		if p := down.GetPing(); p != nil {
			_ = c.Send(&wire.Up{What: &wire.Up_Pong{Pong: &wire.Pong{SentUs: p.GetSentUs(), CameUs: p.GetSentUs(), WentUs: p.GetSentUs()}}})
		}
	}
}
