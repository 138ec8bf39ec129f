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
	"slices"
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
	{pkg: "actions/actiontest", may: []string{module + "/incident", module + "/actions", "github.com/google/go-cmp/..."},
		why: "the contract is proved by the contract alone"},
	{pkg: "actions/rest", may: []string{module + "/incident", module + "/actions"},
		why: "JSON over HTTP for vendors without an SDK; it knows none of them"},
	{pkg: "actions/declared", may: []string{module + "/incident", module + "/actions/deed", module + "/actions", "github.com/goccy/go-yaml/...", "golang.org/x/net/idna"},
		never: []string{"net/http", "os/exec"},
		why:   "an action written in YAML; how a part is carried out is its kit's business"},
	{pkg: "actions/deed", may: []string{module + "/incident", module + "/actions"},
		why: "the frame of a deed compares states; it knows no vendor"},
	{pkg: "actions/...", may: []string{module + "/incident", "github.com/google/cel-go/..."},
		why: "the containment contract knows no vendor"},
	{pkg: "engine", may: []string{module + "/incident"}, never: []string{"net/http", "database/sql"},
		why: "the loop knows neither database nor vendor"},
	{pkg: "store/coord", may: []string{module + "/incident", "github.com/redis/go-redis/v9/..."},
		why: "Redis stays behind one door"},
	{pkg: "store/storetest", may: []string{module + "/incident", module + "/engine", module + "/store", module + "/migrations", module + "/internal/clock",
		"github.com/google/go-cmp/...", "github.com/jackc/pgx/v5/..."},
		why: "the conformance suite speaks the store's own words"},
	{pkg: "store", may: []string{module + "/incident", module + "/engine", module + "/migrations", "modernc.org/sqlite/...",
		"github.com/jackc/pgx/v5/...", "github.com/pressly/goose/v3/..."},
		why: "memory knows no surface and no vendor"},
	{pkg: "integrations/pagerduty", may: []string{module + "/incident", module + "/actions", "github.com/PagerDuty/go-pagerduty/..."},
		why: "one vendor, one package; none knows another"},
	{pkg: "integrations/github", may: []string{module + "/incident", module + "/actions", module + "/actions/deed", "github.com/google/go-github/v60/...",
		"github.com/bradleyfalzon/ghinstallation/v2/..."},
		why: "one vendor, one package; none knows another"},
	{pkg: "integrations/okta", may: []string{module + "/incident", module + "/actions/...", "github.com/golang-jwt/jwt/v4"},
		why: "one vendor, one package; JSON over HTTP instead of an SDK"},
	{pkg: "integrations/entra", may: []string{module + "/incident", module + "/actions/..."},
		why: "one vendor, one package; JSON over HTTP instead of an SDK"},
	{pkg: "integrations/google", may: []string{module + "/incident", module + "/actions/...", "github.com/golang-jwt/jwt/v4"},
		why: "one vendor, one package; JSON over HTTP instead of an SDK"},
	{pkg: "integrations/slack", may: []string{module + "/incident", module + "/actions/..."},
		why: "it contains Slack accounts by plain HTTP; the product's surface, and slack-go, are bot's alone"},
	{pkg: "integrations/webhook", may: []string{module + "/incident", module + "/actions/..."},
		why: "HTTP calls that a team describes; YAML and templates are actions/declared's"},
	{pkg: "integrations/exec", may: []string{module + "/incident", module + "/actions/..."}, never: []string{"net", "net/http"},
		why: "commands that a team describes; it speaks to no network itself"},
	{pkg: "integrations/nftables", may: []string{module + "/incident", module + "/actions/...", "github.com/google/nftables/...", "golang.org/x/sys/unix"},
		never: []string{"os/exec", "net/http"}, why: "the kernel is asked by netlink; no program is run"},
	{pkg: "integrations/cloudflare", may: []string{module + "/incident", module + "/actions/...", "golang.org/x/net/idna"},
		why: "one vendor, one package; JSON over HTTP instead of an SDK"},
	{pkg: "integrations/vault", may: []string{module + "/incident", module + "/actions/..."},
		why: "one vendor, one package; JSON over HTTP instead of an SDK"},
	{pkg: "integrations/taxii", may: []string{module + "/incident", module + "/actions"},
		why: "it fetches what others share and does not know what an indicator is"},
	{pkg: "integrations/aws", may: []string{module + "/incident", module + "/actions", module + "/actions/rest",
		"github.com/aws/aws-sdk-go-v2/...", "github.com/aws/smithy-go/..."},
		why: "one vendor, one package; the SDK is large, and nothing else may come to need it"},
	{pkg: "integrations/kubernetes", may: []string{module + "/incident", module + "/actions", "k8s.io/client-go/rest", "k8s.io/api/...", "k8s.io/apimachinery/..."},
		why: "one vendor, one package; of its SDK the connection and the types, not the clients for everything"},
	{pkg: "integrations/fleet/fleettest", may: []string{module + "/integrations/fleet"}, why: "a book and a shelf for tests, without a database"},
	{pkg: "integrations/fleet", may: []string{module + "/incident", module + "/actions/...", module + "/sensor/wire/...", module + "/sensor/event",
		module + "/sensor/detect/noise", module + "/sensor/contain/directive", "connectrpc.com/connect/..."},
		why: "the server's side of the sensor link; it signs directives and has no hands"},
	{pkg: "integrations/...", may: []string{module + "/incident", module + "/actions"},
		why: "a new vendor gets a line of its own here, with its one SDK"},
	{pkg: "bot", may: []string{module + "/incident", module + "/templates", module + "/actions", "github.com/slack-go/slack/..."},
		why: "the only package that knows Slack; it sees the engine as two interfaces of its own"},
	{pkg: "sensor/detect/intel", may: []string{module + "/sensor/event", "golang.org/x/net/idna"},
		never: []string{"net", "net/http", "os", "os/exec", "log/slog", "context"},
		why:   "indicators are judged alike on server and agent: no clock, no network, no files"},
	{pkg: "sensor/detect/baseline", may: []string{module + "/sensor/event"}, never: []string{"net", "net/http", "os", "os/exec", "log/slog", "context"},
		why: "what is usual follows from what was seen and nothing else"},
	{pkg: "sensor/detect/noise", never: []string{"net", "net/http", "os", "os/exec", "log/slog", "context"},
		why: "what reaches people is decided by rules that can be replayed"},
	{pkg: "sensor/contain/directive", never: []string{"net", "net/http", "os", "os/exec", "log/slog", "context"},
		why: "what may be ordered is decided without kernel, disk or clock"},
	{pkg: "sensor/contain/...", may: []string{module + "/sensor/...", "github.com/cilium/ebpf/...", "golang.org/x/sys/unix",
		"github.com/vishvananda/netlink/...", "github.com/vishvananda/netns"},
		why: "the hands of the agent touch the kernel and never the server's side"},
	{pkg: "sensor/detect/sigma/...", may: []string{module + "/sensor/event", module + "/sensor/detect/sigma", "github.com/goccy/go-yaml/..."},
		never: []string{"net", "net/http", "os", "os/exec", "database/sql"},
		why:   "rules judge on a host and on the server alike: no network, no disk but the one they are given, no clock"},
	{pkg: "sensor/detect/rules", why: "the rules that come with it: files, and nothing that runs"},
	{pkg: "sensor/bpf", may: []string{module + "/sensor/event", "github.com/cilium/ebpf/...", "golang.org/x/net/dns/dnsmessage", "golang.org/x/sys/unix"},
		why: "the door to the kernel knows the shape of events and nobody who wants them"},
	{pkg: "sensor/probe", may: []string{module + "/sensor/bpf", "github.com/cilium/ebpf/...", "golang.org/x/sys/unix"},
		why: "it asks the kernel, and changes nothing"},
	{pkg: "sensor/runtimes", may: []string{"golang.org/x/sys/unix"}, never: []string{"net", "net/http", "os/exec", "context"},
		why: "it reads what runtimes keep on disk, and can open no socket of theirs"},
	{pkg: "sensor/agent", may: []string{module + "/sensor/bpf", module + "/sensor/event", module + "/sensor/runtimes", "golang.org/x/sys/unix"},
		why: "the pipeline on the host; rules and wire come to it as interfaces"},
	{pkg: "sensor/wire/spool", may: []string{"golang.org/x/sys/unix"}, why: "it keeps bytes until somebody took them, and does not read them"},
	{pkg: "sensor/wire/...", may: []string{module + "/sensor/wire/...", module + "/sensor/event", "connectrpc.com/connect/...", "google.golang.org/protobuf/..."},
		never: []string{"os", "os/exec"}, why: "what is said is the same on both sides, so it needs neither"},
	{pkg: "sensor/memory", may: []string{module + "/sensor/event", module + "/sensor/wire", "golang.org/x/sys/unix"},
		why: "what a host remembers and can be asked; it changes nothing"},
	{pkg: "sensor/link", may: []string{module + "/sensor/...", "connectrpc.com/connect/...", "google.golang.org/protobuf/..."},
		why: "the agent's end of the link"},
	{pkg: "sensor/judge", may: []string{module + "/sensor/agent", module + "/sensor/event", module + "/sensor/detect/..."}, never: []string{"os", "os/exec", "net/http"},
		why: "it hands events to rules and indicators, and reaches for nothing"},
	{pkg: "sensor/emulation", may: []string{module + "/sensor/...", "github.com/cilium/ebpf/...", "github.com/google/nftables/...", "github.com/vishvananda/netlink/...",
		"golang.org/x/sys/unix", "golang.org/x/net/dns/dnsmessage"}, why: "techniques of ATT&CK, for tests; no program carries it"},
	{pkg: "sensor/...", may: []string{module + "/sensor/...", "github.com/cilium/ebpf/...", "connectrpc.com/connect/..."},
		why: "the agent on a host never carries the server's side"},
	{pkg: "internal/sandbox/...", may: []string{module + "/internal/sandbox/...", "github.com/gorilla/websocket", "github.com/yuin/goldmark/...", "github.com/rogpeppe/go-internal/txtar"},
		why: "a sandbox that shared code with the product would share its mistakes"},
	{pkg: "internal/plan", may: []string{module + "/incident", module + "/templates", module + "/sensor/detect/noise", "github.com/google/cel-go/...", "github.com/goccy/go-yaml/...", "github.com/robfig/cron/v3"},
		why: "the plan implements incident.Rules and nothing else"},
	{pkg: "internal/drill/stage", may: []string{module + "/incident", module + "/internal/drill"},
		why: "what a drill does in the sandbox is a story that can be read; others play it"},
	{pkg: "internal/drill", may: []string{module + "/incident", "github.com/goccy/go-yaml/..."},
		why: "a score is a fold over the record: no clock, no vendor, no sandbox"},
	{pkg: "internal/mask", may: []string{"github.com/zricethezav/gitleaks/v8/...", "github.com/rs/zerolog/...", "github.com/spf13/viper/..."},
		why: "finding secrets is a library's business, kept behind one door"},
	{pkg: "internal/screen", may: []string{module + "/incident", module + "/templates"},
		why: "what a terminal shows knows neither the wire nor the database"},
	{pkg: "internal/signals", may: []string{module + "/incident", module + "/engine", module + "/bot", module + "/templates", module + "/internal/plan", module + "/internal/feeds", module + "/integrations/fleet",
		module + "/sensor/wire", module + "/sensor/event", module + "/sensor/detect/..."},
		why: "it stands between the fleet and the rooms, and knows no vendor and no database"},
	{pkg: "internal/feeds", may: []string{module + "/incident", module + "/internal/plan", module + "/integrations/taxii", module + "/actions/rest", module + "/sensor/detect/intel"},
		why: "it reads what others publish, and knows neither hosts nor database"},
	{pkg: "internal/containment", may: []string{module + "/incident", module + "/actions"},
		why: "it carries out and decides nothing; which vendors there are it does not know"},
	{pkg: "internal/api/wire/...", may: []string{module + "/internal/api/wire", "connectrpc.com/connect/...", "google.golang.org/protobuf/..."},
		why: "generated code"},
	{pkg: "internal/api", may: []string{module + "/incident", module + "/internal/screen", module + "/internal/api/wire/...", "connectrpc.com/connect/..."},
		why: "the second way in judges who asks and how much; what is asked it hands on to a house of its own wording"},
	{pkg: "internal/audit", why: "whoever checks the record needs nothing of what wrote it"},
	{pkg: "internal/clock", why: "time depends on nothing"},
	{pkg: "internal/evidence", why: "it keeps bytes and knows nobody"},
	{pkg: "internal/evidence/evidencetest", may: []string{module + "/internal/evidence"}, why: "the promise is proved by the promise alone"},
	{pkg: "internal/evidence/bucket", may: []string{module + "/internal/evidence", "github.com/aws/aws-sdk-go-v2/...", "github.com/aws/smithy-go/..."},
		why: "it keeps sealed bytes in S3 and knows nobody either"},
	{pkg: "internal/evidence/bundle", may: []string{module + "/internal/audit"},
		why: "whoever is handed evidence needs nothing of what kept it"},
	{pkg: "internal/config", why: "configuration is read before anything else exists"},
	{pkg: "internal/deps", why: "this test"},
	{pkg: "internal/browsertest", may: []string{"github.com/chromedp/..."},
		why: "it knows the sandbox's page by what is on the screen"},
	{pkg: "internal/...", may: []string{"..."}, never: []string{module + "/internal/browsertest"}, why: "wiring sees everything, but a browser is for tests"},
	{pkg: "cmd/...", may: []string{"..."}, never: []string{module + "/internal/browsertest"}, why: "programs see everything, but a browser is for tests"},
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
			if slices.Contains(w.never, imp) || !std[imp] && imp != "C" && !allowed(w.may, imp) {
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
