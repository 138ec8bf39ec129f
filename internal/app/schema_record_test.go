package app

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
	"github.com/tocsin-ir/tocsin/store"
)

// TestRecordSchema writes down what a database of the present schema holds after an
// incident that ended and one that is under way, for TestEverySchemaIsBroughtUpToDate
// of package store. It is run once, by the program that makes the schema:
//
//	TOCSIN_RECORD_SCHEMA=1 go test -count=1 -run TestRecordSchema ./internal/app
//
// A file that is there is never written again: a later program would write other rows.
func TestRecordSchema(t *testing.T) {
	if os.Getenv("TOCSIN_RECORD_SCHEMA") == "" {
		t.Skip("it records rows for the tests of package store when TOCSIN_RECORD_SCHEMA=1")
	}
	path := filepath.Join(t.TempDir(), "tocsin.db")
	d, err := StartDemo(t.Context(), DemoOptions{Database: path, NoRateLimits: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	d.Clock.SetFactor(30) // Slack's pace in a room is not what is recorded
	liveForTheRecord(t, d)
	now := d.Clock.Now()
	if err := d.Halt(); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = raw.Close() }()
	version, written := writeDown(t, raw, now, keyBeside(t, path))
	name := filepath.Join("..", "..", "store", "testdata", "schema", fmt.Sprintf("%05d.json", version))
	if _, err := os.Stat(name); err == nil {
		t.Skipf("%s is there already", name)
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, written, 0o644); err != nil {
		t.Fatal(err)
	}
}

// liveForTheRecord leaves something in every table. A new table gets its line here.
func liveForTheRecord(t *testing.T, d *Demo) {
	ctx, w := t.Context(), d.World.Slack
	type line struct{ who, where, text string }
	say := func(lines ...line) {
		for _, l := range lines {
			if err := w.Slash(ctx, l.who, l.where, l.text); err != nil {
				t.Fatal(l.text, err)
			}
			eventually(t, l.text, func() bool { return d.idle(ctx) })
		}
	}
	room := func(id string) (channel string) {
		eventually(t, "a room of "+id, func() bool {
			for _, c := range w.View("U0ALICE01", slack.ViewOptions{}).Channels {
				if strings.HasPrefix(c.Name, id) && len(c.Pins) > 0 {
					channel = c.ID
				}
			}
			return channel != ""
		})
		return channel
	}
	say(line{"U0ALICE01", "#general", "/incident declare p1 token on a paste site asset:web-3"})
	first := room("inc-0001")
	eventually(t, "bob is paged", func() bool { return len(d.World.PagerDuty.Incidents()) > 0 })
	if err := d.World.PagerDuty.Acknowledge("PBOB001", d.World.PagerDuty.Incidents()[0].ID); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"role take commander", "note seen in the logs of web-3", "task add rotate the token @bob", "scope add host web-3",
		"sev p2 the token was read-only", "resolve the token is revoked"} {
		say(line{"U0ALICE01", first, "/incident " + text})
	}
	say(line{"U0ALICE01", first, "/postmortem edit summary a token was on a paste site"})
	d.World.GitHub.Faults().Add(fault.Rule{Kind: fault.ServerError, Status: 404, Times: 1}) // a dead letter, unless it is tried again
	say(line{"U0ALICE01", first, "/postmortem publish"})
	say(line{"U0CAROL01", "#general", "/incident declare p2 laptop speaks to a strange host"})
	second := room("inc-0002")
	for n := range 30 { // enough for a snapshot
		say(line{"U0CAROL01", second, fmt.Sprint("/incident note indicator ", n)})
	}
	d.Clock.Advance(11 * time.Minute) // snapshots of what is idle, signed heads
	time.Sleep(300 * time.Millisecond)
	alsoForTheRecord(t, d, first)
	d.World.Slack.Faults().Add(fault.Rule{Method: "chat.*", Kind: fault.Down}) // what is said now is owed
	for n := range 3 {
		if err := w.Slash(ctx, "U0CAROL01", second, fmt.Sprint("/incident update nobody hears this ", n)); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(300 * time.Millisecond)
}

// alsoForTheRecord fills what no words fill yet.
func alsoForTheRecord(t *testing.T, d *Demo, channel string) {
	a := d.App()
	a.signHeads(t.Context())
	if err := a.db.AddSensorToken(t.Context(), store.SensorToken{ID: "bbbbbbbb", Hash: []byte("no such token"), By: "alice", Made: d.Clock.Now(), Expires: d.Clock.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if err := a.db.EnrolSensor(t.Context(), "bbbbbbbb", store.Sensor{ID: "cccccccc", Host: "web-3", Machine: "m", Enrolled: d.Clock.Now()}, false); err != nil {
		t.Fatal(err)
	}
	if err := a.db.KeepSensorArchive(t.Context(), "hold-1", store.SensorArchive{Stored: "none", Key: []byte("no such key"), SHA256: "00", Size: 1}); err != nil {
		t.Fatal(err)
	}
	if err := a.db.AddToken(t.Context(), store.Token{ID: "aaaaaaaa", Person: "alice", Name: "laptop", Hash: []byte("no such token"), Made: d.Clock.Now(), Expires: d.Clock.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if err := a.db.KeepRequest(t.Context(), store.Request{ID: "slash/dddddddd", Kind: "slash", Payload: []byte("{}"), At: d.Clock.Now()}, d.Clock.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := a.db.ReplicaSeen(t.Context(), store.Replica{ID: "eeeeeeee", Address: "127.0.0.1:8443", Seen: d.Clock.Now()}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.db.Capture(t.Context(), []incident.Captured{
		{Stream: "INC-0001", Channel: channel, TS: "1790000000.000100", Kind: incident.SaidMessage, Name: "said:1790000000.000100", Author: "U0BOB0001", Text: incident.Seal("it was in a gist"), Occurred: d.Clock.Now(), At: d.Clock.Now()},
		{Stream: "INC-0001", Channel: channel, TS: "1790000000.000100", Kind: incident.SaidEdited, Name: "edited:1790000000.000100:1790000001.000100", Author: "U0BOB0001", Text: incident.Seal("it was in a public gist"), Occurred: d.Clock.Now(), At: d.Clock.Now()},
	}); err != nil {
		t.Fatal(err)
	}
}

func keyBeside(t *testing.T, path string) string {
	found, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.key"))
	if len(found) != 1 {
		t.Fatalf("keys beside the database: %v", found)
	}
	key, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(key))
}

// writeDown gives every row of every table, in the order in which the tables were
// made; bytes are written as {"hex": "…"}.
func writeDown(t *testing.T, raw *sql.DB, now time.Time, key string) (version int64, written []byte) {
	ctx := context.Background()
	if err := raw.QueryRowContext(ctx, `SELECT MAX(version_id) FROM goose_db_version`).Scan(&version); err != nil {
		t.Fatal(err)
	}
	rows, err := raw.QueryContext(ctx, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'goose_db_version' ORDER BY rowid`)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil { //nolint:sqlclosecheck // before the tables are read
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "{\"workspace\": \"demo\", \"key\": %q, \"now\": %q, \"tables\": [", key, now.UTC().Format(time.RFC3339Nano))
	for i, name := range names {
		lines := table(t, raw, name)
		if len(lines) == 0 {
			t.Errorf("table %s is empty; let liveForTheRecord fill it", name)
		}
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, "\n{\"name\": %q, \"rows\": [\n%s\n]}", name, strings.Join(lines, ",\n"))
	}
	b.WriteString("]}\n")
	if !json.Valid([]byte(b.String())) {
		t.Fatal("what was written down is not JSON")
	}
	return version, []byte(b.String())
}

func table(t *testing.T, raw *sql.DB, name string) (lines []string) {
	rows, err := raw.QueryContext(context.Background(), `SELECT * FROM `+name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values := make([]any, len(columns))
		to := make([]any, len(columns))
		for i := range to {
			to[i] = &values[i]
		}
		if err := rows.Scan(to...); err != nil {
			t.Fatal(err)
		}
		row := map[string]any{}
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				v = map[string]string{"hex": hex.EncodeToString(b)}
			}
			row[columns[i]] = v
		}
		line, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(line))
	}
	slices.Sort(lines)
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}
