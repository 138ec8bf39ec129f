package store_test

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/migrations"
	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/store/storetest"
	"github.com/tocsin-ir/tocsin/templates"
)

// recorded is what a program of a schema left behind; internal/app's TestRecordSchema
// writes it.
type recorded struct {
	Workspace, Key string
	Now            time.Time
	Tables         []struct {
		Name string
		Rows []map[string]any
	}
}

// A database of every schema there ever was, with the rows that the program of that
// age wrote, is brought up to date and goes on where it was.
func TestEverySchemaIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	for _, version := range schemas(t) {
		old, err := readRecorded(version)
		if errors.Is(err, fs.ErrNotExist) {
			t.Errorf("schema %d has no rows of its age in store/testdata/schema: let liveForTheRecord in internal/app/schema_record_test.go fill what is new in it, "+
				"then write them down with TOCSIN_RECORD_SCHEMA=1 go test -count=1 -run TestRecordSchema ./internal/app", version)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for name, url := range map[string]func(*testing.T) string{
			"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "tocsin.db") },
			"postgres": func(t *testing.T) string { return storetest.Postgres(t) },
		} {
			t.Run(fmt.Sprintf("%s/%d", name, version), func(t *testing.T) {
				t.Parallel()
				goOn(t, url(t), version, old)
			})
		}
	}
}

