package agent

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
)

// Key is the server's; everybody may know it, and it is good for nothing but tests.
var Key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))

// Server signs orders for one host, web-3 of the workspace acme.
type Server struct{ seq uint64 }

// Enrol makes the state of an agent that obeys this server.
func Enrol(t testing.TB, state string) {
	t.Helper()
	if err := contain.Enrol(state, "acme", "web-3", Key.Public().(ed25519.PublicKey)); err != nil {
		t.Fatal(err)
	}
}

// Signed is a directive, the next in number: the first is D-1. Holds last an hour and then ask,
// if change does not say otherwise.
func (s *Server) Signed(t testing.TB, kind directive.Kind, change func(*directive.Directive)) []byte {
	t.Helper()
	s.seq++
	d := directive.Directive{V: 1, ID: fmt.Sprint("D-", s.seq), Workspace: "acme", Host: "web-3", Incident: "INC-0042", Approval: "A-7", Kind: kind, Seq: s.seq,
		NotBefore: time.Now().Add(-time.Minute).UnixMilli(), Expires: time.Now().Add(24 * time.Hour).UnixMilli()}
	if kind.Holds() || kind == directive.Extend {
		d.TTL, d.OnExpiry = time.Hour.Milliseconds(), directive.Ask
	}
	if kind == directive.Isolate {
		d.Isolate = &directive.IsolateOf{}
	}
	if change != nil {
		change(&d)
	}
	env, err := directive.Sign(Key, d)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// Release names the hold that is to be released, or extended.
func Release(id string) func(*directive.Directive) {
	return func(d *directive.Directive) { d.Hold = &directive.HoldOf{ID: id} }
}
