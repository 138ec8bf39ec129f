package fleet_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// Three replicas with a host each: every one reaches all, one asks the rooms, and when one is killed its host is at another
// and nothing is declared twice.
func TestThreeReplicas(t *testing.T) {
	r := &rooms{}
	all := several(t, 3, loud(r), knowsChanges)
	var hosts []*host
	var listeners [3]listener
	for i, s := range all {
		hosts = append(hosts, join(t, s, fmt.Sprint("web-", i), setup{proc: t.TempDir(), change: listeners[i].listens}))
	}
	for i, s := range all {
		for n := range hosts {
			at(t, s, fmt.Sprint("web-", n), n != i)
		}
	}
	for i, h := range hosts {
		h.sees(t, i+1, seen(h, uint64(i+1)))
	}
	hunt := func(s *server) {
		t.Helper()
		found := map[string]bool{}
		sum, err := s.Ask(t.Context(), "all", &wire.Question{What: wire.AskHunt, Kind: wire.HuntProcess, Subject: "nc"}, func(p fleet.Part, _ fleet.Sum) {
			for range p.Rows {
				found[p.Host] = true
			}
		})
		if err != nil || sum.Answered != 3 || len(found) != 3 {
			t.Errorf("%+v %v %v", sum, err, found)
		}
	}
	for _, s := range all {
		hunt(s)
	}
	for i, s := range all { // each publishes, and all hosts have it
		if err := s.Publish("intel", uint64(i+1), watchedFor(t, 2000+i)); err != nil {
			t.Fatal(err)
		}
		for _, of := range all {
			for n := range hosts {
				eventually(t, "it is installed", func() bool {
					is, _ := of.Host(fmt.Sprint("web-", n))
					return len(is.Sets) == 1 && is.Sets[0].Version == uint64(i+1) && is.Sets[0].Trouble == ""
				})
			}
		}
	}
	for i := range listeners {
		if _, sets, changes, _ := listeners[i].took(); sets != 3 || changes != 2 {
			t.Errorf("web-%d: %d sets, %d changes", i, sets, changes)
		}
	}
	do(t, all[1], "fleet.isolate-host", "web-2")
	if len(hosts[2].held()) != 1 {
		t.Errorf("%q", hosts[2].held())
	}
	shell := func(h *host, n uint64) {
		t.Helper()
		e := seen(h, n)
		e.Rule = "shell"
		h.sees(t, 0, e)
	}
	shell(hosts[1], 10)
	eventually(t, "an incident", func() bool { return strings.Contains(r.all(), "declare p2 [web-1]") })
	hosts[0].stop()
	all[0].killed() // the one that asks
	all[0].stop()
	hosts[0].goes(t, all[2])
	at(t, all[2], "web-0", false)
	at(t, all[1], "web-0", true)
	hunt(all[1])
	hunt(all[2])
	shell(hosts[2], 11)
	eventually(t, "another asks", func() bool { return strings.Contains(r.all(), "declare p2 [web-2]") })
	time.Sleep(200 * time.Millisecond)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range []string{"[web-1]", "[web-2]"} { // nobody knows what the one that was killed had asked: it is asked once more, by the same key
		if keys := r.keys["declare p2 "+name]; len(keys) != 1 {
			t.Errorf("%s: %v", name, keys)
		}
	}
}

// The machine of a replica vanishes: no connection is closed, nothing is said any more. It is missed, whoever waits for a host
// there is told, and nobody takes its hosts for reached.
func TestAReplicaVanishes(t *testing.T) {
	all := several(t, 3)
	h := join(t, all[2], "web-3", setup{proc: t.TempDir()})
	at(t, all[0], "web-3", true)
	asked := make(chan string, 1)
	go func() {
		_, err := all[0].Ask(t.Context(), "web-3", &wire.Question{What: wire.AskTail, ToMs: time.Now().Add(time.Minute).UnixMilli()}, func(p fleet.Part, _ fleet.Sum) {
			if p.Last {
				asked <- p.Trouble
			}
		})
		if err != nil {
			t.Error(err)
		}
	}()
	eventually(t, "it is asked", func() bool { return all[2].Errands() > 0 })
	began := time.Now()
	for _, s := range all {
		s.door.deaf.Store(s == all[2])
	}
	if why := next(t, asked); !strings.Contains(why, "broke") {
		t.Error(why)
	}
	t.Logf("missed after %v", time.Since(began).Round(100*time.Millisecond))
	eventually(t, "its host is not taken for reached, and why is said", func() bool {
		is, _ := all[0].Host("web-3")
		return !is.Connected && strings.Contains(strings.Join(is.Trouble, " "), "cannot be reached")
	})
	h.moves(t, all[1])
	at(t, all[0], "web-3", true)
	do(t, all[0], "fleet.isolate-host", "web-3")
}
