package app

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/evidence"
	"github.com/tocsin-ir/tocsin/internal/evidence/bundle"
	"github.com/tocsin-ir/tocsin/store/storetest"
)

// custody is a record with evidence of every kind in it, and the store that has it.
type custody struct {
	records
	app  *App
	kept *evidence.Folder
}

func openCustody(t *testing.T, c config.Config) custody {
	t.Helper()
	c.AuditKey = config.NewSecret(strings.Repeat("6b", 32))
	r := openRecords(t, c)
	folder, err := evidence.OpenFolder(filepath.Join(t.TempDir(), "evidence"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = folder.Close() })
	return custody{r, &App{config: c, db: r.db, clock: clock.Real{}, kept: folder}, folder}
}

func (c custody) item(name, from, content string) incident.KeptItem {
	c.t.Helper()
	k, err := deedEvidence{c.kept}.Keep(c.t.Context(), "INC-0001", strings.NewReader(content), 1<<20)
	if err != nil {
		c.t.Fatal(err)
	}
	k.Name, k.From, k.Type = incident.Seal(name), incident.Seal(from), "text/plain"
	return k
}

// shared captures a file, with its content when there is any.
func (c custody) shared(ts, id, name, content string) {
	c.t.Helper()
	about, _ := json.Marshal(map[string]any{"id": id, "name": name, "mimetype": "text/plain", "size": len(content)})
	said := map[string]any{"id": id, "why": "it has more than the 9 bytes that are kept of a file"}
	named := "unkept:" + ts + ":" + id + ":large"
	if content != "" {
		it, err := c.kept.Put(c.t.Context(), "INC-0001", strings.NewReader(content), 1<<20)
		if err != nil {
			c.t.Fatal(err)
		}
		said, named = map[string]any{"id": id, "kept": it}, "kept:"+ts+":"+id
	}
	receipt, _ := json.Marshal(said)
	line := incident.Captured{Stream: "INC-0001", Channel: "C1", TS: ts, Kind: incident.FileShared, Author: "U1", By: "alice", Name: "file:" + ts + ":" + id, File: incident.Seal(string(about))}
	fetched := line
	fetched.Kind, fetched.Name, fetched.File = incident.FileKept, named, incident.Seal(string(receipt))
	if n, err := c.db.Capture(c.t.Context(), []incident.Captured{line, fetched}); n != 2 || err != nil {
		c.t.Fatal(n, err)
	}
}

