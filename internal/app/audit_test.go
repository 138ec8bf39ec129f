package app

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/audit"
	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/store/storetest"
)

// records is a record under a real database, as the command line opens it.
type records struct {
	*Audit
	t *testing.T
}

func openRecords(t *testing.T, c config.Config) records {
	t.Helper()
	a, err := OpenAudit(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	return records{a, t}
}

func onFile(t *testing.T) config.Config {
	return config.Config{Workspace: "acme", Database: filepath.Join(t.TempDir(), "tocsin.db")}
}

func (r records) write(id incident.ID, erase []string, events ...incident.Event) incident.State {
	r.t.Helper()
	s, err := r.db.Load(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	at := time.Date(2026, 3, 29, 0, 59, 0, 0, time.UTC)
	c := incident.Change{Before: s, Erase: erase, Asked: incident.Asked{ID: incident.CommandID(rand.Text()), By: incident.Person{ID: "alice"}, Via: incident.ViaSlack, At: at}}
	c.Asked.Root = c.Asked.ID
	for i, e := range events {
		c.Events = append(c.Events, incident.Recorded{Stream: id, Seq: s.Seq + int64(i) + 1, At: at, Occurred: at, By: "alice", Via: incident.ViaSlack, Root: c.Asked.ID, Event: e})
	}
	if s, err = r.db.Commit(r.t.Context(), c); err != nil {
		r.t.Fatal(err)
	}
	return s
}

func (r records) declared(id incident.ID) incident.State {
	r.t.Helper()
	return r.write(id, nil, incident.Met{Person: incident.Person{ID: "alice", Slack: "U1", Name: incident.Seal("Alice Liddell")}},
		incident.Declared{ID: id, Title: incident.Seal("okta session theft"), Codename: "amber otter", Severity: incident.P2, Type: "intrusion", Plan: "d1"},
		incident.Noted{Text: incident.Seal("password hunter2")})
}

// exported is an export and what verifying it finds.
func (r records) exported(stream string) ([]byte, audit.Report) {
	r.t.Helper()
	var b bytes.Buffer
	s, _, err := r.Export(r.t.Context(), stream, false, &b)
	if err != nil {
		r.t.Fatal(err)
	}
	found, err := audit.Verify(bytes.NewReader(b.Bytes()), s.Public(), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return b.Bytes(), found
}

func TestTheRecordCanBeHandedOver(t *testing.T) {
	t.Parallel()
	handOver(t, onFile(t))
}

func TestTheRecordCanBeHandedOverFromPostgres(t *testing.T) {
	url := storetest.Postgres(t)
	handOver(t, config.Config{Workspace: "acme", Database: url, Key: config.NewSecret(strings.Repeat("5a", 32)), AuditKey: config.NewSecret(strings.Repeat("6b", 32))})
}

func handOver(t *testing.T, c config.Config) {
	r := openRecords(t, c)
	r.declared("INC-0001")
	r.declared("INC-0002")
	if n, err := r.Sign(t.Context(), ""); n != 2 || err != nil {
		t.Fatalf("%d heads, %v", n, err)
	}
	if n, err := r.Sign(t.Context(), ""); n != 0 || err != nil {
		t.Fatalf("a second time: %d heads, %v", n, err)
	}
	export, found := r.exported("")
	if !found.OK() || len(found.Streams) != 2 || found.Texts != 6 || !bytes.Contains(export, []byte("hunter2")) {
		t.Fatalf("%+v", found)
	}
	// Erasing a text keeps the record provable, and says who, when and why.
	e, err := r.db.Event(t.Context(), "INC-0001", 3)
	if err != nil {
		t.Fatal(err)
	}
	ref := e.Event.(incident.Noted).Text.Ref
	r.write("INC-0001", []string{ref}, incident.Redacted{Seq: 3, Refs: []string{ref}, Why: "password pasted"})
	export, found = r.exported("INC-0001")
	if !found.OK() || len(found.Erased) != 1 || found.Streams[0].Signed != 4 || found.Streams[0].Heads != 2 || bytes.Contains(export, []byte("hunter2")) {
		t.Fatalf("%+v", found)
	}
	if x := found.Erased[0]; x.By != "alice" || x.Why != "password pasted" || x.Seq != 3 || x.Said != "INC-0001/4" || !x.At.Equal(e.At) {
		t.Errorf("erased: %+v", x)
	}
	// The store and the export agree about the last hash.
	v, err := r.db.Verify(t.Context(), "INC-0001")
	if err != nil || v.Head != found.Streams[0].Hash {
		t.Errorf("the store says %s, the export %s, %v", v.Head, found.Streams[0].Hash, err)
	}
	if _, _, err := r.Export(t.Context(), "INC-0099", false, &bytes.Buffer{}); err == nil {
		t.Error("an incident that is not there was exported")
	}
	second(t, export, c)
}

// second asks the verifier in docs/, where there is python3.
func second(t *testing.T, export []byte, c config.Config) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		return // package audit insists where it must
	}
	s, err := auditSigner(c)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "export")
	if err := os.WriteFile(path, export, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), python, filepath.Join("..", "..", "docs", "audit-verify.py"), s.Public(), path).CombinedOutput() //nolint:gosec // our own script
	if err != nil || !strings.Contains(string(out), "whole: ") {
		t.Errorf("the second verifier: %v\n%s", err, out)
	}
}

