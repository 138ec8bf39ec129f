package kubernetes

import (
	"context"
	"encoding/json"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
)

func init() { makers = append(makers, newCaptureEvidence) }

// captureEvidence keeps what can be had of a pod, and asks those who tidy up a cluster to
// let it stand.
type captureEvidence struct{ reversible }

func newCaptureEvidence(c *client) actions.Action {
	a := &captureEvidence{reversible{deed{c: c, spec: actions.Spec{
		Name:  "kubernetes.capture-evidence",
		Title: "Keep a pod's evidence",
		Does: "Keeps the pod's specification, state, events and the logs of all its containers, also from before their last restart, and " +
			"marks the pod so that autoscalers leave it where it is.",
		Kind:       actions.KindPod,
		Reversible: true,
		Blast:      actions.BlastTarget,
		Rights:     rights(evidenceRights, pods.right("patch", "")),
		TTL:        72 * time.Hour,
		Proof:      "The marks are read again; whether an autoscaler heeds them cannot be read.",
		Example:    "kubernetes.capture-evidence shop/web-7f9c-x2x",
	}}}}
	a.proof = func(context.Context, actions.Receipt, []part) (actions.Proof, error) {
		return actions.Stored("whether an autoscaler heeds the marks cannot be read"), nil
	}
	return a
}

// marks are what the two autoscalers look for:
// https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/FAQ.md#what-types-of-pods-can-prevent-ca-from-removing-a-node
// https://karpenter.sh/docs/concepts/disruption/#pod-level-controls
var marks = map[string]string{
	"cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
	"karpenter.sh/do-not-disrupt":                    "true",
	"tocsin.dev/evidence":                            "keep",
}

// Plan says what is marked.
func (a *captureEvidence) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	h, err := a.c.find(ctx, actions.KindPod, in.Target, pods)
	if err != nil {
		return actions.Plan{}, err
	}
	p := plan(a.spec, a.c.target(actions.KindPod, h), in)
	if p, err = a.c.planParts(ctx, p, []part{{Field: "marks", Space: h.space, Name: h.name, UID: h.uid}}, []any{marks}); err != nil {
		return p, err
	}
	p.Warnings = []string{"The values of environment variables are in the specification, and secrets may be among them."}
	return p, nil
}

// Preserve collects the evidence.
func (a *captureEvidence) Preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	return a.c.preservePod(ctx, in.Target)
}

func init() {
	fields["marks"] = field{
		read: func(ctx context.Context, c *client, p part) (any, string, error) {
			pod, err := c.samePod(ctx, p)
			if err != nil {
				return nil, "", err
			}
			on := map[string]string{}
			for k := range marks {
				if v, ok := pod.Annotations[k]; ok {
					on[k] = v
				}
			}
			return on, pod.ResourceVersion, nil
		},
		write: func(ctx context.Context, c *client, p part, now reading) error {
			var to map[string]string
			if err := json.Unmarshal(p.Value, &to); err != nil {
				return err
			}
			change := map[string]any{}
			for k := range marks {
				change[k] = nil
			}
			for k, v := range to {
				change[k] = v
			}
			return c.patch(ctx, pods, p, "", "mark the pod", map[string]any{
				"metadata": map[string]any{"annotations": change, "resourceVersion": now.version, "uid": p.UID}})
		},
		says: func(p part) string {
			var on map[string]string
			_ = json.Unmarshal(p.Value, &on)
			if on["tocsin.dev/evidence"] != "" {
				return "pod " + p.full() + ": marked as evidence, to be left where it is"
			}
			return "pod " + p.full() + ": not marked as evidence"
		},
	}
}
