package kubernetes

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// chooser is something that picks pods by their labels: a Service, a pod's owner, a policy.
type chooser struct {
	what string // "Service shop/web"
	by   labels.Selector
	// opens says that it lets traffic through: policies add up, so that a deny-all beside
	// one that allows denies nothing the other allows.
	// https://kubernetes.io/docs/concepts/services-networking/network-policies/
	opens bool
}

func (s chooser) picks(l map[string]string) bool { return s.by.Matches(labels.Set(l)) }

// keys are the labels it looks at. A pod that has none of them is picked only by a selector
// that is empty or asks for absence.
func (s chooser) keys() []string {
	reqs, _ := s.by.Requirements()
	var out []string
	for _, r := range reqs {
		out = append(out, r.Key())
	}
	return out
}

// choosers are what picks pods in the pod's namespace: Services, policies that allow
// something, and the pod's own controller.
type choosers struct {
	services, policies []chooser
	owner              *chooser
	ownerKind          string
	ownerWhat          string // also where its selector cannot be read
}

func (c *client) choosers(ctx context.Context, p *corev1.Pod) (choosers, error) {
	var out choosers
	err := list(ctx, c, services, p.Namespace, nil, func(l *corev1.ServiceList) {
		for _, s := range l.Items {
			// A Service without a selector picks nothing; its endpoints are somebody's list.
			if len(s.Spec.Selector) > 0 {
				out.services = append(out.services, chooser{what: "Service " + s.Namespace + "/" + s.Name, by: labels.SelectorFromSet(s.Spec.Selector)})
			}
		}
	})
	if err != nil {
		return out, err
	}
	err = list(ctx, c, policies, p.Namespace, nil, func(l *networkingv1.NetworkPolicyList) {
		for _, np := range l.Items {
			if len(np.Spec.Ingress)+len(np.Spec.Egress) == 0 {
				continue // it only denies
			}
			by, err := metav1.LabelSelectorAsSelector(&np.Spec.PodSelector)
			if err != nil {
				continue // the API server refuses such selectors
			}
			out.policies = append(out.policies, chooser{what: "NetworkPolicy " + np.Namespace + "/" + np.Name, by: by, opens: true})
		}
	})
	if err != nil {
		return out, err
	}
	return out, c.owner(ctx, p, &out)
}

func (c *client) owner(ctx context.Context, p *corev1.Pod, out *choosers) error {
	ref := metav1.GetControllerOf(p)
	if ref == nil {
		return nil
	}
	out.ownerKind, out.ownerWhat = ref.Kind, fmt.Sprintf("%s %s/%s", ref.Kind, p.Namespace, ref.Name)
	sel, err := c.selectorOf(ctx, p.Namespace, ref)
	if err != nil || sel == nil {
		return err
	}
	by, err := metav1.LabelSelectorAsSelector(sel)
	if err != nil {
		return nil //nolint:nilerr // the API server refuses such selectors; the owner stays named
	}
	out.owner = &chooser{what: out.ownerWhat, by: by}
	return nil
}

// selectorOf reads the selector of a pod's controller; nil where the controller is of a
// kind that is not Kubernetes' own, or is gone.
func (c *client) selectorOf(ctx context.Context, ns string, ref *metav1.OwnerReference) (*metav1.LabelSelector, error) {
	var sel *metav1.LabelSelector
	var err error
	switch ref.APIVersion + " " + ref.Kind {
	case "apps/v1 ReplicaSet":
		var o *appsv1.ReplicaSet
		if o, err = get[appsv1.ReplicaSet](ctx, c, replicasets, ns, ref.Name); err == nil {
			sel = o.Spec.Selector
		}
	case "apps/v1 StatefulSet":
		var o *appsv1.StatefulSet
		if o, err = get[appsv1.StatefulSet](ctx, c, statefulsets, ns, ref.Name); err == nil {
			sel = o.Spec.Selector
		}
	case "apps/v1 DaemonSet":
		var o *appsv1.DaemonSet
		if o, err = get[appsv1.DaemonSet](ctx, c, daemonsets, ns, ref.Name); err == nil {
			sel = o.Spec.Selector
		}
	case "batch/v1 Job":
		var o *batchv1.Job
		if o, err = get[batchv1.Job](ctx, c, jobs, ns, ref.Name); err == nil {
			sel = o.Spec.Selector
		}
	case "v1 ReplicationController":
		var o *corev1.ReplicationController
		if o, err = get[corev1.ReplicationController](ctx, c, replicators, ns, ref.Name); err == nil {
			sel = metav1.SetAsLabelSelector(o.Spec.Selector)
		}
	}
	if notFound(err) {
		return nil, nil
	}
	return sel, err
}

// leaving returns the labels with which none of the choosers picks the pod any more, as far
// as leaving out what they look at can do that.
func (s choosers) leaving(now map[string]string) map[string]string {
	out := maps.Clone(now)
	if out == nil {
		out = map[string]string{}
	}
	for _, ch := range s.all() {
		if ch.picks(now) {
			for _, k := range ch.keys() {
				delete(out, k)
			}
		}
	}
	return out
}

func (s choosers) all() []chooser {
	out := slices.Concat(s.services, s.policies)
	if s.owner != nil {
		out = append(out, *s.owner)
	}
	return out
}

func picking(list []chooser, l map[string]string) []string {
	var out []string
	for _, s := range list {
		if s.picks(l) {
			out = append(out, s.what)
		}
	}
	return out
}

func sentence(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}
