package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/agent"
	"github.com/tocsin-ir/tocsin/sensor/detect/baseline"
	"github.com/tocsin-ir/tocsin/sensor/event"
)

// execs is a sink that keeps the programs that were started in containers, by path.
type execs struct {
	mu   sync.Mutex // guards what follows
	seen map[string]event.Event
}

func (x *execs) Take(_ context.Context, _ agent.Lane, batch []event.Event) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, e := range batch {
		if e.Kind == event.Exec && e.Container.ID != "" {
			x.seen[e.Container.ID+" "+filepath.Base(e.Process.Exe)] = e
		}
	}
	return nil
}

// container is a cgroup and what Docker keeps on the disk; run starts a program in it, and returns the event.
func container(t *testing.T, x *execs, disk, id, image string) (run func(program string) *event.Event) {
	t.Helper()
	slice := "/sys/fs/cgroup/tocsin-image-test.slice"
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err != nil {
		slice = "/sys/fs/cgroup/memory/tocsin-image-test.slice"
	}
	scope, state := filepath.Join(slice, "docker-"+id+".scope"), filepath.Join(disk, "var/lib/docker/containers", id)
	err := os.MkdirAll(scope, 0o755)
	need(t, err == nil, "no cgroup can be made here")
	t.Cleanup(func() { _ = errors.Join(os.Remove(scope), os.Remove(slice)) })
	if err := errors.Join(os.MkdirAll(state, 0o700),
		os.WriteFile(filepath.Join(state, "config.v2.json"), []byte(`{"Name":"/c","Config":{"Image":"`+image+`"}}`), 0o600)); err != nil {
		t.Fatal(err)
	}
	return func(program string) *event.Event {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), "sh", "-c", "echo $$ > "+scope+"/cgroup.procs && exec "+program).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		var e event.Event
		comesTrue(t, "the program is seen", func() bool {
			x.mu.Lock()
			defer x.mu.Unlock()
			var ok bool
			e, ok = x.seen[id+" "+filepath.Base(program)]
			return ok
		})
		return &e
	}
}

// What is learned of one container holds for the next of that image, whatever its version, and not
// for one of another image or for the host.
func TestWhatAnImageDoesIsLearnedOfItsContainers(t *testing.T) {
	disk, x := t.TempDir(), &execs{seen: map[string]event.Event{}}
	watch(t, agent.Options{Host: "web-3", Sink: x, Root: disk})
	program := tinyProgram(t)
	first := container(t, x, disk, strings.Repeat("a1", 32), "docker.io/library/nginx:1.27")(program)
	second := container(t, x, disk, strings.Repeat("b2", 32), "nginx@sha256:"+strings.Repeat("ef", 32))(program)
	other := container(t, x, disk, strings.Repeat("c3", 32), "quay.io/shop/nginx:1.27")(program)

	book, err := baseline.New(baseline.Rules{Learn: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	monday := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	later := monday.Add(48 * time.Hour)
	learn := func(e *event.Event, at time.Time) []baseline.Novelty {
		return book.Observe(e, baseline.WhereOf(e, nil), at)
	}
	learn(first, monday)
	quiet := *other
	quiet.Process.Exe, quiet.Parent.Exe = "/usr/sbin/nginx", "/usr/sbin/nginx"
	learn(&quiet, monday) // what is known of the other image is something else
	if news := learn(second, later); len(news) != 0 {
		t.Errorf("a second container of the image: %+v", news)
	}
	if news := learn(other, later); len(news) == 0 || news[0].Scope != (baseline.Scope{Kind: baseline.Image, Name: "quay.io/shop/nginx"}) {
		t.Errorf("a container of another image: %+v", news)
	}
	if !book.Knows(baseline.Scope{Kind: baseline.Image, Name: "nginx"}) || book.Knows(baseline.Scope{Kind: baseline.Host, Name: "web-3"}) {
		t.Error("it was not learned of the image, or of the host")
	}
}
