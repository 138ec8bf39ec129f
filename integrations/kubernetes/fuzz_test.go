package kubernetes

import (
	"encoding/json"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/labels"
)

// Whatever is typed, what comes of it may stand in a path of the API.
func FuzzName(f *testing.F) {
	for _, s := range []string{"web", "shop/web", "deploy/shop/web", "shop/web@uid", "system:serviceaccount:shop:builder", "../../x", "a//b", "/", "@"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := readName(s)
		if !ok {
			return
		}
		for _, w := range []string{n.name, n.space, n.kind} {
			if w == ".." || w == "." || strings.ContainsAny(w, "/?#%:\\ \n") {
				t.Errorf("%q gives %+v", s, n)
			}
		}
		if n.name == "" {
			t.Errorf("%q has no name", s)
		}
	})
}

// Whatever a kubelet answers, only a path that can be shown is taken from it.
func FuzzArchive(f *testing.F) {
	f.Add([]byte(`{"items":["/var/lib/kubelet/checkpoints/checkpoint-a.tar"]}`))
	f.Add([]byte(`{"items":[]}`))
	f.Add([]byte("{\"items\":[\"a\\nb\"]}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		path, err := archiveOf(b)
		if err == nil && (path == "" || len(path) > maxPath || strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r > '~' })) {
			t.Errorf("%q gives %q", b, path)
		}
	})
}

// A state that is not one of this package is an error, never a panic.
func FuzzState(f *testing.F) {
	f.Add([]byte(`[{"field":"labels","name":"web","value":{}}]`))
	f.Add([]byte(`[{"field":"made up","name":"web","value":null}]`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		parts, err := partsOf(json.RawMessage(b))
		if err != nil {
			return
		}
		for _, p := range parts {
			_ = fields[p.Field].says(p)
		}
	})
}

// Whatever selects a pod by labels it has, lets go of it once they are taken away.
func FuzzLeaving(f *testing.F) {
	f.Add("app=web,tier in (front)", "app", "web", "tier", "front")
	f.Add("app", "app", "", "b", "c")
	f.Add("a!=b,app=web", "app", "web", "a", "c")
	f.Fuzz(func(t *testing.T, selector, k1, v1, k2, v2 string) {
		by, err := labels.Parse(selector)
		if err != nil {
			return
		}
		now := map[string]string{k1: v1, k2: v2}
		s := choosers{services: []chooser{{what: "Service", by: by}}}
		after := s.leaving(now)
		asks := false // for a label to be there
		reqs, _ := by.Requirements()
		for _, r := range reqs {
			asks = asks || !r.Matches(labels.Set{})
		}
		if asks && len(picking(s.services, after)) > 0 {
			t.Errorf("%q picks %v, which was %v", selector, after, now)
		}
		for k, v := range after {
			if now[k] != v {
				t.Errorf("a label was made up: %v of %v", after, now)
			}
		}
	})
}
