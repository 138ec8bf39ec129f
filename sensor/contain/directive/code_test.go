package directive

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestReleaseCode(t *testing.T) {
	l := enrolled()
	mint := func(hold string, good time.Duration) string {
		return MintCode(serverK, "acme", "web-3", hold, now.Add(good), [8]byte{byte(len(hold)), byte(good / time.Minute)})
	}
	good := mint("D-1", time.Hour)
	t.Logf("a code is %d characters: %s", len(good), good)
	sloppy := strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(good, "-", " "), "0", "o"))
	if hold, err := l.Spend(sloppy, []string{"D-9", "D-1"}, now); err != nil || hold != "D-1" {
		t.Fatalf("typed by a tired person: %q, %v", hold, err)
	}
	for name, typed := range map[string]string{
		"a second time":       good,
		"for another hold":    mint("D-2", time.Hour),
		"for another host":    MintCode(serverK, "acme", "web-4", "D-1", now.Add(time.Hour), [8]byte{9}),
		"by a stranger":       MintCode(strangeK, "acme", "web-3", "D-1", now.Add(time.Hour), [8]byte{9}),
		"expired":             mint("D-1", 0),
		"good for too long":   mint("D-1", 48*time.Hour),
		"one letter wrong":    "Z" + good[1:],
		"half of it":          good[:len(good)/2],
		"nothing":             "",
		"a whole book":        strings.Repeat("A", 1<<20),
		"something different": "let me out",
	} {
		if hold, err := l.Spend(typed, []string{"D-1"}, now); code(err) != BadCode || hold != "" {
			t.Errorf("%s: %q, %v", name, hold, err)
		}
	}
	// The clock is set back to when it was good: it was used all the same.
	if _, err := l.Spend(mint("D-1", 2*time.Hour), []string{"D-1"}, now); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Spend(good, []string{"D-1"}, now.Add(-time.Hour)); code(err) != BadCode {
		t.Errorf("the clock was set back: %v", err)
	}
}

func TestLimitsFile(t *testing.T) {
	l, err := ParseLimits([]byte(`{"longest_ttl":"2h","kinds":["net.block"],"never_processes":["postgres"],"control":["203.0.113.7:443"],"never_paths":["/srv"]}`))
	if err != nil {
		t.Fatal(err)
	}
	if l.LongestTTL != 2*time.Hour || !l.Spared("/usr/lib/postgresql/bin/postgres") || !l.Spared("/usr/lib/systemd/systemd") || l.Spared("/tmp/systemd") {
		t.Errorf("limits: %+v", l)
	}
	if _, never := l.Untouchable("/srv/data"); !never {
		t.Error("/srv/data may be put away")
	}
	if _, never := l.Untouchable("/srv2"); never {
		t.Error("/srv2 may not be put away")
	}
	for _, bad := range []string{``, `[]`, `{"longest_tll":"2h"}`, `{"longest_ttl":"-1h"}`, `{"longest_ttl":"9000h"}`, `{} {}`,
		`{"kinds":["host.explode"]}`, `{"never_paths":["srv"]}`, `{"control":["example.com:443"]}`, `{"collect_bytes":-1}`} {
		if _, err := ParseLimits([]byte(bad)); err == nil {
			t.Errorf("read %s", bad)
		}
	}
}

func FuzzReleaseCode(f *testing.F) {
	f.Add(MintCode(serverK, "acme", "web-3", "D-1", now.Add(time.Hour), [8]byte{1}))
	f.Fuzz(func(t *testing.T, typed string) {
		if hold, err := enrolled().Spend(typed, []string{"D-1"}, now); err == nil && hold != "D-1" {
			t.Errorf("%q released %q", typed, hold)
		}
	})
}

func FuzzLimits(f *testing.F) {
	f.Add([]byte(`{"longest_ttl":"2h","kinds":["net.block"],"control":["203.0.113.7:443"],"never_addresses":["10.0.0.0/8"]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if l, err := ParseLimits(text); err == nil && (l.LongestTTL <= 0 || l.LongestTTL > LongestTTL) {
			t.Errorf("limits without limit: %v", l.LongestTTL)
		}
	})
}

// The limits that the documents show can be read.
func TestTheLimitsOfTheDocuments(t *testing.T) {
	text, err := os.ReadFile("../../../docs/sensor-containment.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```json\n")
	example, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("there is no example")
	}
	l, err := ParseLimits([]byte(example))
	if err != nil || l.LongestTTL != 48*time.Hour || len(l.Control) != 1 {
		t.Errorf("%+v, %v", l, err)
	}
}
