package agent

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// keep writes what Docker keeps of a container, as far as it is looked at.
func keep(t testing.TB, host, id, name, image string) {
	t.Helper()
	dir := filepath.Join(host, "var/lib/docker/containers", id)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	text := `{"ID":"` + id + `","Name":"/` + name + `","Config":{"Image":"` + image + `","Labels":{}}}`
	if err := os.WriteFile(filepath.Join(dir, "config.v2.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// scope is a cgroup tree on paper with the folder of a container in it.
func scope(t testing.TB, path string) (tree string) {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "only what root made is believed")
	}
	tree = t.TempDir()
	if err := os.MkdirAll(filepath.Join(tree, path), 0o755); err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestAContainerIsCalledByWhatItsRuntimeKeeps(t *testing.T) {
	path, host := "/system.slice/docker-"+id64+".scope", t.TempDir()
	c := newCalled(scope(t, path), host)
	now := time.Now()
	of := containerOf(path)
	c.meet(&of, now)
	if of.Image != "" || c.n.Load() != 0 || len(c.waiting) != 1 {
		t.Fatalf("%+v", of)
	}
	keep(t, host, id64, "web", "nginx:1.27") // a moment later
	c.again(now.Add(99 * time.Millisecond))
	if of.Image != "" {
		t.Error("it did not pause")
	}
	c.again(now.Add(100 * time.Millisecond))
	if of.Image != "nginx:1.27" || of.Name != "web" || of.ID != id64 || c.n.Load() != 1 || len(c.waiting) != 0 {
		t.Errorf("%+v, %d waiting", of, len(c.waiting))
	}
	second := containerOf(path)
	if c.meet(&second, now); second.Image != "nginx:1.27" {
		t.Errorf("not at its first event: %+v", second)
	}
}

// Of a container that no runtime knows nobody is asked for ever.
func TestItGivesUp(t *testing.T) {
	path, host := "/system.slice/docker-"+id64+".scope", t.TempDir()
	c := newCalled(scope(t, path), host)
	now, of := time.Now(), containerOf(path)
	c.meet(&of, now)
	looks := 1
	for s := range 200 * 20 {
		before := 0
		if len(c.waiting) > 0 {
			before = c.waiting[0].tries
		}
		c.again(now.Add(time.Duration(s) * 50 * time.Millisecond))
		if len(c.waiting) == 0 && before > 0 || len(c.waiting) > 0 && c.waiting[0].tries > before {
			looks++
		}
	}
	if looks != 1+len(pauses) || len(c.waiting) != 0 {
		t.Errorf("%d looks, %d waiting", looks, len(c.waiting))
	}
	for range 2 * mostUnnamed {
		c.took = 0
		another := containerOf(path)
		c.meet(&another, now)
	}
	if len(c.waiting) != mostUnnamed {
		t.Errorf("%d wait", len(c.waiting))
	}
}

// A flood of containers takes no more than its share of the reading goroutine.
func TestAFloodOfContainersIsLookedUpLater(t *testing.T) {
	path, host := "/system.slice/docker-"+id64+".scope", t.TempDir()
	c := newCalled(scope(t, path), host)
	keep(t, host, id64, "web", "nginx:1.27")
	now, of := time.Now(), containerOf(path)
	c.second, c.took = now, mostLooking
	c.meet(&of, now.Add(time.Millisecond))
	if of.Image != "" || len(c.waiting) != 1 || c.waiting[0].tries != 0 {
		t.Fatalf("%+v", of)
	}
	c.again(now.Add(time.Second))
	if of.Image != "nginx:1.27" {
		t.Errorf("%+v", of)
	}
}

// Somebody without power who may make cgroups below their own calls one by a container whose
// image is trusted, to be counted as that.
func TestACgroupOfSomebodyElseHasNoName(t *testing.T) {
	const other = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
	host := t.TempDir()
	keep(t, host, id64, "web", "nginx:1.27")
	docker := "/docker-" + id64 + ".scope"
	for name, c := range map[string]struct {
		path, parent string
		uid          int
		mode         os.FileMode
		want         string
	}{
		"root's":                    {"/system.slice" + docker, "/system.slice", 0, 0o755, "nginx:1.27"},
		"deeper in it":              {"/system.slice" + docker + "/init/x", "/system.slice", 0, 0o755, "nginx:1.27"},
		"a folder with an id":       {"/docker/" + id64, "/docker", 0, 0o755, "nginx:1.27"},
		"a user's":                  {"/user.slice/user@1000.service" + docker, "/user.slice/user@1000.service", 1000, 0o755, ""},
		"where anybody may write":   {"/open.slice" + docker, "/open.slice", 0, 0o777, ""},
		"in another container":      {"/system.slice/docker-" + other + ".scope" + docker, "/system.slice", 0, 0o755, ""},
		"that is outside":           {"/../../system.slice" + docker, "", 0, 0, ""},
		"of which nothing is there": {"/gone.slice" + docker, "", 0, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tree := scope(t, "x")
			if c.parent != "" {
				parent := filepath.Join(tree, c.parent)
				if err := os.MkdirAll(filepath.Join(tree, c.path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.Chown(parent, c.uid, c.uid); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(parent, c.mode); err != nil {
					t.Fatal(err)
				}
			}
			called, of := newCalled(tree, host), containerOf(c.path)
			if of.ID != id64 {
				t.Fatalf("%+v", of)
			}
			if called.meet(&of, time.Now()); of.Image != c.want {
				t.Errorf("it is %q", of.Image)
			}
		})
	}
}

// The whole way: a real process in a real cgroup, called as Docker calls it.
func TestTheImageOfAContainer(t *testing.T) {
	w := kernel(t)
	root, _ := cgroupTree()
	const id = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	slice := filepath.Join(root, "tocsin-test.slice")
	cgroup := filepath.Join(slice, "docker-"+id+".scope")
	if err := os.MkdirAll(cgroup, 0o755); err != nil {
		missing(t, "no cgroup can be made here:", err)
	}
	defer func() { _ = os.Remove(cgroup); _ = os.Remove(slice) }()
	keep(t, w.host, id, "web", "docker.io/library/nginx:1.27")
	prog := tiny(t, filepath.Join(t.TempDir(), "tiny"))
	pid := start(t, exec.Command("sh", "-c", "echo $$ > "+cgroup+"/cgroup.procs && exec "+prog))
	e := w.find(t, event.Exec, pid, func(e event.Event) bool { return e.Process.Exe == prog })
	if e.Container.ID != id || e.Container.Image != "docker.io/library/nginx:1.27" || e.Container.Name != "web" || !e.Container.Is("web") {
		t.Errorf("%+v", e.Container)
	}
	if got := e.Container.String(); !strings.HasSuffix(got, "001122334455 web (docker.io/library/nginx:1.27)") {
		t.Error(got)
	}
	x := w.find(t, event.Exit, pid, nil)
	if x.Container.Image != e.Container.Image {
		t.Errorf("it ended in %+v", x.Container)
	}
	if h, err := w.Health(); err != nil || h.Named < 1 || h.Named > h.Containers {
		t.Errorf("%d of %d, %v", h.Named, h.Containers, err)
	}
}

// What an event costs once its container is known: nothing of this is on its way.
func BenchmarkContainerKnown(b *testing.B) {
	path, host := "/system.slice/docker-"+id64+".scope", b.TempDir()
	keep(b, host, id64, "web", "nginx:1.27")
	c := newContainers(scope(b, path), host)
	of := containerOf(path)
	c.called.meet(&of, time.Now())
	c.byID[7] = &of
	b.ReportAllocs()
	for b.Loop() {
		if c.of(7, 1).Image == "" {
			b.Fatal("it has no image")
		}
	}
}

// What an event costs when it is the first of its container.
func BenchmarkContainerMet(b *testing.B) {
	path, host := "/system.slice/docker-"+id64+".scope", b.TempDir()
	keep(b, host, id64, "web", "nginx:1.27")
	c := newCalled(scope(b, path), host)
	b.ReportAllocs()
	for b.Loop() {
		of := containerOf(path)
		c.took = 0
		if c.meet(&of, time.Now()); of.Image == "" {
			b.Fatal("it has no image")
		}
	}
}
