package app

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/sensor/detect/intel"
	"github.com/tocsin-ir/tocsin/templates"
)

// What Tocsin lives on is never an indicator, and neither is what the plan calls ours.
func TestWhatTocsinLivesOnIsNeverAnIndicator(t *testing.T) {
	t.Parallel()
	c := config.Config{Fleet: config.Fleet{Listen: "198.51.100.7:8443", Names: []string{"tocsin.example.net", "2001:db8:5::1"}}}
	c.Slack.URL, c.PagerDuty.URL, c.PagerDuty.EventsURL, c.GitHub.URL = "https://slack-gov.com/api/", "https://api.eu.pagerduty.com", "https://events.eu.pagerduty.com", "https://git.example.org/api/v3/"
	g, err := intel.NewGuard(guarded(c, plan.Ours{Networks: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}, Names: []string{"example.com"}}))
	if err != nil {
		t.Fatal(err)
	}
	for value, is := range map[string]intel.Type{"198.51.100.7": intel.IP, "2001:db8:5::1": intel.IP, "203.0.113.0/28": intel.CIDR, "tocsin.example.net": intel.Domain, "slack-gov.com": intel.Domain,
		"api.eu.pagerduty.com": intel.Domain, "events.eu.pagerduty.com": intel.Domain, "git.example.org": intel.Domain, "www.example.com": intel.Domain, "https://git.example.org/x": intel.URL} {
		if g.Judge(intel.Indicator{Type: is, Value: value}) == nil {
			t.Errorf("%s may be an indicator", value)
		}
	}
	if err := g.Judge(intel.Indicator{Type: intel.Domain, Value: "evil.example", Exact: true}); err != nil {
		t.Error(err)
	}
}

// A link in the plan's folder does not lead a feed out of it.
func TestAFeedOfThePlanStaysInItsFolder(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(outside, "secret"), []byte("203.0.113.9\n"), 0o600), os.WriteFile(filepath.Join(dir, "ours.txt"), []byte("203.0.113.9\n"), 0o600),
		os.Symlink(filepath.Join(outside, "secret"), filepath.Join(dir, "link.txt"))); err != nil {
		t.Fatal(err)
	}
	folder, err := feedFolder(config.Config{PlanDir: dir}, Parts{})()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fs.ReadFile(folder, "ours.txt"); err != nil {
		t.Error(err)
	}
	if _, err := fs.ReadFile(folder, "link.txt"); err == nil {
		t.Error("a link leads out of it")
	}
}

// The doctor asks each feed, and says what to do about those that do not answer.
func TestDoctorAsksEachFeed(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.feed.server.Publish("203.0.113.9\n")
	text, err := fs.ReadFile(templates.DemoPlan(), "settings.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m := fstest.MapFS{"feeds/here.txt": &fstest.MapFile{Data: []byte("evil.example\n")}}
	for _, name := range []string{"people.yaml", "roles.yaml", "severities.yaml", "ladders.yaml", "rights.yaml", "assets.yaml"} {
		b, err := fs.ReadFile(templates.DemoPlan(), name)
		if err != nil {
			t.Fatal(err)
		}
		m[name] = &fstest.MapFile{Data: b}
	}
	types, _ := fs.Glob(templates.DemoPlan(), "types/*.yaml")
	for _, name := range types {
		b, _ := fs.ReadFile(templates.DemoPlan(), name)
		m[name] = &fstest.MapFile{Data: b}
	}
	at := w.feed.server.URL
	m["settings.yaml"] = &fstest.MapFile{Data: append(text, []byte("  feeds:\n"+
		"    - {name: good, kind: list, url: \""+at+"\", token: shared, internal: yes}\n"+
		"    - {name: here, kind: list, url: feeds/here.txt}\n"+
		"    - {name: gone, kind: list, url: feeds/gone.txt}\n"+
		"    - {name: closed, kind: list, url: \""+at+"\", internal: yes}\n"+
		"    - {name: inside, kind: list, url: \""+at+"\"}\n"+
		"    - {name: nameless, kind: list, url: \""+at+"\", token: other, internal: yes}\n")...)}
	c := w.c
	c.Fleet.Listen, c.Fleet.Names = "127.0.0.1:0", []string{"127.0.0.1"}
	c.Feeds.Tokens = map[string]config.Secret{"shared": config.NewSecret(w.feed.server.Token)}
	found := Examine(t.Context(), c, Parts{Clock: w.Clock, Plan: m, Trust: w.feed.trust})
	said := map[string]Finding{}
	for _, f := range found {
		if f.Area == "feeds" {
			said[f.What] = f
		}
	}
	for name, want := range map[string]string{"good": "It can be read", "here": "It can be read", "gone": "The file feeds/gone.txt of the plan's folder cannot be opened", "closed": "its token is not accepted", "inside": "an address that is not called",
		"nameless": "TOCSIN_FEED_TOKENS holds nothing named other"} {
		if f := said[name]; !strings.Contains(f.Says, want) || (f.Verdict == Fine) != (f.Fix == "") {
			t.Errorf("%s: %+v", name, f)
		}
	}
}
