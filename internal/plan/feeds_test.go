package plan_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tocsin-ir/tocsin/internal/plan"
)

const feedsHead = "default_type: other\ndefault_severity: P3\npagerduty: {keys: [security]}\nsignals:\n  feeds:\n"

func TestFeedsAreInThePlan(t *testing.T) {
	t.Parallel()
	m := files(t)
	m["settings.yaml"] = &fstest.MapFile{Data: []byte(feedsHead +
		"    - {name: shared, kind: taxii, url: \"https://taxii.example/api1/\", collection: c1, every: 10m, expires: 7d, confidence: 80, tlp: amber+strict, token: shared, user: tocsin, internal: yes}\n" +
		"    - {name: ours, kind: list, url: feeds/ours.txt, below: yes}\n" +
		"  ours: [198.51.100.0/24, 2001:db8::1, Example.com]\n")}
	p, err := plan.Load(m)
	if err != nil {
		t.Fatal(err)
	}
	s := p.Settings().Signals
	want := plan.Feed{Name: "shared", Kind: "taxii", URL: "https://taxii.example/api1/", Collection: "c1", Every: 10 * time.Minute, Life: 7 * 24 * time.Hour, Confidence: 80,
		TLP: "amber+strict", Token: "shared", User: "tocsin", Internal: true, Source: "settings.yaml:6"}
	if len(s.Feeds) != 2 || s.Feeds[0] != want {
		t.Fatalf("%+v", s.Feeds)
	}
	if f := s.Feeds[1]; f.File != "feeds/ours.txt" || f.URL != "" || f.Every != time.Hour || f.Life != 30*24*time.Hour || f.Confidence != 50 || !f.Below || f.Internal {
		t.Fatalf("unless said: %+v", f)
	}
	if len(s.Ours.Networks) != 2 || len(s.Ours.Names) != 1 || s.Ours.Names[0] != "example.com" {
		t.Fatalf("%+v", s.Ours)
	}
}

func TestAFeedThatCannotBeMeantIsAProblemOfItsLine(t *testing.T) {
	t.Parallel()
	m := files(t)
	for text, want := range map[string]string{
		"{kind: list, url: a.txt}":                                                   `the key "name" is missing`,
		"{name: Ours, kind: list, url: a.txt}":                                       `"Ours" is no name of a feed`,
		"{name: people, kind: list, url: a.txt}":                                     "what people added",
		"{name: a, kind: lsit, url: a.txt}":                                          `did you mean "list"?`,
		"{name: a, kind: list}":                                                      `the key "url" is missing`,
		`{name: a, kind: list, url: "http://x.example/a"}`:                           "by https only",
		`{name: a, kind: list, url: "file:///etc/passwd"}`:                           "it is no address",
		`{name: a, kind: list, url: ../secret}`:                                      "leads out of the plan's folder",
		`{name: a, kind: list, url: /etc/passwd}`:                                    "leads out of the plan's folder",
		`{name: a, kind: list, url: people.yaml}`:                                    "the plan's own",
		`{name: a, kind: list, url: "https://u:p@x.example/a"}`:                      "no secret stands in a plan",
		`{name: a, kind: taxii, url: "https://x.example/a"}`:                         `the key "collection" is missing`,
		`{name: a, kind: taxii, url: a.json, collection: c}`:                         "TAXII is spoken with a server",
		`{name: a, kind: taxii, url: "https://x.example/a", collection: ../x}`:       `"../x" is no collection`,
		`{name: a, kind: csv, url: a.csv, collection: c}`:                            "only TAXII has collections",
		`{name: a, kind: csv, url: a.csv, every: 1m}`:                                "every 5m0s at the most",
		`{name: a, kind: csv, url: a.csv, every: 1d, expires: 1d}`:                   "would expire before it is read again",
		`{name: a, kind: csv, url: a.csv, confidence: 101}`:                          "a number from 0 to 100",
		`{name: a, kind: csv, url: a.csv, tlp: purple}`:                              `"purple" is no TLP label`,
		`{name: a, kind: csv, url: a.csv, user: u}`:                                  "a user needs a password",
		`{name: a, kind: csv, url: a.csv, header: Auth-Key}`:                         "none is named",
		`{name: a, kind: csv, url: a.csv, token: "a b"}`:                             "cannot be a name here",
		`{name: a, kind: csv, url: a.csv, secret: x}`:                                `unknown key "secret"`,
		"{name: a, kind: csv, url: a.csv}\n    - {name: a, kind: csv, url: b.csv}":   `the feed "a" is here twice`,
		"{name: a, kind: csv, url: a.csv}\n  ours: [nothing]":                        `"nothing" is neither address nor name`,
		`{name: a, kind: csv, url: a.csv, token: t, user: u, header: Authorization}`: "a password is sent as Authorization",
	} {
		m["settings.yaml"] = &fstest.MapFile{Data: []byte(feedsHead + "    - " + text + "\n")}
		if _, err := plan.Load(m); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "settings.yaml:") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
