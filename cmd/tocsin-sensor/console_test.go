package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain"
	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
	"github.com/tocsin-ir/tocsin/sensor/contain/gate"
)

// paper is a gate that holds nothing: only words are tried here.
type paper struct{}

func (paper) Set(gate.Wanted) error                        { return nil }
func (paper) Block(map[netip.Prefix]gate.Until) error      { return nil }
func (paper) Destroy(gate.Sockets) (gate.Destroyed, error) { return gate.Destroyed{}, nil }
func (paper) Prove(gate.Probe) (gate.Proof, error)         { return gate.Proof{}, nil }
func (paper) Retire() error                                { return nil }

// The control channel is dead: a code releases the isolation at the console, once.
func TestReleaseAtTheConsole(t *testing.T) {
	f, _ := fleetOn(t)
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	pub, _ := key.Public().(ed25519.PublicKey)
	state, err := os.MkdirTemp("", "tocsin") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(state) })
	if err := contain.Enrol(handsDir(state), "acme", "web-3", pub); err != nil {
		t.Fatal(err)
	}
	limits := directive.DefaultLimits()
	limits.Control = []netip.AddrPort{netip.MustParseAddrPort("192.0.2.9:8443")}
	hands, err := contain.New(contain.Config{Gate: paper{}, State: handsDir(state), Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	order, err := directive.Sign(key, directive.Directive{V: 1, ID: "hold-1", Workspace: "acme", Host: "web-3", Incident: "INC-0042", Approval: "a", Kind: directive.Isolate, Seq: 1,
		NotBefore: now.UnixMilli(), Expires: now.Add(time.Minute).UnixMilli(), TTL: 3_600_000, OnExpiry: directive.Ask, Isolate: &directive.IsolateOf{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hands.Take(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- console(ctx, state, hands) }()
	defer func() {
		cancel()
		if err := <-done; err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	}()
	comesTrue(t, "the console answers", func() bool { _, err := speak(ctx, state, "holds"); return err == nil })

	if got := said(t, "holds", "--state", state); !strings.Contains(got, "hold-1  host.isolate  for INC-0042") {
		t.Error(got)
	}
	if _, err := f.Code("web-3", "hold-1", time.Hour); err == nil {
		t.Error("a host that is not enrolled gets a code")
	}
	var out, errs bytes.Buffer
	if code := run([]string{"free", "--state", state, "AAAAA-BBBBB"}, &out, &errs); code != 1 || !strings.Contains(errs.String(), "not a release code") {
		t.Error(code, errs.String())
	}
	text := directive.MintCode(key, "acme", "web-3", "hold-1", now.Add(time.Hour), [8]byte{1})
	if got := said(t, "free", "--state", state, strings.ToLower(text)); !strings.Contains(got, "hold-1 is released.") {
		t.Error(got)
	}
	if got := said(t, "holds", "--state", state); got != "Nothing is held here.\n" {
		t.Error(got)
	}
	if code := run([]string{"free", "--state", state, text}, &out, &errs); code != 1 {
		t.Error("the code was good twice")
	}
	if info, err := os.Stat(state + "/" + consoleName); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
}
