// Package deps keeps the walls of the house: who may import whom. It has nothing but
// this test.
package deps

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const module = "github.com/tocsin-ir/tocsin"

// A wall says what a package may import besides the standard library. The first
// entry whose package matches decides; "/..." takes in everything below.
type wall struct {
	pkg   string
	may   []string
	never []string // standard library too
	why   string
}

var walls = []wall{
	{pkg: "incident", never: []string{"net", "net/http", "database/sql", "os", "os/exec", "log/slog", "context"},
		why: "the rules are pure, so that replay and tests need nothing"},
	{pkg: "migrations", why: "it only embeds SQL"},
	{pkg: "templates", may: []string{module + "/incident", "github.com/go-analyze/charts"},
		why: "what people look at depends on what is true, not on who draws it"},
	{pkg: "actions/...", may: []string{module + "/incident", "github.com/google/cel-go/..."},
		why: "the containment contract knows no vendor"},
	{pkg: "engine", may: []string{module + "/incident"}, never: []string{"net/http", "database/sql"},
		why: "the loop knows neither database nor vendor"},
	{pkg: "store/coord", may: []string{module + "/incident", "github.com/redis/go-redis/v9/..."},
		why: "Redis stays behind one door"},
	{pkg: "store/storetest", may: []string{module + "/incident", module + "/engine", module + "/store", module + "/internal/clock",
		"github.com/google/go-cmp/...", "github.com/jackc/pgx/v5/..."},
		why: "the conformance suite speaks the store's own words"},
	{pkg: "store", may: []string{module + "/incident", module + "/engine", module + "/migrations", "modernc.org/sqlite/...",
		"github.com/jackc/pgx/v5/...", "github.com/pressly/goose/v3/..."},
		why: "memory knows no surface and no vendor"},
	{pkg: "integrations/pagerduty", may: []string{module + "/incident", module + "/actions", "github.com/PagerDuty/go-pagerduty/..."},
		why: "one vendor, one package; none knows another"},
	{pkg: "integrations/github", may: []string{module + "/incident", module + "/actions", "github.com/google/go-github/v60/...",
		"github.com/bradleyfalzon/ghinstallation/v2/..."},
		why: "one vendor, one package; none knows another"},
	{pkg: "integrations/...", may: []string{module + "/incident", module + "/actions"},
		why: "a new vendor gets a line of its own here, with its one SDK"},
	{pkg: "bot", may: []string{module + "/incident", module + "/templates", module + "/actions", "github.com/slack-go/slack/..."},
		why: "the only package that knows Slack; it sees the engine as two interfaces of its own"},
	{pkg: "sensor/...", may: []string{module + "/sensor/...", "github.com/cilium/ebpf/...", "connectrpc.com/connect/..."},
		why: "the agent on a host never carries the server's side"},
	{pkg: "internal/sandbox/...", may: []string{module + "/internal/sandbox/...", "github.com/gorilla/websocket", "github.com/yuin/goldmark/...", "github.com/rogpeppe/go-internal/txtar"},
		why: "a sandbox that shared code with the product would share its mistakes"},
	{pkg: "internal/plan", may: []string{module + "/incident", module + "/templates", "github.com/goccy/go-yaml/...", "github.com/robfig/cron/v3"},
		why: "the plan implements incident.Rules and nothing else"},
	{pkg: "internal/mask", may: []string{"github.com/zricethezav/gitleaks/v8/...", "github.com/rs/zerolog/...", "github.com/spf13/viper/..."},
		why: "finding secrets is a library's business, kept behind one door"},
	{pkg: "internal/audit", why: "whoever checks the record needs nothing of what wrote it"},
	{pkg: "internal/clock", why: "time depends on nothing"},
	{pkg: "internal/config", why: "configuration is read before anything else exists"},
	{pkg: "internal/deps", why: "this test"},
	{pkg: "internal/...", may: []string{"..."}, why: "wiring sees everything"},
	{pkg: "cmd/...", may: []string{"..."}, why: "programs see everything"},
}

type listed struct {
	ImportPath string
	Imports    []string
	Standard   bool
}

// TestWalls lists the packages as they are now. Reading every source file's name and
// time keeps the result out of the test cache: a wall never passes from memory.
func TestWalls(t *testing.T) {
	root := filepath.Join("..", "..")
	uncache(t, root)
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Standard", "-deps", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list packages: %v", err)
	}
	std := map[string]bool{}
	var ours []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Standard {
			std[p.ImportPath] = true
		}
		if strings.HasPrefix(p.ImportPath, module+"/") {
			ours = append(ours, p)
		}
	}
	if len(ours) < 10 {
		t.Fatalf("only %d packages found", len(ours))
	}
	for _, p := range ours {
		check(t, strings.TrimPrefix(p.ImportPath, module+"/"), p.Imports, std)
	}
}

func check(t *testing.T, pkg string, imports []string, std map[string]bool) {
	for _, w := range walls {
		if !matches(w.pkg, pkg) {
			continue
		}
		for _, imp := range imports {
			if std[imp] || imp == "C" {
				for _, no := range w.never {
					if imp == no {
						t.Errorf("%s imports %s: %s", pkg, imp, w.why)
					}
				}
				continue
			}
			if !allowed(w.may, imp) {
				t.Errorf("%s imports %s: %s", pkg, imp, w.why)
			}
		}
		return
	}
	t.Errorf("%s has no wall; give it one, with the reason", pkg)
}

func allowed(may []string, imp string) bool {
	for _, m := range may {
		if matches(m, imp) {
			return true
		}
	}
	return false
}

func matches(pattern, path string) bool {
	if pattern == "..." {
		return true
	}
	if dir, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == dir || strings.HasPrefix(path, dir+"/")
	}
	return pattern == path
}

// topLevel is what the house has at its top; another folder wants an ADR.
var topLevel = map[string]bool{
	"cmd": true, "bot": true, "actions": true, "integrations": true, "sensor": true, "templates": true, "migrations": true,
	"incident": true, "engine": true, "store": true, "internal": true, "docs": true,
}

func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !topLevel[e.Name()] && e.Name() != "bin" {
			t.Errorf("%s/ is not a folder of the house; see docs/ARCHITECTURE.md", e.Name())
		}
	}
}

func uncache(t *testing.T, root string) {
	t.Helper()
	t.Setenv("TOCSIN_WALLS_AT", time.Now().String())
	_ = os.Getenv("TOCSIN_WALLS_AT") // a variable the test reads is part of the cache's key
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
