package kubernetes

import (
	"slices"
	"testing"

	"github.com/tocsin-ir/tocsin/actions"
)

// Shop is a world of the cluster for tests that run the whole program. They stand outside
// this package: the program imports it.
type Shop struct {
	URL       string // where Tocsin reaches the API server
	Token     string // of an account that may do what NewShop's actions need, and nothing else
	Namespace string

	w *world
}

// NewShop has a Service "web" in front of a Deployment of two pods. Where there is no
// cluster to be had the test is skipped, saying why.
func NewShop(t testing.TB, actionNames ...string) *Shop {
	t.Helper()
	var specs []actions.Spec
	for _, n := range actionNames {
		specs = append(specs, specOf(n))
	}
	w := newWorld(t, specs...)
	w.service()
	w.deployment("web", 2)
	until(t, "the Service sends to both", func() bool { return len(w.sends("web")) == 2 })
	return &Shop{URL: w.front.URL, Token: w.token, Namespace: w.ns, w: w}
}

// Pods are the pods that the Deployment counts as its own.
func (s *Shop) Pods() []string { return s.w.podsOfApp("web") }

// Replaced waits until the Deployment has two pods and the Service sends to them, and the
// one named is none of them.
func (s *Shop) Replaced(t testing.TB, pod string) {
	t.Helper()
	until(t, "the owner replaced the pod", func() bool {
		now, sent := s.Pods(), s.w.sends("web")
		return len(now) == 2 && len(sent) == 2 && !slices.Contains(now, pod) && !slices.Contains(sent, pod)
	})
}

// Settled waits until the Deployment has two pods, whichever they are.
func (s *Shop) Settled(t testing.TB) {
	t.Helper()
	until(t, "the owner has two pods", func() bool { return len(s.Pods()) == 2 && len(s.w.sends("web")) == 2 })
}

// Runs reports whether the pod is there, runs and is not being stopped.
func (s *Shop) Runs(pod string) bool {
	p := s.w.see(s.w.core("pods/" + pod))
	return p.text("status", "phase") == "Running" && p.text("metadata", "deletionTimestamp") == ""
}

// Labels are what the pod is picked by.
func (s *Shop) Labels(pod string) map[string]any {
	l, _ := s.w.see(s.w.core("pods/"+pod)).at("metadata", "labels").(map[string]any)
	return l
}

// Denied reports whether a policy denies this pod, and no other, everything.
func (s *Shop) Denied(pod string) bool {
	uid := s.w.see(s.w.core("pods/"+pod)).text("metadata", "uid")
	np := s.w.see(s.w.apis("networking.k8s.io/v1", "networkpolicies/"+policyNameOfAPods+uid))
	return np.text("spec", "podSelector", "matchLabels", labelQuarantine) == uid && np.at("spec", "ingress") == nil && np.at("spec", "egress") == nil
}

// Policies is how many NetworkPolicies there are.
func (s *Shop) Policies() int {
	return len(s.w.see(s.w.apis("networking.k8s.io/v1", "networkpolicies")).list("items"))
}
