package kubernetes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tocsin-ir/tocsin/actions"
)

func init() { makers = append(makers, newIsolateNode) }

// isolateNode empties a node of what does not tolerate that.
type isolateNode struct{ reversible }

func newIsolateNode(c *client) actions.Action {
	a := &isolateNode{reversible{deed{c: c, spec: actions.Spec{
		Name:       "kubernetes.isolate-node",
		Title:      "Empty a node and keep it out of use",
		Does:       "Cordons the node and taints it NoExecute, so that its pods are stopped and started elsewhere.",
		Kind:       actions.KindNode,
		Reversible: true,
		Destroys:   "the memory, the local files and the logs of the pods that are stopped",
		Blast:      actions.BlastAll,
		Rights:     rights(nodeRights, keepRights...),
		TTL:        24 * time.Hour,
		Proof:      "The node is read again, and its pods are counted: it is in effect when none is left that does not tolerate the taint.",
		Example:    "kubernetes.isolate-node worker-3",
	}}}}
	a.proof = a.emptied
	return a
}

// Plan names the pods that have to leave and those that stay.
func (a *isolateNode) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	h, err := a.c.find(ctx, actions.KindNode, in.Target, nodes)
	if err != nil {
		return actions.Plan{}, err
	}
	on, err := a.c.podsOn(ctx, h.name)
	if err != nil {
		return actions.Plan{}, err
	}
	p := plan(a.spec, a.c.target(actions.KindNode, h), in)
	var leave, stay, alone []string
	for i := range on {
		pod := &on[i]
		if tolerates(pod) {
			stay = append(stay, pod.Namespace+"/"+pod.Name)
			continue
		}
		if err := a.c.sparePod(ctx, pod); err != nil {
			return p, err
		}
		leave = append(leave, pod.Namespace+"/"+pod.Name)
		if metav1.GetControllerOf(pod) == nil {
			alone = append(alone, pod.Namespace+"/"+pod.Name)
		}
	}
	p, err = a.c.planParts(ctx, p, []part{
		{Field: "unschedulable", Name: h.name, UID: h.uid}, {Field: "taint", Name: h.name, UID: h.uid},
	}, []any{true, true})
	if err != nil {
		return p, err
	}
	p.Dependants = append(p.Dependants, some("Stopped and started elsewhere", leave)...)
	p.Lost = some("Stopped, and nothing starts them again", alone)
	p.Warnings = some("Stay, for they tolerate the taint", stay)
	p.Warnings = append(p.Warnings, "The node's own processes and its network go on: this empties it and does not cut it off.")
	return p, a.c.explainNode(ctx, &p, h.name)
}

// some says what is true of a list of pods, how many they are, and the first few by name.
func some(what string, list []string) []string {
	const most = 8
	if len(list) == 0 {
		return nil
	}
	slices.Sort(list)
	if len(list) > most {
		return []string{fmt.Sprintf("%s (%d): %s and %d more", what, len(list), strings.Join(list[:most], ", "), len(list)-most)}
	}
	return []string{fmt.Sprintf("%s (%d): %s", what, len(list), sentence(list))}
}

// tolerates reports whether the pod stays on an isolated node. Static pods are the
// kubelet's, which does not stop them for a taint.
func tolerates(p *corev1.Pod) bool {
	if _, static := p.Annotations[mirrorAnnotation]; static {
		return true
	}
	return slices.ContainsFunc(p.Spec.Tolerations, func(t corev1.Toleration) bool {
		if t.Effect != "" && t.Effect != isolation.Effect || t.Key != "" && t.Key != isolation.Key || t.TolerationSeconds != nil {
			return false
		}
		same := t.Operator == "" || t.Operator == corev1.TolerationOpEqual
		return t.Operator == corev1.TolerationOpExists || same && t.Key != "" && t.Value == isolation.Value
	})
}

func (a *isolateNode) emptied(ctx context.Context, r actions.Receipt, parts []part) (actions.Proof, error) {
	if r.Undone {
		return actions.Proven(), nil
	}
	on, err := a.c.podsOn(ctx, parts[0].Name)
	if err != nil {
		return actions.Proof{}, err
	}
	var left []string
	for i := range on {
		if !tolerates(&on[i]) && on[i].Status.Phase != corev1.PodSucceeded && on[i].Status.Phase != corev1.PodFailed {
			left = append(left, on[i].Namespace+"/"+on[i].Name)
		}
	}
	if len(left) > 0 {
		p := actions.Refuted(some("Have not left yet", left)...)
		p.Again = 5 * time.Second
		return p, nil
	}
	return actions.Proven("no pod is left on it that does not tolerate the taint"), nil
}

// Preserve collects every pod that would be stopped.
func (a *isolateNode) Preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	h, err := a.c.find(ctx, actions.KindNode, in.Target, nodes)
	if err != nil {
		return actions.Evidence{}, err
	}
	n, err := get[corev1.Node](ctx, a.c, nodes, "", h.name)
	if err != nil {
		return actions.Evidence{}, err
	}
	whole, err := asJSON(n)
	if err != nil {
		return actions.Evidence{}, err
	}
	e := actions.Evidence{Items: []actions.Item{{Name: h.name + "_node.json", From: "node " + h.name, Type: "application/json", Open: whole}}}
	on, err := a.c.podsOn(ctx, h.name)
	if err != nil {
		return e, err
	}
	for i := range on {
		if tolerates(&on[i]) {
			continue
		}
		items, err := a.c.keepPod(ctx, &on[i])
		if err != nil {
			return e, err
		}
		e.Items = append(e.Items, items...)
	}
	return e, nil
}
