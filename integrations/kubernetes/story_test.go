package kubernetes

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/actions"
)

// done plans and does an action, and waits for what Verify finally says.
func (w *world) done(name, target string, params map[string]string) (actions.Plan, actions.Receipt, actions.Proof) {
	w.t.Helper()
	a := waiting(w.action(name))
	full, err := a.Spec().Complete(params)
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := a.Plan(w.t.Context(), actions.Input{Target: target, Params: full, Key: "INC-0042.C1/3/1"})
	if err != nil {
		w.t.Fatalf("plan: %v", err)
	}
	r, err := a.Do(w.t.Context(), p)
	if err != nil {
		w.t.Fatalf("do: %v", err)
	}
	proof, err := a.Verify(w.t.Context(), r)
	if err != nil {
		w.t.Fatalf("verify: %v", err)
	}
	return p, r, proof
}

func says(list []string, what string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.Contains(s, what) })
}

// sends are the pods that the Service's endpoints name.
func (w *world) sends(service string) []string {
	var out []string
	for _, s := range w.see(w.apis("discovery.k8s.io/v1", "endpointslices?labelSelector=kubernetes.io%2Fservice-name%3D"+service)).list("items") {
		for _, e := range s.list("endpoints") {
			out = append(out, e.text("targetRef", "name"))
		}
	}
	return out
}

// A miner is found in one of two pods. The pod leaves the Service, its Deployment starts
// another, and the pod itself goes on under a policy of its own; on release it serves again.
func TestMinerIsQuarantinedAndReplaced(t *testing.T) {
	w := newWorld(t, specOf("kubernetes.quarantine-pod"))
	w.service()
	w.deployment("web", 2)
	miner := w.podsOfApp("web")[0]
	until(t, "the Service sends to both", func() bool { return len(w.sends("web")) == 2 })

	p, r, proof := w.done("kubernetes.quarantine-pod", miner, nil) // its name alone is enough
	if !says(p.Dependants, "Service "+w.ns+"/web loses this pod") || !says(p.Dependants, "replaces it") || p.Owner == "" {
		t.Errorf("the plan does not say who feels it: %+v", p)
	}
	if proof.Standing != actions.Unproven || !says(proof.Seen, "cannot be read") {
		t.Errorf("what no API tells was claimed: %+v", proof)
	}
	until(t, "the Deployment has two pods again, and neither is the miner", func() bool {
		now := w.podsOfApp("web")
		return len(now) == 2 && !slices.Contains(now, miner)
	})
	until(t, "the Service sends to the two", func() bool { s := w.sends("web"); return len(s) == 2 && !slices.Contains(s, miner) })
	pod := w.see(w.core("pods/" + miner))
	if pod.text("status", "phase") != "Running" || pod.text("metadata", "deletionTimestamp") != "" {
		t.Error("the pod was not kept running")
	}
	uid := pod.text("metadata", "uid")
	np := w.see(w.apis("networking.k8s.io/v1", "networkpolicies/tocsin-quarantine-"+uid))
	if np.text("spec", "podSelector", "matchLabels", labelQuarantine) != uid || np.at("spec", "ingress") != nil || np.at("spec", "egress") != nil {
		t.Errorf("the policy does not deny this pod everything: %v", np["spec"])
	}
	if before := pod.text("metadata", "annotations", annotationLabels); !strings.Contains(before, `"app":"web"`) {
		t.Errorf("whoever has to release by hand is not told the labels: %q", before)
	}

	if _, err := w.action("kubernetes.quarantine-pod").(actions.Undoer).Undo(t.Context(), r); err != nil {
		t.Fatalf("release: %v", err)
	}
	until(t, "its owner took it back and stopped one too many", func() bool { return len(w.podsOfApp("web")) == 2 })
	if w.see(w.apis("networking.k8s.io/v1", "networkpolicies")).list("items") != nil {
		t.Error("the policy is still there")
	}
}

// A policy that allows something to every pod makes a hole in any quarantine: it is said
// before the deed and after it.
func TestPoliciesAddUp(t *testing.T) {
	w := newWorld(t, specOf("kubernetes.quarantine-pod"))
	w.pod("web-1", "app")
	policies := w.apis("networking.k8s.io/v1", "networkpolicies")
	w.make(policies, obj{"metadata": obj{"name": "dns"}, "spec": obj{"podSelector": obj{}, "policyTypes": []string{"Egress"}, "egress": []obj{{"ports": []obj{{"port": 53, "protocol": "UDP"}}}}}})
	w.make(policies, obj{"metadata": obj{"name": "front"}, "spec": obj{"podSelector": obj{"matchLabels": obj{"tier": "front"}}, "ingress": []obj{{}}}})
	p, _, proof := w.done("kubernetes.quarantine-pod", w.ns+"/web-1", nil)
	if !says(p.Warnings, "NetworkPolicy "+w.ns+"/dns picks every pod") || !says(proof.Seen, w.ns+"/dns still allows it") {
		t.Errorf("the hole was not named: %q, %q", p.Warnings, proof.Seen)
	}
	if says(p.Warnings, w.ns+"/front") || w.see(w.core("pods/web-1")).text("metadata", "labels", "tier") != "" {
		t.Error("a policy that allows by label still picks the pod")
	}
}