func TestTheDatabaseIsWrittenTo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ attack, says string }{
		"a line":          {`UPDATE events SET actor = 'mallory' WHERE stream = 'INC-0001' AND seq = 2`, "line 2 of INC-0001 was changed"},
		"the tail":        {`DELETE FROM events WHERE stream = 'INC-0001' AND seq = 3; UPDATE incidents SET seq = 2, hash = (SELECT hash FROM events WHERE stream = 'INC-0001' AND seq = 2) WHERE id = 'INC-0001'`, "INC-0001 is cut"},
		"all of it":       {`DELETE FROM events WHERE stream = 'INC-0001'; DELETE FROM incidents WHERE id = 'INC-0001'`, "INC-0001 is cut"},
		"a text's row":    {`UPDATE sealed SET body = (SELECT body FROM sealed WHERE seq = 1 AND stream = 'INC-0001') WHERE seq = 3 AND stream = 'INC-0001'`, "a text that line 3 of INC-0001 speaks of is not here"},
		"a text, quietly": {`DELETE FROM sealed WHERE seq = 3 AND stream = 'INC-0001'`, "a text that line 3 of INC-0001 speaks of is not here"},
		"a head":          {`UPDATE audit_heads SET hash = 'ff' WHERE stream = 'INC-0001'`, "forged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conf := onFile(t)
			r := openRecords(t, conf)
			r.declared("INC-0001")
			r.declared("INC-0002")
			if _, err := r.Sign(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
			raw, err := sql.Open("sqlite", "file:"+conf.Database+"?_pragma=busy_timeout(10000)&_pragma=foreign_keys(0)")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = raw.Close() }()
			if _, err := raw.ExecContext(t.Context(), c.attack); err != nil {
				t.Fatal(err)
			}
			_, found := r.exported("")
			said := ""
			for _, p := range found.Problems {
				said += p.String() + "\n"
			}
			if found.OK() || !strings.Contains(said, c.says) {
				t.Errorf("want %q, got:\n%s", c.says, said)
			}
		})
	}
}

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	c := onFile(t)
	c.Anchor = filepath.Join(t.TempDir(), "heads")
	r := openRecords(t, c)
	r.declared("INC-0001")
	first, err := auditSigner(c)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(c.Database + ".audit-key"); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the key file: %v, %v", info, err)
	}
	next, err := r.Rotate(t.Context(), config.Secret{})
	if err != nil || next.ID() == first.ID() {
		t.Fatalf("after rotation %s, before %s, %v", next.ID(), first.ID(), err)
	}
	if now, err := auditSigner(c); err != nil || now.ID() != next.ID() {
		t.Fatalf("the file holds %s, %v", now.ID(), err)
	}
	r.write("INC-0001", nil, incident.Noted{Text: incident.Seal("more")})
	export, found := r.exported("")
	if !found.OK() || found.Streams[0].Heads != 2 {
		t.Fatalf("%+v", found)
	}
	f, err := os.Open(c.Anchor)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	heads, err := audit.ReadAnchor(f)
	if err != nil || len(heads) != 2 || heads[0].Key != first.ID() || heads[1].Key != next.ID() {
		t.Fatalf("anchored: %+v, %v", heads, err)
	}
	// Who was given the first key believes the second; who has a stranger's believes none.
	if found, err := audit.Verify(bytes.NewReader(export), first.Public(), heads); err != nil || !found.OK() {
		t.Errorf("%+v, %v", found, err)
	}
	// The key that was replaced signs nothing any more.
	old := c
	old.AuditKey = config.NewSecret(strings.Repeat("6b", 32))
	if _, err := openRecords(t, old).Sign(t.Context(), ""); err == nil {
		t.Error("a key that is none of the workspace's signed")
	}
	keys, err := openRecords(t, old).Keys(t.Context())
	if err != nil || len(keys) != 2 {
		t.Errorf("public keys without the private one: %d, %v", len(keys), err)
	}
}

