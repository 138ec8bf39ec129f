package kubernetes

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tocsin-ir/tocsin/actions"
)

// rolling are the workloads that make their pods anew when the template changes.
var rolling = []resource{deployments, statefulsets, daemonsets}

// scaling are those that have a number of pods somebody sets.
var scaling = []resource{deployments, statefulsets, replicasets}

func named(list []resource, name string) resource {
	for _, r := range list {
		if r.name == name {
			return r
		}
	}
	return resource{}
}

// workload is what is common to those that make pods of a template.
type workload struct {
	hit
	version  string
	owner    string // what controls it
	selector *metav1.LabelSelector
	template corev1.PodTemplateSpec
	stuck    string // why a changed template rolls out nothing; "" when it does
}

func workloadOf(of resource, m metav1.ObjectMeta, sel *metav1.LabelSelector, t corev1.PodTemplateSpec) workload {
	w := workload{hit: hit{of, m.Namespace, m.Name, string(m.UID)}, version: m.ResourceVersion, selector: sel, template: t}
	if o := metav1.GetControllerOf(&m); o != nil {
		w.owner = o.Kind + " " + m.Namespace + "/" + o.Name
	}
	return w
}

func (c *client) workload(ctx context.Context, of resource, ns, name string) (workload, error) {
	const byHand = "it replaces its pods only when somebody deletes them"
	switch of.name {
	case deployments.name:
		o, err := get[appsv1.Deployment](ctx, c, of, ns, name)
		w := workloadOf(of, o.ObjectMeta, o.Spec.Selector, o.Spec.Template)
		if o.Spec.Paused {
			w.stuck = "its roll-out is paused"
		}
		return w, err
	case statefulsets.name:
		o, err := get[appsv1.StatefulSet](ctx, c, of, ns, name)
		w := workloadOf(of, o.ObjectMeta, o.Spec.Selector, o.Spec.Template)
		if o.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
			w.stuck = byHand
		}
		return w, err
	case daemonsets.name:
		o, err := get[appsv1.DaemonSet](ctx, c, of, ns, name)
		w := workloadOf(of, o.ObjectMeta, o.Spec.Selector, o.Spec.Template)
		if o.Spec.UpdateStrategy.Type == appsv1.OnDeleteDaemonSetStrategyType {
			w.stuck = byHand
		}
		return w, err
	}
	o, err := get[appsv1.ReplicaSet](ctx, c, replicasets, ns, name)
	return workloadOf(replicasets, o.ObjectMeta, o.Spec.Selector, o.Spec.Template), err
}

// podsOf lists the pods a workload's selector picks and that have not ended.
func (c *client) podsOf(ctx context.Context, w workload) ([]corev1.Pod, error) {
	sel, err := metav1.LabelSelectorAsSelector(w.selector)
	if err != nil {
		return nil, err
	}
	var out []corev1.Pod
	err = list(ctx, c, pods, w.space, map[string]string{"labelSelector": sel.String()}, func(l *corev1.PodList) {
		for _, p := range l.Items {
			if p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed {
				out = append(out, p)
			}
		}
	})
	return out, err
}

// preserveWorkload keeps every pod that a deed to a workload stops.
func (c *client) preserveWorkload(ctx context.Context, target string, of []resource) (actions.Evidence, error) {
	h, err := c.find(ctx, actions.KindWorkload, target, of...)
	if err != nil {
		return actions.Evidence{}, err
	}
	w, err := c.workload(ctx, h.of, h.space, h.name)
	if err != nil {
		return actions.Evidence{}, err
	}
	template, err := asJSON(w.template)
	if err != nil {
		return actions.Evidence{}, err
	}
	e := actions.Evidence{Items: []actions.Item{{Name: h.space + "_" + h.name + "_template.json", From: h.of.kind + " " + h.full(), Type: "application/json", Open: template}}}
	all, err := c.podsOf(ctx, w)
	if err != nil {
		return e, err
	}
	for i := range all {
		items, err := c.keepPod(ctx, &all[i])
		if err != nil {
			return e, err
		}
		e.Items = append(e.Items, items...)
	}
	return e, nil
}