// No NetworkPolicy reaches a pod on its node's network: that is never called a quarantine.
func TestHostNetworkIsNotQuarantined(t *testing.T) {
	w := newWorld(t, specOf("kubernetes.quarantine-pod"))
	spec := podSpec("registry.test/agent:1", "app")
	spec["hostNetwork"] = true
	w.make(w.core("pods"), obj{"metadata": obj{"name": "agent", "labels": obj{"app": "agent"}}, "spec": spec})
	until(t, "it runs", func() bool { return w.see(w.core("pods/agent")).text("status", "phase") == "Running" })
	p, _, proof := w.done("kubernetes.quarantine-pod", w.ns+"/agent", nil)
	if proof.Standing != actions.NotInEffect || !says(p.Warnings, "Isolate the node") {
		t.Errorf("%+v, %q", proof, p.Warnings)
	}
}

// A Service that is made between plan and deed, and would pick the pod after all, makes
// the plan stale; one that is made after the deed is found by Verify.
func TestServiceThatPicksItAfterAll(t *testing.T) {
	w := newWorld(t, specOf("kubernetes.quarantine-pod"))
	w.pod("web-1", "app")
	a := w.action("kubernetes.quarantine-pod")
	in := actions.Input{Target: w.ns + "/web-1", Params: map[string]string{"node": "keep"}, Key: "k"}
	p, err := a.Plan(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	w.make(w.core("services"), obj{"metadata": obj{"name": "late"}, "spec": obj{"selector": obj{"tier": "front"}, "ports": []obj{{"port": 80}}}})
	if _, err := a.Do(t.Context(), p); !errors.Is(err, actions.ErrStale) {
		t.Errorf("do answered %v", err)
	}
	if p, err = a.Plan(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	r, err := a.Do(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	w.make(w.core("services"), obj{"metadata": obj{"name": "later"}, "spec": obj{"selector": obj{labelQuarantine: w.see(w.core("pods/web-1")).text("metadata", "uid")}, "ports": []obj{{"port": 80}}}})
	proof, err := a.Verify(t.Context(), r)
	if err != nil || proof.Standing != actions.NotInEffect || !says(proof.Seen, "/later picks it") {
		t.Errorf("%+v, %v", proof, err)
	}
}

// An emptied node keeps what tolerates everything; what has to leave was kept as evidence first.
func TestNodeIsEmptied(t *testing.T) {
	w := newWorld(t, specOf("kubernetes.isolate-node"))
	w.pod("web-1", "app", "crashy")
	spec := podSpec("registry.test/agent:1", "app")
	spec["tolerations"] = []obj{{"operator": "Exists"}}
	w.make(w.core("pods"), obj{"metadata": obj{"name": "agent"}, "spec": spec})
	until(t, "both run", func() bool { return w.see(w.core("pods/agent")).text("status", "phase") == "Running" })
	e, err := w.action("kubernetes.isolate-node").(actions.Preserver).Preserve(t.Context(), actions.Input{Target: "node-" + w.ns})
	if err != nil {
		t.Fatal(err)
	}
	if got := reads(t, e, "crashy_previous-log.txt"); !strings.Contains(got, "before it was killed") {
		t.Errorf("what the container said before its restart was not kept: %q", got)
	}
	if got := reads(t, e, "web-1_pod.json"); !strings.Contains(got, "production") {
		t.Error("the pod's specification was not kept")
	}
	p, _, proof := w.done("kubernetes.isolate-node", "node-"+w.ns, nil)
	if proof.Standing != actions.InEffect || !says(p.Lost, w.ns+"/web-1") || !says(p.Warnings, w.ns+"/agent") {
		t.Errorf("%+v, lost %q, warnings %q", proof, p.Lost, p.Warnings)
	}
	if w.see(w.core("pods/web-1")) != nil || w.see(w.core("pods/agent")) == nil {
		t.Error("the wrong pod left")
	}
}

// A pinned image is rolled out when every pod runs it, and not when the template says so.
func TestPinnedImageIsRolledOut(t *testing.T) {
	w := newWorld(t, specOf("kubernetes.pin-image"))
	w.deployment("web", 3)
	w.c.kube.hold(w.ns, true)
	a := w.action("kubernetes.pin-image")
	p, err := a.Plan(t.Context(), actions.Input{Target: "deploy/" + w.ns + "/web", Params: map[string]string{"image": pin}, Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Do(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := a.Verify(t.Context(), r)
	if err != nil || proof.Standing != actions.NotInEffect || proof.Again == 0 {
		t.Errorf("no pod runs it yet, and verify says %+v, %v", proof, err)
	}
	w.c.kube.hold(w.ns, false)
	w.nudge()
	if proof, err = waiting(a).Verify(t.Context(), r); err != nil || proof.Standing != actions.InEffect || !says(proof.Seen, "every pod runs it and is ready: 3") {
		t.Errorf("%+v, %v", proof, err)
	}
}

// Checkpoints are asked of the kubelet; one that has none, or cannot, is said plainly.
func TestCheckpoints(t *testing.T) {
	w := newWorld(t, specOf("kubernetes.checkpoint-pod"))
	w.pod("web-1", "app", "sidecar")
	_, r, proof := w.done("kubernetes.checkpoint-pod", w.ns+"/web-1", map[string]string{"container": "app"})
	if !strings.HasPrefix(r.Ref["app"], "/var/lib/kubelet/checkpoints/") || w.c.kube.written(w.ns+"/web-1") != 1 || proof.Standing != actions.Unproven {
		t.Errorf("%+v, %+v", r.Ref, proof)
	}
	a := w.action("kubernetes.checkpoint-pod")
	for _, c := range []struct {
		set  func(k *kubelet)
		says string
	}{
		{func(k *kubelet) { k.broken[w.ns] = true }, "could not write a checkpoint"},
		{func(k *kubelet) { k.deaf[w.ns] = true }, "offers no checkpoints"},
	} {
		p, err := a.Plan(t.Context(), actions.Input{Target: w.ns + "/web-1", Key: c.says})
		if err != nil {
			t.Fatal(err)
		}
		w.c.kube.mu.Lock()
		c.set(w.c.kube)
		w.c.kube.mu.Unlock()
		if _, err := a.Do(t.Context(), p); err == nil || !strings.Contains(err.Error(), c.says) || !actions.Final(err) {
			t.Errorf("%v", err)
		}
	}
}

// Names are understood as people and logs write them, and never guessed.
func TestNames(t *testing.T) {
	w := newWorld(t, specOf("kubernetes.scale-to-zero"), specOf("kubernetes.cordon-node"))
	w.deployment("checkout", 1)
	w.make(w.apis("apps/v1", "statefulsets"), obj{"metadata": obj{"name": "checkout"}, "spec": obj{"serviceName": "x", "replicas": 0, "selector": obj{"matchLabels": obj{"app": "db"}},
		"template": obj{"metadata": obj{"labels": obj{"app": "db"}}, "spec": podSpec("registry.test/db:1", "app")}}})
	a := w.action("kubernetes.scale-to-zero")
	plan := func(target string) (actions.Plan, error) {
		return a.Plan(t.Context(), actions.Input{Target: target, Key: "k"})
	}
	var many *actions.Ambiguous
	if _, err := plan(w.ns + "/checkout"); !errors.As(err, &many) || !slices.Contains(many.Fits, "statefulset/"+w.ns+"/checkout") {
		t.Errorf("%v", err)
	}
	p, err := plan("deploy/" + w.ns + "/checkout")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan(p.Target.ID); err != nil {
		t.Errorf("the plan's own name for it: %v", err)
	}
	var none *actions.NoTarget
	if _, err := plan("deploy/" + w.ns + "/checkuot"); !errors.As(err, &none) || !strings.Contains(none.Hint, w.ns+"/checkout") {
		t.Errorf("no hint at what is near: %v", err)
	}
	for _, bad := range []string{"", "a/b/c/d", "../../secrets", "shop/web?x=1", "shop/web%2f..", "shop/web 1"} {
		if _, err := plan(bad); !errors.As(err, &none) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// What runs as Tocsin's own account, or is protected, is not touched, whoever approves it.
func TestTocsinAndTheProtectedAreSpared(t *testing.T) {
	w := newWorld(t, specOf("kubernetes.quarantine-pod"), specOf("kubernetes.disable-service-account"), specOf("kubernetes.isolate-node"))
	spec := podSpec("registry.test/tocsin:1", "app")
	spec["serviceAccountName"] = "tocsin"
	w.make(w.core("pods"), obj{"metadata": obj{"name": "tocsin-0"}, "spec": spec})
	until(t, "it runs", func() bool { return w.see(w.core("pods/tocsin-0")).text("status", "phase") == "Running" })
	for name, target := range map[string]string{"kubernetes.quarantine-pod": w.ns + "/tocsin-0", "kubernetes.disable-service-account": w.ns + "/tocsin", "kubernetes.isolate-node": "node-" + w.ns} {
		_, err := w.action(name).Plan(t.Context(), actions.Input{Target: target, Params: map[string]string{"node": "keep"}, Key: "k"})
		if err == nil || !actions.Final(err) || !strings.Contains(err.Error(), "Tocsin's own") {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.pod("vault-0", "app")
	all, err := Actions(Config{Server: w.front.URL, Token: actions.Secret(w.token), Protected: []string{w.ns + "/vault-0"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.Spec().Kind == actions.KindPod && a.Spec().Name == "kubernetes.quarantine-pod" {
			if _, err := a.Plan(t.Context(), actions.Input{Target: w.ns + "/vault-0", Key: "k"}); err == nil || !strings.Contains(err.Error(), "protected") {
				t.Errorf("%v", err)
			}
		}
	}
}

// reads is the text of the item whose name ends so.
func reads(t *testing.T, e actions.Evidence, ending string) string {
	t.Helper()
	for _, item := range e.Items {
		if strings.HasSuffix(item.Name, ending) {
			f, err := item.Open()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			b, err := io.ReadAll(f)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
	}
	t.Fatalf("no item ends in %s", ending)
	return ""
}
