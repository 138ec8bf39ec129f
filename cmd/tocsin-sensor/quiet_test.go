//go:build !solo

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/agent"
	"github.com/tocsin-ir/tocsin/sensor/detect/sigma"
	"github.com/tocsin-ir/tocsin/sensor/emulation"
)

// mostFalse is how many false alarms a build may raise.
const mostFalse = 1

// A Go project is built with nothing in its cache while the sensor watches with all rules. What a rule of low or above
// says of a process of the build is a false alarm. Afterwards it still names what is none.
func TestABuildIsQuiet(t *testing.T) {
	b := watchedBattlefield(t)
	group, id := cgroup(t, "build")
	place := t.TempDir()
	before := b.accounts(t)
	began := time.Now()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", `echo $$ >"$0"/cgroup.procs && exec go build -p 2 ./sensor/detect/...`, group)
	cmd.Dir = filepath.Join("..", "..")
	cmd.Env = append(os.Environ(), "GOCACHE="+filepath.Join(place, "cache"), "GOTMPDIR="+place, "GOPROXY=off", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	took := time.Since(began)
	for _, x := range emulation.Techniques() {
		if x.ID == "T1140" || x.ID == "T1053.003" { // by an exec and by a file: of both lanes all before was judged
			b.carryOut(t, x)
		}
	}
	after := b.accounts(t)
	alarms := 0
	for _, s := range b.of(id) {
		t.Log(line(&s.Event, false), s.Event.Rules())
		for _, name := range s.Event.Rules() {
			if r, ok := b.rules.Find(strings.TrimPrefix(name, "sigma/")); !ok || r.Level >= sigma.Low {
				alarms++
			}
		}
	}
	execs := after.Kinds["exec"].Seen - before.Kinds["exec"].Seen
	if execs < 50 {
		t.Errorf("a build that starts %d programs is none", execs)
	}
	seen, lost := sums(after)
	seenBefore, lostBefore := sums(before)
	t.Logf("built in %s: %d events, %d of them execs, on the whole machine, %d lost; %d false alarms, %d signals of others", took.Round(time.Second/10),
		seen-seenBefore, execs, lost-lostBefore, alarms, len(b.all())-len(b.of(id)))
	if alarms > mostFalse {
		t.Errorf("%d false alarms", alarms)
	}
}

func sums(h agent.Health) (seen, lost uint64) {
	for _, k := range h.Kinds {
		seen += k.Seen
		lost += k.Lost + k.Overflowed + k.Refused
	}
	return seen, lost
}

// accounts waits for the sensor's next word on what it saw.
func (b *battlefield) accounts(t *testing.T) (h agent.Health) {
	t.Helper()
	asked := time.Now()
	comesTrue(t, "accounts", func() bool {
		info, err := os.Stat(b.book)
		if err != nil || info.ModTime().Before(asked) {
			return false
		}
		text, err := os.ReadFile(b.book)
		return err == nil && json.Unmarshal(text, &h) == nil
	})
	return h
}
