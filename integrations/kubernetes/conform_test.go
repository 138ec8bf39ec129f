package kubernetes

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/actiontest"
)

func decode(t testing.TB, b []byte) obj {
	t.Helper()
	var o obj
	if err := json.Unmarshal(b, &o); err != nil {
		t.Fatalf("%v in %.200s", err, b)
	}
	return o
}

func specOf(name string) actions.Spec {
	for _, s := range Specs() {
		if s.Name == name {
			return s
		}
	}
	panic("no " + name)
}

// patient asks Verify again for as long as the proof says that is worth it, as the engine
// does: controllers take their time. It gives up after ten seconds.
type patient struct{ actions.Action }

func (p patient) Verify(ctx context.Context, r actions.Receipt) (actions.Proof, error) {
	for end := time.Now().Add(10 * time.Second); ; {
		proof, err := p.Action.Verify(ctx, r)
		if err != nil || proof.Again == 0 || time.Now().After(end) {
			return proof, err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (p patient) Check(ctx context.Context) ([]string, error) {
	return p.Action.(actions.Checker).Check(ctx)
}

type patientUndoer struct{ patient }

func (p patientUndoer) Undo(ctx context.Context, r actions.Receipt) (actions.Receipt, error) {
	return p.Action.(actions.Undoer).Undo(ctx, r)
}

type (
	patientPreserver struct{ patient }
	patientBoth      struct{ patientUndoer }
)

func (p patientPreserver) Preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	return p.Action.(actions.Preserver).Preserve(ctx, in)
}

func (p patientBoth) Preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	return p.Action.(actions.Preserver).Preserve(ctx, in)
}

func waiting(a actions.Action) actions.Action {
	_, undoes := a.(actions.Undoer)
	_, keeps := a.(actions.Preserver)
	switch {
	case undoes && keeps:
		return patientBoth{patientUndoer{patient{a}}}
	case undoes:
		return patientUndoer{patient{a}}
	case keeps:
		return patientPreserver{patient{a}}
	}
	return patient{a}
}

// setUp makes what an action is about, and says what it is called.
type setUp func(w *world) (target string, params map[string]string)

// scenes are the worlds in which the actions have to prove themselves, one each.
var scenes = map[string]setUp{
	"kubernetes.quarantine-pod": func(w *world) (string, map[string]string) {
		w.service()
		w.pod("web-1", "app", "crashy")
		w.counted = []string{w.core("pods/web-1"), w.apis("networking.k8s.io/v1", "networkpolicies"), "/api/v1/nodes/node-" + w.ns}
		w.disturb = func() { w.change(w.core("pods/web-1"), obj{"metadata": obj{"labels": obj{"touched-by": "bob"}}}) }
		return w.ns + "/web-1", map[string]string{"node": "cordon"}
	},
	"kubernetes.capture-evidence": func(w *world) (string, map[string]string) {
		w.pod("web-1", "app", "crashy")
		w.counted = []string{w.core("pods/web-1")}
		w.disturb = func() {
			w.change(w.core("pods/web-1"), obj{"metadata": obj{"annotations": obj{"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"}}})
		}
		return w.ns + "/web-1", nil
	},
	"kubernetes.checkpoint-pod": func(w *world) (string, map[string]string) {
		w.pod("web-1", "app", "sidecar")
		w.counted = []string{w.core("pods/web-1")}
		w.disturb = func() { w.again(w.core("pods/web-1")) }
		return w.ns + "/web-1", nil
	},
	"kubernetes.cordon-node": func(w *world) (string, map[string]string) {
		w.counted = []string{"/api/v1/nodes/node-" + w.ns}
		w.disturb = w.nodeAgain
		return "node-" + w.ns, nil
	},
	"kubernetes.isolate-node": func(w *world) (string, map[string]string) {
		w.pod("web-1", "app")
		w.counted = []string{"/api/v1/nodes/node-" + w.ns}
		w.disturb = w.nodeAgain
		return "node-" + w.ns, nil
	},
	"kubernetes.disable-service-account": func(w *world) (string, map[string]string) {
		w.account("builder")
		w.counted = []string{w.core("serviceaccounts/builder"), w.apis("rbac.authorization.k8s.io/v1", "rolebindings"), w.bindEverywhere("builder")}
		w.disturb = func() { w.bind("since", "builder") }
		return w.ns + "/builder", nil
	},
	"kubernetes.revoke-service-account-tokens": func(w *world) (string, map[string]string) {
		w.account("builder")
		w.counted = []string{w.core("serviceaccounts/builder")}
		w.disturb = func() { w.change(w.core("serviceaccounts/builder"), obj{"automountServiceAccountToken": false}) }
		return w.ns + "/builder", nil
	},
	"kubernetes.delete-token-secrets": func(w *world) (string, map[string]string) {
		w.account("builder")
		w.storedToken("builder-token", "builder")
		w.counted = []string{w.core("secrets")}
		w.disturb = func() { w.storedToken("another", "builder") }
		return "system:serviceaccount:" + w.ns + ":builder", nil
	},
	"kubernetes.suspend-cronjob": func(w *world) (string, map[string]string) {
		w.make(w.apis("batch/v1", "cronjobs"), obj{"metadata": obj{"name": "export"}, "spec": obj{"schedule": "0 0 1 1 *",
			"jobTemplate": obj{"spec": obj{"template": obj{"spec": obj{"restartPolicy": "Never", "containers": []obj{{"name": "app", "image": "registry.test/export:1"}}}}}}}})
		w.counted = []string{w.apis("batch/v1", "cronjobs/export")}
		w.disturb = func() { w.again(w.apis("batch/v1", "cronjobs/export")) }
		return w.ns + "/export", nil
	},
	"kubernetes.scale-to-zero": func(w *world) (string, map[string]string) {
		w.deployment("web", 2)
		w.counted = []string{w.apis("apps/v1", "deployments/web")}
		w.disturb = func() { w.change(w.apis("apps/v1", "deployments/web"), obj{"spec": obj{"replicas": 5}}) }
		return "deployment/" + w.ns + "/web", nil
	},
	"kubernetes.pin-image": func(w *world) (string, map[string]string) {
		w.deployment("web", 2)
		w.counted = []string{w.apis("apps/v1", "deployments/web")}
		w.disturb = func() { w.image("registry.test/web:bob") }
		return w.ns + "/web", map[string]string{"image": pin}
	},
}

const pin = "registry.test/web@sha256:4f1c0de04f1c0de04f1c0de04f1c0de04f1c0de04f1c0de04f1c0de04f1c0de0"

func (w *world) image(name string) {
	d := w.see(w.apis("apps/v1", "deployments/web"))
	cs := d.list("spec", "template", "spec", "containers")
	cs[0]["image"] = name
	w.change(w.apis("apps/v1", "deployments/web"), obj{"spec": obj{"template": obj{"spec": obj{"containers": cs}}}})
}

func (w *world) nodeAgain() {
	w.c.must(w.t, http.MethodDelete, "/api/v1/nodes/node-"+w.ns, nil)
	w.makeNode()
}

// Every action keeps the contract, before a real API server and with no more rights than
// its Spec lists.
func TestConform(t *testing.T) {
	if testing.Short() {
		t.Skip("several minutes with the race detector; the stories go through the same code")
	}
	start(t)
	unproven := map[string]bool{"kubernetes.quarantine-pod": true, "kubernetes.capture-evidence": true, "kubernetes.checkpoint-pod": true}
	for _, s := range Specs() {
		scene, ok := scenes[s.Name]
		if !ok {
			t.Errorf("%s proves itself nowhere", s.Name)
			continue
		}
		t.Run(strings.TrimPrefix(s.Name, "kubernetes."), func(t *testing.T) {
			t.Parallel() // most of it is waiting for controllers
			actiontest.Conform(t, actiontest.Case{
				Name:     s.Name,
				Unknown:  "no-such-namespace/no-such-thing",
				Unproven: unproven[s.Name],
				Make: func(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
					w := newWorld(t, s)
					target, params := scene(w)
					w.Changes()
					return waiting(w.action(s.Name)), w, actions.Input{Target: target, Params: params}
				},
			})
		})
	}
}
