package runtimes

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	id      = "4f66ad9a0b2e" + "0123456789abcdef0123456789abcdef0123456789abcdef" + "0123"
	podUID  = "11111111-2222-3333-4444-555555555555"
	k8sTask = "run/containerd/io.containerd.runtime.v2.task/k8s.io/" + id + "/config.json"
	crio    = "run/containers/storage/overlay-containers/" + id + "/userdata/config.json"
	docker  = "var/lib/docker/containers/" + id + "/config.v2.json"
	storage = "var/lib/containers/storage/overlay-containers/"
)

// disk is a host's disk with what a runtime keeps on it.
func disk(t testing.TB, files map[string]string) (*Disk, string) {
	t.Helper()
	need(t, os.Geteuid() == 0, "only root writes what is believed")
	root := t.TempDir()
	for path, text := range files {
		write(t, filepath.Join(root, path), text)
	}
	d, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d, root
}

// need skips what cannot be tried here, or fails it where everything must be there.
func need(t testing.TB, ok bool, why ...any) {
	t.Helper()
	switch {
	case ok:
	case os.Getenv("TOCSIN_TEST_REQUIRE_ALL") == "1":
		t.Fatal(why...)
	default:
		t.Skip(why...)
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func testdata(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// The files in testdata are written by hand after what the source of each runtime writes
// (it is named where they are read), shortened where nothing is looked for.
func TestWhatEachRuntimeKeeps(t *testing.T) {
	pod := Names{Image: "docker.io/library/nginx:1.27", Name: "nginx", Pod: "web-7d4b9c-x2x4q", PodUID: podUID, Namespace: "shop"}
	with := func(n Names, image, name string) Names { n.Image, n.Name = image, name; return n }
	pause := with(pod, "registry.k8s.io/pause:3.10", Sandbox)
	for _, c := range []struct {
		runtime, path, file string
		want                Names
	}{
		{"containerd", k8sTask, "containerd.json", pod},
		{"containerd's sandbox", k8sTask, "containerd-sandbox.json", pause},
		{"k3s and RKE2", "run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/" + id + "/config.json", "containerd.json", pod},
		{"nerdctl", "run/containerd/io.containerd.runtime.v2.task/default/" + id + "/config.json", "nerdctl.json", Names{Name: "web"}},
		{"CRI-O", crio, "crio.json", with(pod, "quay.io/shop/nginx:1.27", "nginx")},
		{"CRI-O's sandbox", crio, "crio-sandbox.json", pause},
		{"Docker", docker, "docker.json", Names{Image: "nginx:1.27", Name: "web"}},
		{"Docker under Kubernetes", docker, "docker-kubernetes.json", with(pod, "nginx@sha256:"+strings.Repeat("ef", 32), "nginx")},
		{"Docker's sandbox", docker, "docker-sandbox.json", pause},
		{"Podman", storage + "containers.json", "podman.json", Names{Image: "docker.io/library/nginx:1.27", Name: "web"}},
		{"Podman with --rm", storage + "volatile-containers.json", "podman.json", Names{Image: "docker.io/library/nginx:1.27", Name: "web"}},
	} {
		t.Run(c.runtime, func(t *testing.T) {
			d, _ := disk(t, map[string]string{c.path: testdata(t, c.file)})
			if got, ok := d.Find(id); !ok || got != c.want {
				t.Errorf("%t\n got %+v\nwant %+v", ok, got, c.want)
			}
			if got, ok := d.Find(strings.Repeat("0", 64)); ok {
				t.Errorf("another container is %+v", got)
			}
		})
	}
}

// An attacker who may write somewhere on the host, or into a pod's description.
func TestWhatIsNotBelieved(t *testing.T) {
	good := testdata(t, "containerd.json")
	for name, harm := range map[string]func(t *testing.T, path string){
		"a link to the file": func(t *testing.T, path string) {
			write(t, path+".real", good)
			if err := os.Symlink(path+".real", path); err != nil {
				t.Fatal(err)
			}
		},
		"a FIFO": func(t *testing.T, path string) {
			if err := unix.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"a folder": func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		},
		"somebody else's": func(t *testing.T, path string) {
			write(t, path, good)
			if err := os.Chown(path, 65534, 0); err != nil {
				t.Fatal(err)
			}
		},
		"too large":    func(t *testing.T, path string) { write(t, path, good+strings.Repeat(" ", 1<<20)) },
		"empty":        func(t *testing.T, path string) { write(t, path, "") },
		"half written": func(t *testing.T, path string) { write(t, path, good[:len(good)/2]) },
		"deep": func(t *testing.T, path string) {
			write(t, path, `{"x":`+strings.Repeat("[", 500_000)+`,"annotations":{"io.kubernetes.cri.image-name":"x"}}`)
		},
		"annotations of another type": func(t *testing.T, path string) {
			write(t, path, `{"annotations":["io.kubernetes.cri.image-name","x"]}`)
		},
		"texts of another type":   func(t *testing.T, path string) { write(t, path, `{"annotations":{"io.kubernetes.cri.image-name":7}}`) },
		"another runtime's words": func(t *testing.T, path string) { write(t, path, testdata(t, "crio.json")) },
		"nothing but a list":      func(t *testing.T, path string) { write(t, path, "[]") },
	} {
		t.Run(name, func(t *testing.T) {
			d, root := disk(t, nil)
			path := filepath.Join(root, k8sTask)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			harm(t, path)
			began := time.Now()
			if got, ok := d.Find(id); ok || got != (Names{}) {
				t.Errorf("%+v", got)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestOnlyIDsGetIntoAPath(t *testing.T) {
	d, root := disk(t, nil)
	for _, name := range []string{"", "..", "../../../../etc", strings.Repeat("A", 64), strings.Repeat("g", 64), id[:63], id + "0", id[:61] + "/..", strings.Repeat("../", 21) + "x"} {
		if filepath.IsLocal(name) {
			write(t, filepath.Join(root, "var/lib/docker/containers", name, "config.v2.json"), testdata(t, "docker.json"))
		}
		if got, ok := d.Find(name); ok {
			t.Errorf("%q is %+v", name, got)
		}
	}
}

// Docker's folder is often on another disk; a link there leads to the host's place, not to one
// of the same name in the sensor's own container.
func TestLinksOnTheWayStayInTheRoot(t *testing.T) {
	d, root := disk(t, map[string]string{"data/docker/containers/" + id + "/config.v2.json": testdata(t, "docker.json")})
	if err := os.MkdirAll(filepath.Join(root, "var/lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/data/docker", filepath.Join(root, "var/lib/docker")); err != nil {
		t.Fatal(err)
	}
	if got, ok := d.Find(id); !ok || got.Name != "web" {
		t.Errorf("%t %+v", ok, got)
	}
}

// What somebody chose to mislead whoever reads it is one short line.
func TestWordsAreTamed(t *testing.T) {
	long := strings.Repeat("ä", 300)
	d, _ := disk(t, map[string]string{docker: `{"Name":"/web\u001b[2J\n\u202e\u2028","Config":{"Image":"` + long + `\u0000"}}`})
	got, ok := d.Find(id)
	if !ok || got.Name != "web[2J" || got.Image != strings.Repeat("ä", 128) {
		t.Errorf("%q, %d bytes of image", got.Name, len(got.Image))
	}
	for in, want := range map[string]string{"a\xff\xfeb": "ab", " x ": "x", strings.Repeat("a", 255) + "ä": strings.Repeat("a", 255)} {
		if got := tame(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
}

func TestNoDiskKnowsNothing(t *testing.T) {
	var d *Disk
	if _, ok := d.Find(id); ok || d.Close() != nil {
		t.Error("it knew something")
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a root that is not there was opened")
	}
	if r := Root(); r != "/" && r != "/proc/1/root" {
		t.Error(r)
	}
}

// Whatever stands in the files, what comes out is short, in one line, and comes back soon.
func FuzzForms(f *testing.F) {
	for _, name := range []string{"containerd.json", "crio-sandbox.json", "docker-kubernetes.json", "podman.json", "nerdctl.json"} {
		f.Add([]byte(testdata(f, name)))
	}
	f.Add([]byte(`[{"id":"` + id + `","metadata":"{\"image-name\":[]}","names":[null]}]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, read := range []func([]byte, string) (Names, bool){ofContainerd, ofCRIO, ofDocker, ofStorage} {
			n, ok := read(b, id)
			for _, s := range []string{n.Image, n.Name, n.Pod, n.PodUID, n.Namespace} {
				if len(s) > mostText || tame(s) != s || !ok && s != "" && n.Image+n.Name+n.Pod != "" {
					t.Errorf("%q", s)
				}
			}
		}
	})
}

// A storage of ten thousand containers is the most that somebody waits for.
func BenchmarkFind(b *testing.B) {
	two := strings.Trim(testdata(b, "podman.json"), "[]\n")
	many := "[" + strings.Repeat(strings.ReplaceAll(two, id, strings.Repeat("1", 64))+",", 5000) + two + "]"
	for name, files := range map[string]map[string]string{
		"containerd": {k8sTask: testdata(b, "containerd.json")}, "docker": {docker: testdata(b, "docker.json")},
		"nobody": {}, "podman": {storage + "containers.json": testdata(b, "podman.json")}, "podman, 10,000": {storage + "containers.json": many},
	} {
		b.Run(name, func(b *testing.B) {
			d, _ := disk(b, files)
			for b.Loop() {
				_, _ = d.Find(id)
			}
		})
	}
}
