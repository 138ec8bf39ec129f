package kubernetes

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

func TestConfigProblems(t *testing.T) {
	for name, c := range map[string]struct {
		conf Config
		want int
	}{
		"a server and a token":       {Config{Server: "https://10.0.0.1:6443", Token: "t"}, 0},
		"a server and a token file":  {Config{Server: "https://10.0.0.1:6443", TokenFile: "/run/token"}, 0},
		"nothing: the pod's cluster": {Config{}, 0},
		"no token":                   {Config{Server: "https://10.0.0.1:6443"}, 1},
		"no address":                 {Config{Server: "10.0.0.1:6443", Token: "t"}, 1},
		"a password in the address":  {Config{Server: "https://a:b@10.0.0.1", Token: "t"}, 1},
		"protected nothing":          {Config{Protected: []string{""}}, 1},
		"protected too much":         {Config{Protected: []string{"pod/shop/web"}}, 1},
	} {
		if got := c.conf.Problems(); len(got) != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	if _, err := Actions(Config{}); err == nil {
		t.Error("this is no pod, and nobody noticed")
	}
}

// Tocsin speaks to the API server by TLS, with a token it reads from a file that somebody
// replaces, and to no server whose certificate it cannot check.
func TestTokenFileAndTLS(t *testing.T) {
	w := newWorld(t, specOf("kubernetes.cordon-node"))
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(w.token), 0o600); err != nil {
		t.Fatal(err)
	}
	in := actions.Input{Target: "node-" + w.ns, Key: "k"}
	if _, err := one(t, Config{Server: w.c.base, TokenFile: file, CA: w.c.ca, Cluster: "prod-eu"}).Plan(t.Context(), in); err != nil {
		t.Errorf("%v", err)
	}
	if _, err := one(t, Config{Server: w.c.base, TokenFile: file}).Plan(t.Context(), in); err == nil {
		t.Error("a server nobody vouches for was believed")
	}
	if _, err := one(t, Config{Server: w.c.base, Token: "stale", CA: w.c.ca}).Plan(t.Context(), in); !actions.Final(err) {
		t.Errorf("a token that is not believed: %v", err)
	}
}

// A spent budget is an error that says when to come back, and nothing is asked.
func TestPace(t *testing.T) {
	spent := incident.Later(errors.New("the budget is spent"), 3*time.Second)
	a := one(t, Config{Server: "http://127.0.0.1:1", Token: "t", Pace: func(_ context.Context, limit string, r actions.Rate) error {
		if limit == "" || r.PerMinute <= 0 || r.Burst <= 0 {
			t.Errorf("%q %+v", limit, r)
		}
		return spent
	}})
	_, err := a.Plan(t.Context(), actions.Input{Target: "node", Key: "k"})
	if wait, ok := incident.LaterBy(err); !ok || wait != 3*time.Second {
		t.Errorf("%v", err)
	}
}

func one(t *testing.T, c Config) actions.Action {
	t.Helper()
	all, err := Actions(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.Spec().Name == "kubernetes.cordon-node" {
			return a
		}
	}
	t.Fatal("no such action")
	return nil
}
