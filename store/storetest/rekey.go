package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/migrations"
	"github.com/tocsin-ir/tocsin/store"
)

// notWrapped are the columns of bytes that the master key does not encrypt itself, and why.
var notWrapped = map[string]string{
	"sealed.body": "under a key of its own, which sealed_keys wraps",
	"facts.value": "of the facts only the proof of the key is under it",
	"plans.files": "a plan is no secret",
}

var (
	aTable  = regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*?)\n\);`)
	ofBytes = regexp.MustCompile(`(?m)^\s+(\w+)\s+BYTEA`)
)

// wrapped reads every row of every column that the master key encrypts, by table and
// column. A new one is found by itself, and has to have a row here.
func (b *bench) wrapped(t *testing.T) map[string][][]byte {
	t.Helper()
	all := map[string][][]byte{}
	files, err := fs.Glob(migrations.FS, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(migrations.FS, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range aTable.FindAllStringSubmatch(string(text), -1) {
			for _, column := range ofBytes.FindAllStringSubmatch(table[2], -1) {
				if name := table[1] + "." + column[1]; notWrapped[name] == "" {
					all[name] = b.bytesOf(t, table[1], column[1])
				}
			}
		}
	}
	if len(all) < 8 {
		t.Fatalf("only %d columns found in the migrations", len(all))
	}
	return all
}

func (b *bench) bytesOf(t *testing.T, table, column string) (out [][]byte) {
	t.Helper()
	rows, err := b.raw.QueryContext(t.Context(), "SELECT "+column+" FROM "+table+" WHERE workspace = $1", b.workspace) //nolint:gosec // names out of the migrations
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var v []byte
		if err := rows.Scan(&v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	if err := rows.Err(); err != nil || len(out) == 0 {
		t.Fatalf("%s.%s has %d rows, %v: give it one, so that a changed key is tried on it", table, column, len(out), err)
	}
	return out
}

// The master key is changed: everything reads as before under the new one, nothing
// under the old one, and whoever still has the old one in hand writes no text.
func keyChanged(t *testing.T, b *bench) {
	late := b.replica(t) // still runs when the key is changed
	s := b.declared(t, "INC-0001", "the title")
	for i := range 3 { // several pages
		var many []incident.Event
		for k := range 300 {
			many = append(many, incident.Noted{Text: incident.Seal(fmt.Sprint("note ", i, k))})
		}
		s = b.commit(t, change(s, many...))
	}
	for _, key := range []string{"U1", "U2"} {
		if err := b.db.CachePut(t.Context(), "contacts", key, []byte("phone "+key), t0); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.db.AddToken(t.Context(), store.Token{ID: "tk1", Person: "alice", Hash: []byte("hash"), Made: t0, Expires: t0.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	sensorTokens(t, b, "a", "b")
	if err := b.db.EnrolSensor(t.Context(), "a", sensorOf("agent1", "web-3"), false); err != nil {
		t.Fatal(err)
	}
	archive := store.SensorArchive{Stored: "x", Key: []byte("key"), SHA256: "ab", Size: 3}
	if err := b.db.KeepSensorArchive(t.Context(), "arc1", archive); err != nil {
		t.Fatal(err)
	}
	if err := b.db.KeepRequest(t.Context(), store.Request{ID: "r1", Kind: "slash", At: t0}, t0); err != nil {
		t.Fatal(err)
	}
	if err := b.db.ReplicaSeen(t.Context(), store.Replica{ID: "rep1", Address: "10.0.0.1:8443", Seen: t0}); err != nil {
		t.Fatal(err)
	}
	before := b.wrapped(t)
	other := bytes.Repeat([]byte{9}, 32)
	open := func(key []byte) (*store.DB, error) {
		db, err := store.Open(t.Context(), b.url, b.workspace, store.Options{Key: key, Readers: 2})
		if err == nil {
			t.Cleanup(func() { _ = db.Close() })
		}
		return db, err
	}
	db, err := open(masterKey)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := db.Rekey(t.Context(), other); err != nil || n < 900+2+1 {
		t.Fatal(n, err)
	}
	for name, now := range b.wrapped(t) {
		for i, v := range now {
			if bytes.Equal(v, before[name][i]) {
				t.Errorf("%s is still under the old key", name)
				break
			}
		}
	}
	if _, err := open(masterKey); err == nil {
		t.Fatal("the old key still opens it")
	}
	db, err = open(other)
	if err != nil {
		t.Fatal(err)
	}
	got, err := db.Load(t.Context(), "INC-0001")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, got); diff != "" {
		t.Errorf("it reads otherwise under the new key:\n%s", diff)
	}
	if v, err := db.Verify(t.Context(), "INC-0001"); err != nil || v.Texts < 900 || v.Erased != 0 {
		t.Errorf("%+v, %v", v, err)
	}
	if value, _, ok, err := db.CacheGet(t.Context(), "contacts", "U2"); err != nil || !ok || string(value) != "phone U2" {
		t.Errorf("%q, %v, %v", value, ok, err)
	}
	if tokens, err := db.Tokens(t.Context()); err != nil || len(tokens) != 1 || tokens[0].Person != "alice" {
		t.Errorf("%+v, %v", tokens, err)
	}
	if hosts, err := db.Sensors(t.Context()); err != nil || len(hosts) != 1 || hosts[0].Host != "web-3" {
		t.Errorf("%+v, %v", hosts, err)
	}
	if k, ok, err := db.SensorToken(t.Context(), "b"); !ok || err != nil || k.Host != "web-3" {
		t.Errorf("%+v, %v, %v", k, ok, err)
	}
	if a, ok, err := db.SensorArchive(t.Context(), "arc1"); !ok || err != nil || !cmp.Equal(a, archive) {
		t.Errorf("%+v, %v, %v", a, ok, err)
	}
	if got, err := db.TakeRequests(t.Context(), t0.Add(time.Second), t0.Add(time.Hour)); err != nil || len(got) != 1 || got[0].ID != "r1" {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := db.Replicas(t.Context(), t0); err != nil || len(got) != 1 || got[0].Address != "10.0.0.1:8443" {
		t.Errorf("%+v, %v", got, err)
	}
	for what, err := range map[string]error{
		"a replica": late.ReplicaSeen(t.Context(), store.Replica{ID: "rep2", Seen: t0}),
		"a note": func() error {
			_, err := late.Commit(t.Context(), change(s, incident.Noted{Text: incident.Seal("late")}))
			return err
		}(),
		"a cache":            late.CachePut(t.Context(), "contacts", "U3", []byte("x"), t0),
		"an enrolment token": late.AddSensorToken(t.Context(), store.SensorToken{ID: "c", Made: t0, Expires: t0.Add(time.Hour)}),
		"a sensor":           late.EnrolSensor(t.Context(), "b", sensorOf("agent2", "web-4"), false),
		"an archive":         late.KeepSensorArchive(t.Context(), "arc2", archive),
		"a request":          late.KeepRequest(t.Context(), store.Request{ID: "r2", At: t0}, t0),
		"a token":            late.AddToken(t.Context(), store.Token{ID: "tk2", Person: "bob", Made: t0, Expires: t0.Add(time.Hour)}),
	} {
		if !errors.Is(err, store.ErrRekeyed) {
			t.Errorf("%s under the old key: %v", what, err)
		}
	}
	if _, err := late.Rekey(t.Context(), masterKey); !errors.Is(err, store.ErrRekeyed) {
		t.Errorf("changed once more under the old key: %v", err)
	}
	if _, err := db.Commit(t.Context(), change(got, incident.Noted{Text: incident.Seal("under the new one")})); err != nil {
		t.Error(err)
	}
}