// bundled is the bundle of the incident as it is now, and what verifying it finds.
func (c custody) bundled() ([]byte, bundle.Report) {
	c.t.Helper()
	record, err := os.Create(filepath.Join(c.t.TempDir(), "record"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = record.Close() }()
	signer, refused, err := c.Export(c.t.Context(), "INC-0001", true, record)
	if err != nil || refused != nil {
		c.t.Fatal(err, refused)
	}
	var out bytes.Buffer
	if _, err := c.app.bundled(c.t.Context(), "INC-0001", incident.Person{ID: "bob"}, "State police", record, signer, &out); err != nil {
		c.t.Fatal(err)
	}
	found, err := bundle.Verify(bytes.NewReader(out.Bytes()), signer.Public())
	if err != nil {
		c.t.Fatal(err)
	}
	return out.Bytes(), found
}

func TestEvidenceCanBeHandedOver(t *testing.T) {
	t.Parallel()
	handOverEvidence(t, onFile(t))
}

func TestEvidenceCanBeHandedOverFromPostgres(t *testing.T) {
	t.Parallel()
	handOverEvidence(t, config.Config{Workspace: "evidence", Database: storetest.Postgres(t), Key: config.NewSecret(strings.Repeat("5a", 32))})
}

func handOverEvidence(t *testing.T, conf config.Config) {
	c := openCustody(t, conf)
	c.declared("INC-0001")
	away := incident.KeptItem{Name: incident.Seal("snapshot of web-3"), From: incident.Seal("aws"), Ref: incident.Seal("snap-0123")}
	s := c.write("INC-0001", nil, incident.ActionRequested{N: 1, Action: "okta.reset-factors", Count: 1, Names: incident.Seal("mallory@example.com")},
		incident.EvidenceKept{N: 1, Items: []incident.KeptItem{c.item("factors.json", "okta", "two factors"), away, c.item("../../etc/passwd\n\x1b[2J", "a host", "root:x:0:0")}})
	c.shared("1774746000.000001", "F1", "a.pcap", "packets")
	c.shared("1774746000.000002", "F2", "..", "more packets")
	c.shared("1774746000.000003", "F3", "big.img", "")
	file, found := c.bundled()
	if !found.OK() {
		t.Fatal(found.Problems)
	}
	states := func(found bundle.Report) string {
		var b strings.Builder
		for _, it := range found.Manifest.Items {
			b.WriteString(it.Path + "|" + string(it.State) + "\n")
		}
		return b.String()
	}
	if got, want := states(found), "content/E0001-factors.json|kept\n|kept by a vendor\ncontent/E0003-_.._etc_passwd___2J|kept\n"+
		"content/E0004-a.pcap|kept\ncontent/E0005-item|kept\n|not kept\n"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if bytes.Contains(file, []byte("hunter2")) {
		t.Error("what people wrote went along")
	}
	var told strings.Builder
	if err := found.Write(&told); err != nil || strings.Contains(told.String(), "\x1b") {
		t.Error(err, told.String())
	}
	keepGolden(t, file)

	// One item's key is destroyed by its time, one file's by hand: both are listed as
	// erased, by whom and why, and the bundle is whole.
	lines, err := evidenceOf(t.Context(), c.db, "INC-0001")
	if err != nil {
		t.Fatal(err)
	}
	e := lines[0]
	c.write("INC-0001", e.Keys, incident.EvidenceErased{Days: 1, Refs: e.Keys, Why: "kept for 1 days after closing",
		Items: []incident.ErasedItem{{Stream: e.Line.Stream, Line: e.Line.Seq, Index: e.Index, SHA256: e.SHA256, Size: e.Size, Stored: e.Stored}}})
	c.write("INC-0001", lines[3].Keys, incident.Redacted{Seq: s.Seq, Refs: lines[3].Keys, Why: "a password in it"})
	_, found = c.bundled()
	if !found.OK() {
		t.Fatal(found.Problems)
	}
	for i, why := range map[int]string{0: "kept for 1 days after closing", 3: "a password in it"} {
		if it := found.Manifest.Items[i]; it.State != bundle.Erased || it.Why != why {
			t.Errorf("item %d: %+v", i+1, it)
		}
	}

	// What is gone from the store without a word is said, and the bundle is not whole.
	if err := c.kept.Remove(t.Context(), "INC-0001", lines[2].Stored); err != nil {
		t.Fatal(err)
	}
	_, found = c.bundled()
	if found.OK() || !strings.Contains(found.Problems[0], "item 3") || !strings.Contains(found.Problems[0], "not in the evidence store") {
		t.Errorf("%v", found.Problems)
	}
}

// keepGolden writes the bundle that package bundle's own tests read, if it is wanted.
func keepGolden(t *testing.T, file []byte) {
	path := filepath.Join("..", "evidence", "bundle", "testdata", "bundle-v1.tar")
	if _, err := os.Stat(path); err == nil || os.Getenv("TOCSIN_GENERATE") == "" {
		return
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, file, 0o644); err != nil {
		t.Fatal(err)
	}
}

// The keys of what was kept before a deed stand in the register of its target too: who
// redacts the entry, or lets its time end, reaches that copy.
func TestAKeyHasACopyInTheRegister(t *testing.T) {
	t.Parallel()
	copies(t, onFile(t))
}

func TestAKeyHasACopyInTheRegisterOfPostgres(t *testing.T) {
	t.Parallel()
	copies(t, config.Config{Workspace: "copies", Database: storetest.Postgres(t), Key: config.NewSecret(strings.Repeat("5a", 32))})
}

func copies(t *testing.T, conf config.Config) {
	c := openCustody(t, conf)
	c.declared("INC-0001")
	reg := incident.HoldID("identity", "mallory@example.com")
	it := c.item("factors.json", "okta", "two factors")
	again := it
	again.Name, again.From, again.Key = incident.Seal(it.Name.Text), incident.Seal(it.From.Text), incident.Seal(it.Key.Text)
	c.write(reg, nil, incident.HoldPreserved{HoldKey: incident.HoldKey{Incident: "INC-0001", Deed: 1}, Items: []incident.KeptItem{it}},
		incident.HoldPreserved{HoldKey: incident.HoldKey{Incident: "INC-0002", Deed: 1}, Items: []incident.KeptItem{again}})
	s := c.write("INC-0001", nil, incident.ActionRequested{N: 1, Count: 1, Names: incident.Seal("mallory@example.com")},
		incident.ActionPlanned{N: 1, Registers: []incident.ID{reg}}, incident.EvidenceKept{N: 1, Items: []incident.KeptItem{again}})
	refs, err := c.db.Texts(t.Context(), "INC-0001", s.Seq)
	if err != nil {
		t.Fatal(err)
	}
	c.write("INC-0001", refs, incident.Redacted{Seq: s.Seq, Refs: refs, Why: "a phone number"})
	lines, err := c.db.Timeline(t.Context(), reg, 0, 10)
	if err != nil || len(lines) != 2 {
		t.Fatal(lines, err)
	}
	if key := lines[0].Event.(incident.HoldPreserved).Items[0].Key; key.Text != "" {
		t.Error("the register still has the key")
	}
	if key := lines[1].Event.(incident.HoldPreserved).Items[0].Key; key.Text == "" {
		t.Error("another incident's key was destroyed")
	}
	if _, found := c.exported(""); !found.OK() {
		t.Errorf("%+v", found.Problems)
	}
	if owners, err := c.db.Belong(t.Context(), []string{lines[1].Event.(incident.HoldPreserved).Items[0].Key.Ref}); err != nil || len(owners) != 1 || owners[0] != reg {
		t.Error(owners, err)
	}
}
