package kubernetes

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/tocsin-ir/tocsin/actions"
)

func init() { makers = append(makers, newCordonNode) }

// cordonNode keeps new pods off a node.
type cordonNode struct{ reversible }

func newCordonNode(c *client) actions.Action {
	return &cordonNode{reversible{deed{c: c, spec: actions.Spec{
		Name:       "kubernetes.cordon-node",
		Title:      "Cordon a node",
		Does:       "Lets no new pods onto the node; those that run there go on.",
		Kind:       actions.KindNode,
		Reversible: true,
		Blast:      actions.BlastTeam,
		Rights:     rights(nodeRights),
		TTL:        24 * time.Hour,
		Proof:      "The node is read again: the scheduler passes over nodes that are marked so.",
		Example:    "kubernetes.cordon-node worker-3",
	}}}}
}

// nodeRights is what marking a node takes, and telling who feels it.
var nodeRights = []string{nodes.right("get", ""), nodes.right("list", ""), nodes.right("patch", "")}

// Plan says whether any other node is left for new pods.
func (a *cordonNode) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	h, err := a.c.find(ctx, actions.KindNode, in.Target, nodes)
	if err != nil {
		return actions.Plan{}, err
	}
	p := plan(a.spec, a.c.target(actions.KindNode, h), in)
	p, err = a.c.planParts(ctx, p, []part{{Field: "unschedulable", Name: h.name, UID: h.uid}}, []any{true})
	if err != nil {
		return p, err
	}
	return p, a.c.explainNode(ctx, &p, h.name)
}

// explainNode warns where nothing else takes new pods. How many nodes do is left out: it changes
// with every autoscaler's whim, and an approved plan would be another by then.
func (c *client) explainNode(ctx context.Context, p *actions.Plan, name string) error {
	others := 0
	err := list(ctx, c, nodes, "", nil, func(l *corev1.NodeList) {
		for _, n := range l.Items {
			if n.Name != name && !n.Spec.Unschedulable {
				others++
			}
		}
	})
	if err != nil {
		return err
	}
	if others == 0 {
		p.Warnings = append(p.Warnings, "No other node takes new pods: what stops now does not start again anywhere.")
	}
	return nil
}

// podsOn reads the pods of one node.
func (c *client) podsOn(ctx context.Context, node string) ([]corev1.Pod, error) {
	var out []corev1.Pod
	err := list(ctx, c, pods, "", map[string]string{"fieldSelector": "spec.nodeName=" + node}, func(l *corev1.PodList) {
		out = append(out, l.Items...)
	})
	return out, err
}

func (c *client) sameNode(ctx context.Context, p part) (*corev1.Node, error) {
	n, err := get[corev1.Node](ctx, c, nodes, "", p.Name)
	if notFound(err) || err == nil && string(n.UID) != p.UID {
		return nil, errGone
	}
	return n, err
}

func init() {
	fields["unschedulable"] = field{
		read: func(ctx context.Context, c *client, p part) (any, string, error) {
			n, err := c.sameNode(ctx, p)
			if err != nil {
				return nil, "", err
			}
			return n.Spec.Unschedulable, n.ResourceVersion, nil
		},
		write: func(ctx context.Context, c *client, p part, now reading) error {
			return c.patch(ctx, nodes, p, "", "cordon the node", map[string]any{
				"metadata": map[string]any{"resourceVersion": now.version, "uid": p.UID},
				"spec":     map[string]any{"unschedulable": p.Value}})
		},
		says: func(p part) string {
			if string(p.Value) == "true" {
				return "node " + p.Name + ": cordoned"
			}
			return "node " + p.Name + ": takes new pods"
		},
	}
	fields["taint"] = field{
		read: func(ctx context.Context, c *client, p part) (any, string, error) {
			n, err := c.sameNode(ctx, p)
			if err != nil {
				return nil, "", err
			}
			return slices.ContainsFunc(n.Spec.Taints, isOurs), n.ResourceVersion, nil
		},
		write: func(ctx context.Context, c *client, p part, now reading) error {
			n, err := c.sameNode(ctx, p)
			if err != nil {
				return err
			}
			if n.ResourceVersion != now.version {
				return moved("taint the node")
			}
			taints := slices.DeleteFunc(n.Spec.Taints, isOurs)
			var on bool
			if err := json.Unmarshal(p.Value, &on); err != nil {
				return err
			}
			if on {
				taints = append(taints, isolation)
			}
			return c.patch(ctx, nodes, p, "", "taint the node", map[string]any{
				"metadata": map[string]any{"resourceVersion": n.ResourceVersion, "uid": p.UID},
				"spec":     map[string]any{"taints": taints}})
		},
		says: func(p part) string {
			if string(p.Value) == "true" {
				return "node " + p.Name + ": every pod that does not tolerate it has to leave (taint " + isolation.Key + ":NoExecute)"
			}
			return "node " + p.Name + ": pods may stay"
		},
	}
}

// isolation is the taint by which a node is emptied.
var isolation = corev1.Taint{Key: "tocsin.dev/isolated", Value: "true", Effect: corev1.TaintEffectNoExecute}

func isOurs(t corev1.Taint) bool { return t.Key == isolation.Key && t.Effect == isolation.Effect }