// The server signs by itself, and says in its log when the record does not follow from
// the last head.
func TestTheServerSigns(t *testing.T) {
	t.Parallel()
	c := onFile(t)
	r := openRecords(t, c)
	r.declared("INC-0001")
	var said bytes.Buffer
	a := &App{config: c, db: r.db, clock: clock.Real{}, log: slog.New(slog.NewTextHandler(&said, nil))}
	a.signHeads(t.Context())
	if n, err := r.Sign(t.Context(), ""); n != 0 || err != nil || said.Len() > 0 {
		t.Fatalf("%d heads were left, %v, %s", n, err, said.String())
	}
	r.write("INC-0001", nil, incident.Noted{Text: incident.Seal("more")})
	raw, err := sql.Open("sqlite", "file:"+c.Database+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = raw.Close() }()
	if _, err := raw.ExecContext(t.Context(), `UPDATE events SET actor = 'mallory' WHERE seq = 4`); err != nil {
		t.Fatal(err)
	}
	a.signHeads(t.Context())
	if !strings.Contains(said.String(), "level=ERROR") || !strings.Contains(said.String(), "the head of INC-0001 is not signed: line 4 was changed") {
		t.Errorf("the log says %s", said.String())
	}
	said.Reset()
	a.config.Database = "postgres://x/y"
	a.signHeads(t.Context())
	if !strings.Contains(said.String(), "level=WARN") || !strings.Contains(said.String(), "TOCSIN_AUDIT_KEY") {
		t.Errorf("the log says %s", said.String())
	}
}

// A rotation that was cut off after the database knew of the next key is finished by
// whoever signs next.
func TestARotationCutOff(t *testing.T) {
	t.Parallel()
	c := onFile(t)
	r := openRecords(t, c)
	r.declared("INC-0001")
	s, err := r.signer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	next, err := nextSigner(auditKeyFile(c))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := r.Sign(t.Context(), ""); n != 1 || err != nil { // before the database knew: the old key signs
		t.Fatal(n, err)
	}
	if err := audit.Rotate(t.Context(), r.book(), c.Workspace, s, next, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, found := r.exported(""); !found.OK() {
		t.Fatalf("%+v", found)
	}
	if now, err := auditSigner(c); err != nil || now.ID() != next.ID() {
		t.Errorf("the file holds %s, %v", now.ID(), err)
	}
	if _, err := os.Stat(nextKeyFile(auditKeyFile(c))); !os.IsNotExist(err) {
		t.Errorf("%v", err)
	}
}

func TestPostgresWantsAnAuditKey(t *testing.T) {
	t.Parallel()
	if _, err := auditSigner(config.Config{Database: "postgres://x/y"}); err != errNoAuditKey { //nolint:errorlint // it is that very one
		t.Error(err)
	}
	for _, bad := range []string{"zz", strings.Repeat("6b", 31), "6b 6b"} {
		if _, err := auditSigner(config.Config{AuditKey: config.NewSecret(bad)}); err == nil {
			t.Errorf("%q is a key", bad)
		}
	}
}

// What package audit finds in the data of a line, knowing no kind of event, is what
// the rules call sealed: for every kind there is.
func TestEveryTextIsFound(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "events.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, events, _ := strings.Cut(string(page), "\n## Events\n")
	events, _, _ = strings.Cut(events, "\n## ")
	kinds := regexp.MustCompile("(?m)^\\| `[A-Za-z]+` \\| `([a-z_]+)` \\|").FindAllStringSubmatch(events, -1)
	if len(kinds) < 50 {
		t.Fatalf("only %d kinds found", len(kinds))
	}
	some := 0
	for _, k := range kinds {
		e, err := incident.DecodeEvent(k[1], 1, []byte(`{}`))
		if err != nil {
			t.Errorf("%s: %v", k[1], err)
			continue
		}
		r := incident.Recorded{Event: filled(e)}
		var want []string
		incident.EachSealed(&r, func(s *incident.Sealed) {
			s.Ref = fmt.Sprintf("%064x", len(want))
			want = append(want, s.Ref)
		})
		_, _, data, err := incident.EncodeEvent(r.Event)
		if err != nil {
			t.Fatal(err)
		}
		if got := audit.Refs(string(data)); len(got) != len(want) {
			t.Errorf("%s: %d texts found of %d in %s", k[1], len(got), len(want), data)
		}
		some += len(want)
	}
	if some < 20 {
		t.Errorf("only %d texts in all kinds", some)
	}
}
