package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/github"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/templates"
)

// BenchmarkAimPostMortem: the post-mortem of an incident of 50,000 entries, each with
// a text, from the database to the document that goes to GitHub, secrets masked.
func BenchmarkAimPostMortem(b *testing.B) {
	entries := sized(50_000)
	path := filepath.Join(b.TempDir(), "long.db")
	chatter(b, path, entries)
	a, err := New(b.Context(), config.Config{Workspace: benchWorkspace, Database: path, Key: config.NewSecret(fmt.Sprintf("%x", benchKey)), LogLevel: "warn",
		Slack:     config.Slack{URL: "http://127.0.0.1:9/", BotToken: config.NewSecret("xoxb-nobody"), SigningSecret: config.NewSecret("nobody")},
		PagerDuty: config.PagerDuty{URL: "http://127.0.0.1:9/", EventsURL: "http://127.0.0.1:9/"},
		GitHub:    config.GitHub{URL: "http://127.0.0.1:9/", Token: config.NewSecret("nobody")}}, Parts{Plan: templates.DemoPlan()})
	if err != nil {
		b.Fatal(err)
	}
	defer a.Close()
	var took, reading, work time.Duration
	size := 0
	b.ResetTimer()
	for b.Loop() {
		began := time.Now()
		if _, err := a.history(b.Context(), "INC-0001"); err != nil {
			b.Fatal(err)
		}
		reading += time.Since(began)
		began, before := time.Now(), worked(os.Getpid())
		s, err := a.db.Load(b.Context(), "INC-0001")
		if err != nil {
			b.Fatal(err)
		}
		d, err := a.renderPostMortem(b.Context(), incident.Task{Incident: "INC-0001", State: s}, github.Facts{})
		if err != nil {
			b.Fatal(err)
		}
		clean, _ := a.masked(d.Body)
		size = len(clean)
		took, work = took+time.Since(began), work+worked(os.Getpid())-before
	}
	took, reading, work = took/time.Duration(b.N), reading/time.Duration(b.N), work/time.Duration(b.N)
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	b.ReportMetric(took.Seconds(), "s/document")
	measured(b, fmt.Sprintf("post-mortem of %d entries (%d kB)", entries, size>>10), "under 2 s and the vendor's time",
		fmt.Sprintf("%s, of which reading the record %s; %s of one processor; process holds %d MB",
			took.Round(time.Millisecond), reading.Round(time.Millisecond), work.Round(time.Millisecond), mem.Sys>>20))
}

func chatter(b *testing.B, path string, entries int) {
	b.Helper()
	ctx := context.Background()
	db, err := store.Open(ctx, path, benchWorkspace, store.Options{Key: benchKey})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	agreed, err := plan.NewCurrent(ctx, templates.DemoPlan(), keeper{db})
	if err != nil {
		b.Fatal(err)
	}
	if err := oldIncident(ctx, db, agreed.Now(), 1, 20, true); err != nil {
		b.Fatal(err)
	}
	s, err := db.Load(ctx, "INC-0001")
	at := time.Now().Add(-time.Hour)
	for part := 0; err == nil && s.Seq < int64(entries); part++ {
		root := incident.CommandID(fmt.Sprint("chatter-", part))
		c := incident.Change{Before: s, Asked: incident.Asked{ID: root, Root: root, By: incident.Person{ID: "alice"}, Via: incident.ViaSlack, At: at}}
		for seq := s.Seq + 1; seq <= int64(entries) && len(c.Events) < 1000; seq++ {
			at = at.Add(50 * time.Millisecond)
			c.Events = append(c.Events, incident.Recorded{Stream: "INC-0001", Seq: seq, At: at, Occurred: at, By: "alice", Via: incident.ViaSlack, Root: root,
				Event: incident.Noted{Text: incident.Seal(fmt.Sprintf("message %d: the session from 10.0.%d.%d was seen again, and nobody knows why", seq, seq/250%250, seq%250))}})
		}
		s, err = db.Commit(ctx, c)
	}
	if err != nil {
		b.Fatal(err)
	}
}
