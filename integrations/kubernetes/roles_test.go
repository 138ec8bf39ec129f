package kubernetes

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/actions"
)

// roleJSON is the ClusterRole of a list of rights, as the documents have it.
func roleJSON(name string, rights []string) []byte {
	b, err := json.Marshal(obj{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": obj{"name": name}, "rules": rulesOf(rights)})
	if err != nil {
		panic(err)
	}
	return b
}

// policyRule is one rule of a role.
type policyRule struct {
	Groups    []string `json:"apiGroups"`
	Resources []string `json:"resources"`
	Verbs     []string `json:"verbs"`
}

// rulesOf gathers rights by resource, in their order.
func rulesOf(rights []string) []policyRule {
	var out []policyRule
	for _, right := range rights {
		r, err := ruleOf(right)
		if err != nil {
			panic(err)
		}
		res := r.resource
		if r.sub != "" {
			res += "/" + r.sub
		}
		i := slices.IndexFunc(out, func(p policyRule) bool { return p.Groups[0] == r.group && p.Resources[0] == res })
		if i < 0 {
			out = append(out, policyRule{[]string{r.group}, []string{res}, []string{r.verb}})
			continue
		}
		out[i].Verbs = append(out[i].Verbs, r.verb)
	}
	return out
}

// used notes which right a request takes, in the way RBAC reads it off the path:
// https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb
func (w *world) used(r *http.Request) {
	words := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	res := resource{}
	switch {
	case len(words) > 2 && words[0] == "api":
		words = words[2:]
	case len(words) > 3 && words[0] == "apis":
		res.group, words = words[1], words[3:]
	default:
		return
	}
	if words[0] == "namespaces" && len(words) > 2 {
		words = words[2:]
	}
	res.name = words[0]
	verb := map[string]string{"GET": "list", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[r.Method]
	sub := ""
	if len(words) > 1 && r.Method == http.MethodGet {
		verb = "get"
	}
	if len(words) > 2 {
		sub = words[2]
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rights == nil {
		w.rights = map[string]bool{}
	}
	w.rights[res.right(verb, sub)] = true
}

// others are more scenes for actions that meet more kinds of things than one.
var others = map[string][]setUp{
	"kubernetes.quarantine-pod": {
		func(w *world) (string, map[string]string) { w.deployment("web", 1); return w.podsOfApp("web")[0], nil },
		func(w *world) (string, map[string]string) {
			w.workload("statefulsets")
			return w.podsOfApp("many")[0], nil
		},
		func(w *world) (string, map[string]string) {
			w.workload("daemonsets")
			return w.podsOfApp("many")[0], nil
		},
		func(w *world) (string, map[string]string) { w.job(); return w.podsOfApp("once")[0], nil },
		func(w *world) (string, map[string]string) { w.ownedByReplicator(); return "old-1", nil },
	},
	"kubernetes.scale-to-zero": {
		func(w *world) (string, map[string]string) { w.workload("statefulsets"); return "many", nil },
		func(w *world) (string, map[string]string) { w.workload("replicasets"); return "many", nil },
	},
	"kubernetes.pin-image": {
		func(w *world) (string, map[string]string) {
			w.workload("statefulsets")
			return "many", map[string]string{"image": pin}
		},
		func(w *world) (string, map[string]string) {
			w.workload("daemonsets")
			return "many", map[string]string{"image": pin}
		},
	},
	"kubernetes.suspend-cronjob":               {nameAlone("kubernetes.suspend-cronjob")},
	"kubernetes.disable-service-account":       {nameAlone("kubernetes.disable-service-account")},
	"kubernetes.revoke-service-account-tokens": {nameAlone("kubernetes.revoke-service-account-tokens")},
	"kubernetes.delete-token-secrets":          {nameAlone("kubernetes.delete-token-secrets")},
	"kubernetes.capture-evidence":              {nameAlone("kubernetes.capture-evidence")},
	"kubernetes.checkpoint-pod":                {nameAlone("kubernetes.checkpoint-pod")},
	"kubernetes.isolate-node":                  {nameAlone("kubernetes.isolate-node")},
}

// nameAlone is the usual scene, with the target looked up everywhere by its name.
func nameAlone(action string) setUp {
	return func(w *world) (string, map[string]string) {
		target, params := scenes[action](w)
		return target[strings.LastIndexAny(target, "/:")+1:], params
	}
}

// The rights that a Spec lists are enough, for there are no others when the actions prove
// themselves; and none of them is one too many: each is taken by some request.
func TestRightsAreTheLeast(t *testing.T) {
	if testing.Short() {
		t.Skip("several minutes with the race detector; the stories go through the same code")
	}
	start(t)
	for _, s := range Specs() {
		t.Run(strings.TrimPrefix(s.Name, "kubernetes."), func(t *testing.T) {
			t.Parallel()
			took := map[string]bool{rightBind: true, "bind roles.rbac.authorization.k8s.io": true} // TestBindIsNeeded
			for _, scene := range append([]setUp{scenes[s.Name]}, others[s.Name]...) {
				w := newWorld(t, s)
				target, params := scene(w)
				w.life(s.Name, w.only(target), params)
				maps.Copy(took, w.rights)
			}
			for _, right := range s.Rights {
				if !took[right] {
					t.Errorf("nothing it does takes the right %q", right)
				}
			}
			for right := range took {
				if !slices.Contains(s.Rights, right) && !strings.Contains(right, " selfsubject") && !strings.HasPrefix(right, "bind ") {
					t.Errorf("it takes the right %q, which it does not list", right)
				}
			}
		})
	}
}

// only is the target in this world's namespace, where its name alone would fit others'.
func (w *world) only(target string) string {
	if strings.ContainsAny(target, "/:") || strings.Contains(target, w.ns) {
		return target
	}
	// The look-up everywhere is made, and asks which; then it is said.
	return target + "!"
}

// life is an action from its plan to its release.
func (w *world) life(name, target string, params map[string]string) {
	w.t.Helper()
	ctx := w.t.Context()
	a := waiting(w.action(name))
	if everywhere, ok := strings.CutSuffix(target, "!"); ok {
		_, _ = a.Plan(ctx, actions.Input{Target: everywhere, Params: params, Key: "k"})
		target = w.ns + "/" + everywhere
	}
	params, err := a.Spec().Complete(params)
	if err != nil {
		w.t.Fatal(err)
	}
	in := actions.Input{Target: target, Params: params, Key: "k"}
	p, err := a.Plan(ctx, in)
	if err != nil {
		w.t.Fatalf("plan: %v", err)
	}
	if keeps, ok := a.(actions.Preserver); ok {
		e, err := keeps.Preserve(ctx, in)
		if err != nil {
			w.t.Fatalf("preserve: %v", err)
		}
		for _, item := range e.Items {
			f, err := item.Open()
			if err != nil {
				w.t.Fatalf("%s: %v", item.Name, err)
			}
			_ = f.Close()
		}
	}
	r, err := a.Do(ctx, p)
	if err != nil {
		w.t.Fatalf("do: %v", err)
	}
	if _, err := a.Verify(ctx, r); err != nil {
		w.t.Fatalf("verify: %v", err)
	}
	if back, ok := a.(actions.Undoer); ok {
		if _, err := back.Undo(ctx, r); err != nil {
			w.t.Fatalf("undo: %v", err)
		}
	}
	if missing, err := a.(actions.Checker).Check(ctx); err != nil || len(missing) > 0 {
		w.t.Errorf("doctor misses %v, %v", missing, err)
	}
}

// Without the right to bind, the API server lets nobody touch a binding whose role has
// more than they have; Tocsin names that right, and doctor misses it.
func TestBindIsNeeded(t *testing.T) {
	s := specOf("kubernetes.disable-service-account")
	s.Rights = slices.DeleteFunc(slices.Clone(s.Rights), func(r string) bool { return strings.HasPrefix(r, "bind ") })
	w := newWorld(t, s)
	w.account("builder")
	w.bindEverywhere("builder")
	a := w.action(s.Name)
	p, err := a.Plan(t.Context(), actions.Input{Target: w.ns + "/builder", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	var missing *actions.MissingRight
	if _, err := a.Do(t.Context(), p); !errors.As(err, &missing) || !strings.HasPrefix(missing.Right, "bind ") {
		t.Errorf("%v", err)
	}
	if lacks, err := a.(actions.Checker).Check(t.Context()); err != nil || len(lacks) != 2 {
		t.Errorf("doctor misses %v, %v", lacks, err)
	}
}

// A right that RBAC refuses is named as RBAC calls it.
func TestMissingRightIsNamed(t *testing.T) {
	s := specOf("kubernetes.quarantine-pod")
	s.Rights = slices.DeleteFunc(slices.Clone(s.Rights), func(r string) bool { return r == "create networkpolicies.networking.k8s.io" })
	w := newWorld(t, s)
	w.pod("web-1", "app")
	a := w.action(s.Name)
	p, err := a.Plan(t.Context(), actions.Input{Target: w.ns + "/web-1", Params: map[string]string{"node": "keep"}, Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	var missing *actions.MissingRight
	if _, err := a.Do(t.Context(), p); !errors.As(err, &missing) || missing.Right != "create networkpolicies.networking.k8s.io" {
		t.Errorf("%v", err)
	}
	if w.see(w.core("pods/web-1")).text("metadata", "labels", "app") != "web" {
		t.Error("the pod lost its labels although its policy could not be made")
	}
}
