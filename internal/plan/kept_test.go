package plan_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/templates"
)

func names(t *testing.T) []string {
	t.Helper()
	var out []string
	err := fs.WalkDir(templates.DefaultPlan(), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func text(t *testing.T, name string) []byte {
	t.Helper()
	b, err := fs.ReadFile(templates.DefaultPlan(), name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestADigestNamesExactlyTheseFiles(t *testing.T) {
	t.Parallel()
	a, b, demo := load(t, false), load(t, false), load(t, true)
	if a.Digest() != b.Digest() || !strings.HasPrefix(a.Digest(), "sha256:") || len(a.Digest()) != 7+64 {
		t.Errorf("%s, %s", a.Digest(), b.Digest())
	}
	if a.Digest() == demo.Digest() {
		t.Error("the demo's plan has the default's digest")
	}
	m := files(t)
	m["assets.yaml"].Data = append(m["assets.yaml"].Data, '\n')
	c, err := plan.Load(m)
	if err != nil || c.Digest() == a.Digest() {
		t.Errorf("one byte more: %v", err)
	}
}

func TestAPlanComesBackFromItsFiles(t *testing.T) {
	t.Parallel()
	p := load(t, true)
	again, err := plan.Parse(p.Files())
	if err != nil {
		t.Fatal(err)
	}
	if again.Digest() != p.Digest() || !bytes.Equal(again.Files(), p.Files()) {
		t.Error("another plan came back")
	}
	for n, b := range [][]byte{nil, []byte("x"), p.Files()[:200], append(bytes.Clone(p.Files()), 'x'), bytes.Replace(p.Files(), []byte("ladders.yaml"), []byte("../../x.yaml"), 1)} {
		if _, err := plan.Parse(b); err == nil {
			t.Errorf("%d: rubbish was read as a plan", n)
		}
	}
}

// shelf is a keeper in memory.
type shelf struct {
	kept map[string][]byte
	down error
}

func (s *shelf) SavePlan(_ context.Context, digest string, files []byte) error {
	if s.down == nil {
		s.kept[digest] = files
	}
	return s.down
}

func (s *shelf) Plan(_ context.Context, digest string) ([]byte, bool, error) {
	files, ok := s.kept[digest]
	return files, ok, s.down
}

func TestABrokenPlanLeavesTheGoodOneInForce(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	folder, keeper := files(t), &shelf{kept: map[string][]byte{}}
	c, err := plan.NewCurrent(ctx, folder, keeper)
	if err != nil {
		t.Fatal(err)
	}
	first := c.Now()

	good := folder["rights.yaml"]
	folder["rights.yaml"] = &fstest.MapFile{Data: []byte("rights: {declar: [anyone]}")}
	var broken *plan.Broken
	if err := c.Reload(ctx); !errors.As(err, &broken) || len(broken.Problems) != 1 || broken.Problems[0].Line != 1 {
		t.Fatalf("reload: %v", err)
	}
	if c.Now() != first {
		t.Error("the good plan is gone")
	}

	folder["rights.yaml"] = &fstest.MapFile{Data: append([]byte("# changed\n"), good.Data...)}
	keeper.down = errors.New("disk full")
	if err := c.Reload(ctx); err == nil || c.Now() != first {
		t.Errorf("a plan that is not kept came into force: %v", err)
	}
	keeper.down = nil
	if err := c.Reload(ctx); err != nil || c.Now().Digest() == first.Digest() {
		t.Errorf("the mended plan is not in force: %v", err)
	}

	// After a restart the incident still follows the plan it began with.
	restarted, err := plan.NewCurrent(ctx, folder, keeper)
	if err != nil {
		t.Fatal(err)
	}
	old, ok, err := restarted.ByDigest(ctx, first.Digest())
	if err != nil || !ok || old.Digest() != first.Digest() {
		t.Errorf("the first plan: %v %v", ok, err)
	}
	if _, ok, err := restarted.ByDigest(ctx, "sha256:none"); ok || err != nil {
		t.Errorf("a plan nobody kept: %v %v", ok, err)
	}
	keeper.kept["sha256:forged"] = first.Files()
	if _, _, err := restarted.ByDigest(ctx, "sha256:forged"); err == nil {
		t.Error("a plan under a false digest was believed")
	}
}

func TestThereIsNoStartWithoutAPlan(t *testing.T) {
	t.Parallel()
	if _, err := plan.NewCurrent(t.Context(), fstest.MapFS{}, &shelf{kept: map[string][]byte{}}); err == nil {
		t.Error("an empty folder is a plan")
	}
}

// Whatever stands in one file, Load answers, and a plan it accepts can be kept,
// restored and asked.
func FuzzLoad(f *testing.F) {
	all := []string{"people.yaml", "roles.yaml", "severities.yaml", "ladders.yaml", "rights.yaml", "settings.yaml", "assets.yaml", "types/other.yaml"}
	for n, name := range all {
		b, err := fs.ReadFile(templates.DemoPlan(), name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(n), b)
	}
	f.Add(uint8(3), []byte("ladders:\n  - {name: a, then: a, rungs: [{name: b, people: [alice], wait: 5m}]}\n"))
	f.Add(uint8(2), []byte("a: &a [*a]\n<<: *a\n? {b: c}\n: |\n  x\n--- !t x"))
	f.Fuzz(func(t *testing.T, which uint8, text []byte) {
		m := fstest.MapFS{}
		err := fs.WalkDir(templates.DemoPlan(), ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := fs.ReadFile(templates.DemoPlan(), path)
			m[path] = &fstest.MapFile{Data: b}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		m[all[int(which)%len(all)]] = &fstest.MapFile{Data: text}
		p, err := plan.Load(m)
		var broken *plan.Broken
		if err != nil {
			if !errors.As(err, &broken) || len(broken.Problems) == 0 {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		again, err := plan.Parse(p.Files())
		if err != nil || again.Digest() != p.Digest() {
			t.Fatalf("kept and restored: %v", err)
		}
		for s := incident.P1; s <= incident.P4; s++ {
			d, ok := p.Deadline(s, incident.ClockResolve, moment)
			if ok && (!d.Due.After(moment) || d.Warn.After(d.Due)) {
				t.Fatalf("%s: %v after %v", s, d, moment)
			}
		}
	})
}
