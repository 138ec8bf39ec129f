package feeds_test

import (
	"crypto/x509"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tocsin-ir/tocsin/internal/feeds"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/sensor/detect/intel"
	"github.com/tocsin-ir/tocsin/store"
)

var began = time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)

// rig is one replica with the feeds of a plan, on a real database.
type rig struct {
	*feeds.Subscriptions
	t     *testing.T
	db    *store.DB
	trust *x509.CertPool

	now      time.Time
	named    []plan.Feed
	guarded  intel.Guarded
	tokens   map[string]string
	folder   fstest.MapFS
	room     int
	patience time.Duration
	log      strings.Builder
}

func begin(t *testing.T, named ...plan.Feed) *rig {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "t.db"), "test", store.Options{Key: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	r := &rig{t: t, db: db, now: began, named: named, trust: x509.NewCertPool(), room: 5 << 20, patience: 10 * time.Second, tokens: map[string]string{}, folder: fstest.MapFS{}}
	r.open()
	return r
}

// open is a start, or a restart, on the same database.
func (r *rig) open() {
	r.t.Helper()
	s, err := feeds.New(r.t.Context(), r.config())
	if err != nil {
		r.t.Fatal(err)
	}
	r.Subscriptions = s
}

func (r *rig) config() feeds.Config {
	return feeds.Config{Feeds: func() []plan.Feed { return r.named }, Cache: r.db, Room: r.room, Patience: r.patience, Trust: r.trust,
		Guard: func() *intel.Guard {
			g, err := intel.NewGuard(r.guarded)
			if err != nil {
				r.t.Error(err)
			}
			return g
		},
		Folder: func() (fs.FS, error) { return r.folder, nil },
		Token:  func(name string) (string, bool) { v, ok := r.tokens[name]; return v, ok },
		Now:    func() time.Time { return r.now }, Log: slog.New(slog.NewTextHandler(&r.log, nil)),
	}
}

// serve has somebody publish over https.
func (r *rig) serve(h http.HandlerFunc) string {
	s := httptest.NewTLSServer(h)
	r.t.Cleanup(s.Close)
	r.trust.AddCert(s.Certificate())
	return s.URL
}

func (r *rig) after(d time.Duration) *rig { r.now = r.now.Add(d); return r }

func (r *rig) read() feeds.Standing {
	r.t.Helper()
	if err := r.Round(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	all := r.All()
	if len(all) == 0 {
		return feeds.Standing{}
	}
	return all[0]
}

// hosts are the values that hosts are watched for, in order.
func (r *rig) hosts() []string {
	r.t.Helper()
	var out []string
	for in := range r.set().All() {
		out = append(out, in.Value)
	}
	slices.Sort(out)
	return out
}

func (r *rig) set() *intel.Set {
	r.t.Helper()
	var b intel.Builder
	if err := r.Fill(&b); err != nil {
		r.t.Fatal(err)
	}
	return b.Set()
}

func (r *rig) has(want ...string) {
	r.t.Helper()
	slices.Sort(want)
	if got := r.hosts(); !slices.Equal(got, want) {
		r.t.Errorf("hosts are watched for %q, not %q", got, want)
	}
}

func (r *rig) trouble(st feeds.Standing, want string) {
	r.t.Helper()
	if !strings.Contains(st.Trouble, want) || want == "" && st.Trouble != "" {
		r.t.Errorf("the trouble is %q, not %q", st.Trouble, want)
	}
}

func feed(kind, url string) plan.Feed {
	return plan.Feed{Name: "shared", Kind: kind, URL: url, Every: time.Hour, Life: 30 * 24 * time.Hour, Confidence: 60, Internal: true}
}

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }
