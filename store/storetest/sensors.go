package storetest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-ir/tocsin/store"
)

func sensorOf(id, host string) store.Sensor {
	return store.Sensor{ID: id, Host: host, Machine: "m-" + host, Enrolled: t0.Truncate(time.Millisecond)}
}

func sensorTokens(t *testing.T, b *bench, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := b.db.AddSensorToken(t.Context(), store.SensorToken{ID: id, Host: "web-3", Hash: []byte(id), By: "alice", Made: t0, Expires: t0.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
}

func sensorsEnrol(t *testing.T, b *bench) {
	ctx := t.Context()
	sensorTokens(t, b, "a", "b", "c", "d")
	web := sensorOf("agent1", "web-3")
	if err := b.db.EnrolSensor(ctx, "a", web, false); err != nil {
		t.Fatal(err)
	}
	if err := b.db.EnrolSensor(ctx, "a", sensorOf("agent2", "web-4"), false); !errors.Is(err, store.ErrTokenSpent) {
		t.Error("a token twice:", err)
	}
	if err := b.db.EnrolSensor(ctx, "nobody's", sensorOf("agent2", "web-4"), false); !errors.Is(err, store.ErrTokenSpent) {
		t.Error("a token that is not there:", err)
	}
	if err := b.db.EnrolSensor(ctx, "b", sensorOf("agent3", "web-3"), false); !errors.Is(err, store.ErrHostTaken) {
		t.Error("a host twice:", err)
	}
	if k, ok, err := b.db.SensorToken(ctx, "b"); !ok || err != nil || !k.Spent.IsZero() || k.Host != "web-3" || k.By != "alice" {
		t.Errorf("refused, its token is good still: %+v %v %v", k, ok, err)
	}
	got, ok, err := b.db.Sensor(ctx, "agent1")
	web.About = []byte{}
	if d := cmp.Diff(web, got); !ok || err != nil || d != "" {
		t.Errorf("%v %v\n%s", ok, err, d)
	}
	if err := b.db.EnrolSensor(ctx, "c", sensorOf("agent4", "web-3"), true); err != nil {
		t.Error("in its place:", err)
	}
	if old, _, _ := b.db.Sensor(ctx, "agent1"); old.Revoked.IsZero() {
		t.Error("the agent before is still good")
	}
	if err := b.db.SensorSeen(ctx, "agent4", t0.Add(time.Hour), []byte(`{"kernel":"6.12"}`)); err != nil {
		t.Fatal(err)
	}
	all, err := b.replica(t).Sensors(ctx)
	if err != nil || len(all) != 1 || all[0].ID != "agent4" || !all[0].Seen.Equal(t0.Add(time.Hour).Truncate(time.Millisecond)) || string(all[0].About) != `{"kernel":"6.12"}` {
		t.Errorf("another replica sees %+v, %v", all, err)
	}
	if ok, err := b.db.RevokeSensor(ctx, "agent4", t0); !ok || err != nil {
		t.Error(ok, err)
	}
	if ok, err := b.db.RevokeSensor(ctx, "agent4", t0); ok || err != nil {
		t.Error("revoked twice:", ok, err)
	}
	if err := b.db.EnrolSensor(ctx, "d", sensorOf("agent5", "web-3"), false); err != nil {
		t.Error("after it was revoked the name is free:", err)
	}
}

// Two replicas enrol with the same token at once: one does.
func sensorsRace(t *testing.T, b *bench) {
	sensorTokens(t, b, "a")
	other := b.replica(t)
	var all sync.WaitGroup
	got := make([]error, 8)
	for i := range got {
		all.Go(func() {
			db := b.db
			if i%2 == 1 {
				db = other
			}
			got[i] = db.EnrolSensor(t.Context(), "a", sensorOf("agent"+string(rune('0'+i)), "web-"+string(rune('0'+i))), false)
		})
	}
	all.Wait()
	won := 0
	for _, err := range got {
		if err == nil {
			won++
		} else if !errors.Is(err, store.ErrTokenSpent) {
			t.Error(err)
		}
	}
	if hosts, err := b.db.Sensors(t.Context()); won != 1 || len(hosts) != 1 || err != nil {
		t.Errorf("%d enrolled, %d hosts, %v", won, len(hosts), err)
	}
}

// Numbers of orders count up over replicas, and above what the host has accepted.
func sensorsNumbered(t *testing.T, b *bench) {
	ctx := t.Context()
	sensorTokens(t, b, "a")
	if err := b.db.EnrolSensor(ctx, "a", sensorOf("agent1", "web-3"), false); err != nil {
		t.Fatal(err)
	}
	other := b.replica(t)
	var mu sync.Mutex
	seen := map[uint64]bool{}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			db := b.db
			if i%2 == 1 {
				db = other
			}
			n, err := db.SensorOrder(ctx, "agent1", 0)
			mu.Lock()
			defer mu.Unlock()
			if err != nil || seen[n] {
				t.Error(n, err)
			}
			seen[n] = true
		})
	}
	all.Wait()
	for _, c := range []struct{ above, want uint64 }{{0, 21}, {100, 101}, {50, 102}} {
		if n, err := other.SensorOrder(ctx, "agent1", c.above); n != c.want || err != nil {
			t.Errorf("above %d: %d, %v, want %d", c.above, n, err, c.want)
		}
	}
	if n, err := b.db.SensorOrder(ctx, "nobody", 0); err == nil {
		t.Error("nobody has a number:", n)
	}
	if _, err := b.db.SensorOrder(ctx, "agent1", 1<<63); err == nil {
		t.Error("a number that leaves no room")
	}
}

// Whoever can write to the tables but has no key lets nobody in.
func sensorsBound(t *testing.T, b *bench) {
	ctx := t.Context()
	sensorTokens(t, b, "a", "b")
	for token, host := range map[string]string{"a": "web-3", "b": "db-1"} {
		if err := b.db.EnrolSensor(ctx, token, sensorOf("agent-"+host, host), false); err != nil {
			t.Fatal(err)
		}
	}
	b.exec(t, `UPDATE sensors SET host = 'db-2' WHERE workspace = $1 AND id = 'agent-web-3'`, b.workspace)
	if got, _, err := b.db.Sensor(ctx, "agent-web-3"); err == nil {
		t.Errorf("a host that was given another name is believed: %+v", got)
	}
	b.exec(t, `UPDATE sensors SET host = 'web-3', kept = (SELECT o.kept FROM sensors o WHERE o.workspace = $1 AND o.id = 'agent-db-1') WHERE workspace = $2 AND id = 'agent-web-3'`, b.workspace, b.workspace)
	if got, _, err := b.db.Sensor(ctx, "agent-web-3"); err == nil {
		t.Errorf("an agent that was moved is believed: %+v", got)
	}
	a := store.SensorArchive{Stored: "ab/cd", Key: []byte("k"), SHA256: "00", Size: 7}
	for range 2 {
		if err := b.db.KeepSensorArchive(ctx, "x", a); err != nil {
			t.Fatal(err)
		}
	}
	got, ok, err := b.replica(t).SensorArchive(ctx, "x")
	if d := cmp.Diff(a, got); !ok || err != nil || d != "" {
		t.Errorf("%v %v\n%s", ok, err, d)
	}
	if _, ok, err := b.db.SensorArchive(ctx, "y"); ok || err != nil {
		t.Error(ok, err)
	}
}
