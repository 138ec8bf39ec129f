package app

import (
	"bytes"
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/store/storetest"
)

// said is what was captured of a room, the second text once more as it read before.
func said() []incident.Captured {
	at := time.Date(2026, 3, 29, 1, 0, 0, 123_456_000, time.UTC)
	c := incident.Captured{
		Stream: "INC-0001", Channel: "C1", TS: "1774746000.123456", Kind: incident.SaidMessage, Name: "said:1774746000.123456",
		Author: "U1", By: "alice", Occurred: at, Text: incident.Seal("it is hunter3"),
	}
	edit, other := c, c
	edit.Kind, edit.Name, edit.Text, edit.Was = incident.SaidEdited, "edited:1774746000.123456:1774746001.000000", incident.Seal("it was hunter3"), incident.Seal("it is hunter3")
	other.TS, other.Name, other.Author, other.By, other.Text = "1774746002.000000", "said:1774746002.000000", "B9", "", incident.Seal("disk full")
	return []incident.Captured{c, edit, other}
}

// What was said in the room is signed, exported and verified with the record of the
// incident, and is whole after a message was redacted.
func TestWhatWasCapturedCanBeHandedOver(t *testing.T) {
	t.Parallel()
	handOverCaptured(t, onFile(t))
}

func TestWhatWasCapturedCanBeHandedOverFromPostgres(t *testing.T) {
	t.Parallel()
	url := storetest.Postgres(t)
	handOverCaptured(t, config.Config{Workspace: "captured", Database: url, Key: config.NewSecret(strings.Repeat("5a", 32)), AuditKey: config.NewSecret(strings.Repeat("6b", 32))})
}

func handOverCaptured(t *testing.T, c config.Config) {
	r := openRecords(t, c)
	r.declared("INC-0001")
	if n, err := r.db.Capture(t.Context(), said()); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	export, found := r.exported("INC-0001")
	if !found.OK() || len(found.Streams) != 2 || found.Streams[1].ID != "INC-0001/room" || found.Streams[1].Signed != 3 || found.Texts != 7 {
		t.Fatalf("%+v", found)
	}
	if !bytes.Contains(export, []byte("hunter3")) {
		t.Error("the texts are not there")
	}
	second(t, export, c)
	s := r.write("INC-0001", nil, incident.Kept{Ref: incident.MessageRef{Channel: "C1", TS: "1774746000.123456"}, Author: "alice", Text: incident.Seal("it is hunter3")})
	refs, err := r.db.Texts(t.Context(), "INC-0001", s.Seq)
	if err != nil {
		t.Fatal(err)
	}
	r.write("INC-0001", refs, incident.Redacted{Seq: s.Seq, Refs: refs, Why: "password pasted"})
	export, found = r.exported("INC-0001")
	if !found.OK() || len(found.Erased) != 4 || bytes.Contains(export, []byte("hunter3")) {
		t.Fatalf("%+v", found)
	}
	second(t, export, c)
	if _, found = r.exported(""); !found.OK() || len(found.Streams) != 2 {
		t.Errorf("everything: %+v", found)
	}
}

func TestWhatWasCapturedIsWrittenTo(t *testing.T) {
	t.Parallel()
	for attack, says := range map[string]string{
		`UPDATE captured SET actor = 'mallory' WHERE seq = 2`:                                                                     "line 2 of INC-0001/room was changed",
		`DELETE FROM captured WHERE seq = 3; UPDATE captured_heads SET seq = 2, hash = (SELECT hash FROM captured WHERE seq = 2)`: "INC-0001/room is cut",
		`DELETE FROM captured; DELETE FROM captured_heads`:                                                                        "INC-0001/room is cut",
		`DELETE FROM sealed_keys WHERE ref IN (SELECT ref FROM sealed WHERE stream = 'INC-0001/room' AND seq = 3)`:                "line 3 of INC-0001/room speaks of is not here",
	} {
		c := onFile(t)
		r := openRecords(t, c)
		r.declared("INC-0001")
		if _, err := r.db.Capture(t.Context(), said()); err != nil {
			t.Fatal(err)
		}
		if n, err := r.Sign(t.Context(), ""); n != 2 || err != nil {
			t.Fatal(n, err)
		}
		raw, err := sql.Open("sqlite", c.Database)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := raw.ExecContext(t.Context(), attack); err != nil {
			t.Fatal(err)
		}
		_ = raw.Close()
		_, found := r.exported("INC-0001")
		var all []string
		for _, p := range found.Problems {
			all = append(all, p.What)
		}
		if text := strings.Join(all, "\n"); found.OK() || !strings.Contains(text, says) {
			t.Errorf("%s: %q", attack, text)
		}
	}
}