// schemas are the numbers of all migrations.
func schemas(t *testing.T) (all []int64) {
	names, err := fs.Glob(migrations.FS, "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatal("no migrations", err)
	}
	for _, name := range names {
		number, _, _ := strings.Cut(name, "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}

func readRecorded(version int64) (r recorded, err error) {
	f, err := os.Open(filepath.Join("testdata", "schema", fmt.Sprintf("%05d.json", version)))
	if err != nil {
		return r, err
	}
	defer func() { _ = f.Close() }()
	d := json.NewDecoder(f)
	d.UseNumber()
	return r, d.Decode(&r)
}

func goOn(t *testing.T, url string, version int64, old recorded) {
	raw := rawAt(t, url, version)
	old.restore(t, raw)
	key, err := hex.DecodeString(old.Key)
	if err != nil {
		t.Fatal(err)
	}
	at := clock.NewFast(old.Now.Add(time.Minute), 1)
	db, err := store.Open(t.Context(), url, old.Workspace, store.Options{Key: key, Now: at.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })

	old.stillThere(t, raw)
	for _, id := range old.streams() {
		s, err := db.Load(t.Context(), id)
		if err != nil || !s.Exists || s.Title.Text == "" || s.Room.Channel == "" {
			t.Fatalf("%s loads as %+v, %v", id, s, err)
		}
		if v, err := db.Verify(t.Context(), id); err != nil || v.Lines != s.Seq || v.Texts == 0 {
			t.Errorf("the record of %s: %+v, %v", id, v, err)
		}
		if _, err := db.VerifyCaptured(t.Context(), id); err != nil {
			t.Errorf("what was captured of %s: %v", id, err)
		}
		if err := db.Rebuild(t.Context(), id); err != nil {
			t.Errorf("fold %s anew: %v", id, err)
		}
	}
	e := engineOn(t, db, at)
	id := old.streams()[0]
	ask := func() (incident.Answer, error) {
		return e.Handle(t.Context(), id, incident.Asked{ID: "after", By: incident.Person{ID: "alice", Slack: "U0ALICE01"}, Via: incident.ViaSlack,
			What: incident.AddNote{Text: "written by a later program"}})
	}
	answer, err := ask()
	if err != nil || answer.Last == 0 {
		t.Fatalf("a note: %+v, %v", answer, err)
	}
	if again, err := ask(); again != answer || err != nil {
		t.Errorf("asked again: %+v, %v", again, err)
	}
	old.carriesOn(t, db, e, raw)
	if v, err := db.Verify(t.Context(), id); err != nil || v.Lines < answer.Last {
		t.Errorf("the record of %s after a note: %+v, %v", id, v, err)
	}
}

// carriesOn lets everything that was owed then, and is due, be performed now.
func (r recorded) carriesOn(t *testing.T, db *store.DB, e *engine.Engine, raw *sql.DB) {
	waiting := map[string]bool{}
	for _, row := range r.table("effects") {
		if row["state"] == "open" && row["kind"] != "wake" {
			waiting[row["id"].(string)] = true
		}
	}
	if len(waiting) == 0 {
		t.Fatal("nothing was owed when the rows were written down")
	}
	performers := map[string]engine.Performer{}
	for _, row := range r.table("effects") {
		performers[row["kind"].(string)] = nods{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = (&engine.Runner{Engine: e, Performers: performers, Owner: "later", Workers: 2}).Run(ctx)
	}()
	defer func() { cancel(); <-done }()
	for range 1500 {
		for id := range maps.Clone(waiting) {
			var state string
			if err := raw.QueryRowContext(t.Context(), `SELECT state FROM effects WHERE id = $1`, id).Scan(&state); err != nil {
				t.Fatal(err)
			}
			if state == "done" {
				delete(waiting, id)
			}
		}
		if len(waiting) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	owing, err := db.Owing(t.Context(), r.Now)
	t.Errorf("what was owed then is not done: %v; %+v, %v", slices.Sorted(maps.Keys(waiting)), owing, err)
}

// nods performs anything at once, as a vendor would that has nothing to tell.
type nods struct{}

func (nods) Perform(context.Context, incident.Task, func(incident.Command) error) (incident.Command, error) {
	return nil, nil
}

func engineOn(t *testing.T, db *store.DB, at *clock.Fast) *engine.Engine {
	current, err := plan.NewCurrent(t.Context(), templates.DemoPlan(), keepsPlans{db})
	if err != nil {
		t.Fatal(err)
	}
	return engine.New(db, func() incident.Rules { return current.Now() }, at, slog.New(slog.DiscardHandler))
}

type keepsPlans struct{ *store.DB }

// rawAt makes the tables of a schema and gives a view of them.
func rawAt(t *testing.T, url string, version int64) *sql.DB {
	driver, dialect, at := "sqlite", goose.DialectSQLite3, "file:"+url+"?_pragma=busy_timeout(10000)"
	if strings.HasPrefix(url, "postgres") {
		driver, dialect, at = "pgx", goose.DialectPostgres, url
	}
	raw, err := sql.Open(driver, at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	p, err := goose.NewProvider(dialect, raw, migrations.FS)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
	return raw
}

func (r recorded) table(name string) []map[string]any {
	for _, table := range r.Tables {
		if table.Name == name {
			return table.Rows
		}
	}
	return nil
}

func (r recorded) streams() (ids []incident.ID) {
	for _, row := range r.table("incidents") {
		ids = append(ids, incident.ID(row["id"].(string)))
	}
	slices.Sort(ids)
	return ids
}

// restore puts the rows into the tables of their age. Every table has some.
func (r recorded) restore(t *testing.T, raw *sql.DB) {
	for _, table := range r.Tables {
		types := columnsOf(t, raw, table.Name)
		if len(table.Rows) == 0 {
			t.Fatalf("no row of table %s was written down", table.Name)
		}
		for _, row := range table.Rows {
			columns := slices.Sorted(maps.Keys(row))
			var places []string
			var args []any
			for i, c := range columns {
				places = append(places, "$"+strconv.Itoa(i+1))
				args = append(args, stored(t, row[c], types[c]))
			}
			query := `INSERT INTO ` + table.Name + ` (` + strings.Join(columns, ",") + `) VALUES (` + strings.Join(places, ",") + `)`
			if _, err := raw.ExecContext(t.Context(), query, args...); err != nil {
				t.Fatalf("%s: %v", table.Name, err)
			}
		}
	}
}

func columnsOf(t *testing.T, raw *sql.DB, table string) map[string]string {
	rows, err := raw.QueryContext(t.Context(), `SELECT * FROM `+table+` WHERE 1 = 0`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	types, err := rows.ColumnTypes()
	if err != nil {
		t.Fatal(err)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, c := range types {
		out[c.Name()] = strings.ToUpper(c.DatabaseTypeName())
	}
	return out
}

// stored is a written value as a column of a type takes it.
func stored(t *testing.T, v any, kind string) any {
	switch v := v.(type) {
	case map[string]any:
		b, err := hex.DecodeString(v["hex"].(string))
		if err != nil {
			t.Fatal(err)
		}
		return b
	case json.Number:
		n, err := v.Int64()
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(kind, "BOOL") {
			return n != 0
		}
		return n
	}
	return v
}

// stillThere reads the record back: a migration may add to it and never change it.
func (r recorded) stillThere(t *testing.T, raw *sql.DB) {
	for _, name := range []string{"events", "sealed", "sealed_keys", "audit_keys", "audit_heads"} {
		rows := r.table(name)
		if len(rows) == 0 {
			continue // younger than these rows
		}
		columns := slices.Sorted(maps.Keys(rows[0]))
		types := columnsOf(t, raw, name)
		line := func(values []any) string { return fmt.Sprint(values...) }
		want := map[string]int{}
		for _, row := range rows {
			var values []any
			for _, c := range columns {
				values = append(values, stored(t, row[c], types[c]))
			}
			want[line(values)]++
		}
		got := map[string]int{}
		found, err := raw.QueryContext(t.Context(), `SELECT `+strings.Join(columns, ",")+` FROM `+name)
		if err != nil {
			t.Fatal(err)
		}
		for found.Next() {
			values, to := make([]any, len(columns)), make([]any, len(columns))
			for i := range to {
				to[i] = &values[i]
			}
			if err := found.Scan(to...); err != nil {
				t.Fatal(err)
			}
			got[line(values)]++
		}
		if err := errors.Join(found.Err(), found.Close()); err != nil { //nolint:sqlclosecheck // each table before the next
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("table %s is not as it was:\n%s", name, diff)
		}
	}
}
