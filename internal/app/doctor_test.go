package app

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/sandbox"
	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/templates"
)

// ward is a world with Tocsin in it, and the doctor looking at both.
type ward struct {
	*Demo
	c config.Config
	p Parts
}

func newWard(t *testing.T) *ward {
	t.Helper()
	d, err := StartDemo(t.Context(), DemoOptions{Database: filepath.Join(t.TempDir(), "tocsin.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	c := d.config
	c.Slack.SigningSecret = config.NewSecret(strings.Repeat("0a", 16))
	c.PagerDuty.Keys = map[string]config.Secret{}
	for name, key := range d.World.RoutingKeys {
		c.PagerDuty.Keys[name] = config.NewSecret(key)
	}
	// A workspace that is no Enterprise lacks something for good; a test below turns it on.
	c.SlackContain.On = false
	return &ward{d, c, Parts{Clock: d.Clock, Plan: templates.DemoPlan()}}
}

// bad are the findings that are not fine, as "area/what verdict".
func bad(found []Finding) []string {
	var out []string
	for _, f := range found {
		if f.Verdict != Fine {
			out = append(out, f.Area+"/"+f.What+" "+string(f.Verdict))
		}
	}
	return out
}

// What is whole is found whole; the doctor changes nothing in the world.
func TestDoctorFindsNothing(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	found := Examine(t.Context(), w.c, w.p)
	if list := bad(found); len(list) > 0 || !Healthy(found) {
		t.Fatalf("%q in %+v", list, found)
	}
	if n := len(w.World.PagerDuty.Incidents()); n > 0 {
		t.Errorf("the doctor paged: %d", n)
	}
	if n := len(w.World.GitHub.Issues(sandbox.RepoPrivate)); n > 0 {
		t.Errorf("the doctor published: %d", n)
	}
	s, err := w.App().db.List(t.Context(), storeAll)
	if err != nil || len(s) > 0 {
		t.Errorf("the doctor declared: %d %v", len(s), err)
	}
}

// Each thing broken in turn is found, by name, with what to do, and nothing else is
// blamed for it.
func TestDoctorFindsWhatIsBroken(t *testing.T) {
	t.Parallel()
	for _, broken := range []struct {
		name  string
		harm  func(t *testing.T, w *ward)
		found []string
		says  string // somewhere in a finding that is not fine
	}{
		{"the token was revoked", func(_ *testing.T, w *ward) { w.World.Slack.RevokeTokens(true) },
			[]string{"Slack/bot token fail", "Slack/Socket Mode fail", "Slack/announcements fail"}, "token_revoked"},
		{"a scope is missing", func(t *testing.T, w *ward) { w.install(t, "pins:write") },
			[]string{"Slack/scopes fail"}, "Missing: pins:write"},
		{"the app token is none", func(_ *testing.T, w *ward) { w.c.Slack.AppToken = config.NewSecret("xapp-1-wrong-secret-text") },
			[]string{"Slack/Socket Mode fail"}, "connections:write"},
		{"the signing secret is something else", func(_ *testing.T, w *ward) { w.c.Slack.SigningSecret = config.NewSecret("the-verification-token") },
			[]string{"Slack/signing secret fail"}, "32 hex digits"},
		{"sessions in Slack cannot be ended", func(_ *testing.T, w *ward) { w.c.SlackContain.On = true },
			[]string{"containment/slack fail"}, "only an Enterprise organisation has"},
		{"the key of AWS is another's", func(_ *testing.T, w *ward) { w.c.AWS.SecretKey = config.NewSecret("another-secret-text") },
			[]string{"containment/aws fail"}, "valid credentials"},
		{"there is no announcement channel", func(t *testing.T, w *ward) { w.settings(t, `"#incidents"`, `"#nowhere"`) },
			[]string{"Slack/announcements fail"}, "#nowhere"},
		{"the announcement channel is archived", func(t *testing.T, w *ward) {
			if err := w.World.Slack.Archive(t.Context(), "U0ALICE01", "#incidents", false); err != nil {
				t.Fatal(err)
			}
		}, []string{"Slack/announcements fail"}, "archived"},
		{"the From user is nobody", func(_ *testing.T, w *ward) { w.c.PagerDuty.From = "nobody@example.com" },
			[]string{"PagerDuty/From user fail"}, "no user with this e-mail"},
		{"a service has no key", func(_ *testing.T, w *ward) { delete(w.c.PagerDuty.Keys, "security") },
			[]string{"PagerDuty/service security fail"}, "TOCSIN_PAGERDUTY_KEYS"},
		{"PagerDuty refuses the token", func(_ *testing.T, w *ward) { w.c.PagerDuty.Token = config.NewSecret("pd-wrong-secret-text") },
			[]string{"PagerDuty/API token fail"}, "refuses"},
		{"nobody hears PagerDuty", func(_ *testing.T, w *ward) { w.c.PagerDuty.WebhookSecrets = nil },
			[]string{"PagerDuty/webhook secret warn"}, "unheard"},
		{"the repository is public", func(t *testing.T, w *ward) { w.settings(t, "acme/security-incidents", sandbox.RepoPublic) },
			[]string{"GitHub/" + sandbox.RepoPublic + " fail"}, "public"},
		{"the repository is not there", func(t *testing.T, w *ward) { w.settings(t, "acme/security-incidents", "acme/nothing") },
			[]string{"GitHub/acme/nothing fail"}, ""},
		{"GitHub refuses the token", func(_ *testing.T, w *ward) { w.c.GitHub.Token = config.NewSecret("ghp_wrong-secret-text") },
			[]string{"GitHub/acme/security-incidents fail"}, "does not accept"},
		{"the plan is broken", func(t *testing.T, w *ward) { w.settings(t, "default_severity: P3", "default_severity: P9") },
			[]string{"plan/files fail"}, "settings.yaml:"},
		{"the clock is wrong", func(_ *testing.T, w *ward) { w.Clock.Advance(10 * time.Minute) },
			[]string{"clock/against vendors fail"}, "ahead of"},
		{"Slack is down", func(_ *testing.T, w *ward) { w.World.Slack.Faults().Add(fault.Rule{Kind: fault.Down}) },
			[]string{"Slack/bot token fail", "Slack/Socket Mode fail", "Slack/announcements fail"}, ""},
		{"nobody listens where Redis should be", func(_ *testing.T, w *ward) { w.c.Redis = "redis://:hushhush-secret-text@" + nobody(t) },
			[]string{"Redis/ping warn"}, "refused"},
		{"the key can be read by others", func(t *testing.T, w *ward) {
			if err := os.Chmod(w.c.Database+".key", 0o644); err != nil {
				t.Fatal(err)
			}
		}, []string{"key/key file fail"}, "chmod 600"},
		{"the key is lost", func(t *testing.T, w *ward) {
			if err := os.Rename(w.c.Database+".key", w.c.Database+".gone"); err != nil {
				t.Fatal(err)
			}
		}, []string{"database/sealed texts fail", "key/key file fail"}, "Put it back"},
		{"the key is another's", func(_ *testing.T, w *ward) { w.c.Key = config.NewSecret(strings.Repeat("ab", 32)) },
			[]string{"database/sealed texts fail"}, "not the one this database was made with"},
		{"the database is of a newer program", func(t *testing.T, w *ward) {
			w.run(t, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, TRUE)`)
		}, []string{"database/tables fail"}, "newer program"},
		{"the database cannot be made", func(t *testing.T, w *ward) {
			file := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			w.c.Database = filepath.Join(file, "tocsin.db")
		}, []string{"database/database fail", "key/key file fail"}, "not a directory"},
		{"the database cannot be written", func(t *testing.T, w *ward) {
			w.run(t, `CREATE TRIGGER full BEFORE INSERT ON counters BEGIN SELECT RAISE(ABORT, 'disk is full'); END`)
		}, []string{"database/writing fail"}, "disk is full"},
		{"the database is something else", func(t *testing.T, w *ward) {
			w.c.Database = filepath.Join(t.TempDir(), "text")
			if err := os.WriteFile(w.c.Database, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, []string{"database/database fail", "key/key file fail"}, "not a database"},
		{"PostgreSQL cannot be reached", func(t *testing.T, w *ward) {
			w.c.Database, w.c.Key = "postgres://tocsin:hushhush-secret-text@"+nobody(t)+"/tocsin", config.NewSecret(strings.Repeat("5a", 32))
		}, []string{"database/database fail"}, "refused"},
		{"nothing is configured", func(_ *testing.T, w *ward) {
			w.c.Slack.BotToken, w.c.Slack.AppToken, w.c.Slack.SigningSecret = config.Secret{}, config.Secret{}, config.Secret{}
		}, []string{"configuration/settings fail", "configuration/settings fail"}, "TOCSIN_SLACK_BOT_TOKEN"},
	} {
		t.Run(broken.name, func(t *testing.T) {
			t.Parallel()
			w := newWard(t)
			broken.harm(t, w)
			began := time.Now()
			found := Examine(t.Context(), w.c, w.p)
			if took := time.Since(began); took > patience+2*time.Second {
				t.Errorf("it took %s", took)
			}
			list := bad(found)
			if !slices.Equal(list, broken.found) {
				t.Errorf("found %q, want %q", list, broken.found)
			}
			all := ""
			for _, f := range found {
				if f.Verdict != Fine {
					all += f.Says + " " + f.Fix + "\n"
					if f.Fix == "" {
						t.Errorf("no fix for %s %s", f.Area, f.What)
					}
				}
			}
			if !strings.Contains(all, broken.says) {
				t.Errorf("nothing says %q:\n%s", broken.says, all)
			}
			hushed(t, w.c, found)
		})
	}
}

// hushed: whatever went wrong, no secret is in what is said of it.
func hushed(t *testing.T, c config.Config, found []Finding) {
	t.Helper()
	secrets := []string{"secret-text", "hushhush"}
	for _, s := range []config.Secret{c.Slack.BotToken, c.Slack.AppToken, c.Slack.SigningSecret, c.PagerDuty.Token, c.GitHub.Token, c.GitHub.WebhookSecret, c.Key} {
		if s.IsSet() {
			secrets = append(secrets, s.Reveal())
		}
	}
	for _, k := range c.PagerDuty.Keys {
		secrets = append(secrets, k.Reveal())
	}
	for _, f := range found {
		for _, s := range secrets {
			if strings.Contains(f.Says+f.Fix+f.What, s) {
				t.Errorf("%s %s tells a secret: %s %s", f.Area, f.What, f.Says, f.Fix)
			}
		}
	}
}

// A vendor that never answers costs its own check five seconds and no other anything.
func TestDoctorDoesNotWait(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	l, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	w.c.GitHub.URL = "http://" + l.Addr().String() + "/"
	began := time.Now()
	found := Examine(t.Context(), w.c, w.p)
	if took := time.Since(began); took > patience+2*time.Second {
		t.Errorf("it took %s", took)
	}
	if list := bad(found); len(list) != 2 || !strings.HasPrefix(list[0], "GitHub/") || list[1] != "containment/github fail" {
		t.Errorf("found %q", list)
	}
	if !slices.ContainsFunc(found, func(f Finding) bool { return f.Area == "Slack" && f.What == "scopes" && f.Verdict == Fine }) {
		t.Error("Slack was not looked at")
	}
}

// A disk that fills up is said before it is full.
func TestDoctorLooksAtTheDisk(t *testing.T) {
	t.Parallel()
	for left, want := range map[uint64]Verdict{50 << 20: Failed, 500 << 20: Warned, 5 << 30: Fine} {
		d := &doctor{config: config.Config{Database: "tocsin.db"}, clock: clock.Real{}, free: func(string) (uint64, error) { return left, nil }}
		if got := d.disk(t.Context())[0].Verdict; got != want {
			t.Errorf("%d bytes: %s, want %s", left, got, want)
		}
	}
	d := &doctor{config: config.Config{Database: "tocsin.db"}, free: func(string) (uint64, error) { return 0, errors.New("?") }}
	if got := d.disk(t.Context())[0].Verdict; got != Warned {
		t.Error(got)
	}
}

// A check that heeds nothing is left behind.
func TestBoundedLeavesBehind(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	got := bounded(ctx, check{"x", func(context.Context) []Finding { <-over; return nil }})
	if len(got) != 1 || got[0].Verdict != Failed || got[0].Area != "x" {
		t.Errorf("%+v", got)
	}
}

// install puts the app in again, without a scope.
func (w *ward) install(t *testing.T, without string) {
	t.Helper()
	m, err := bot.Manifest(bot.ManifestOptions{Name: "Tocsin", Prefix: "/incident", SocketMode: true})
	if err == nil {
		text := string(m)
		i := strings.Index(text, `"scopes"`)
		head, scopes := text[:i], text[i:]
		scopes = strings.Replace(scopes, `"`+without+`",`, "", 1)
		if len(head)+len(scopes) == len(text) {
			t.Fatalf("the manifest does not ask for %s", without)
		}
		err = w.World.Install([]byte(head + scopes))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// settings changes a word in the plan's settings.yaml.
func (w *ward) settings(t *testing.T, from, to string) {
	t.Helper()
	files := fstest.MapFS{}
	copyInto(t, files, templates.DemoPlan())
	text := string(files["settings.yaml"].Data)
	if !strings.Contains(text, from) {
		t.Fatalf("settings.yaml has no %q", from)
	}
	files["settings.yaml"] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(text, from, to))}
	w.p.Plan = files
}

// run changes the database behind Tocsin's back.
func (w *ward) run(t *testing.T, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+w.c.Database+"?_pragma=busy_timeout(5000)")
	if err == nil {
		_, err = db.ExecContext(t.Context(), statement)
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// nobody is an address where nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func copyInto(t *testing.T, to fstest.MapFS, from fs.FS) {
	t.Helper()
	err := fs.WalkDir(from, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(from, path)
		to[path] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

var storeAll = store.Filter{}
