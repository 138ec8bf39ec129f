package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tocsin-ir/tocsin/actions"
)

func init() { makers = append(makers, newScaleToZero) }

// scaleToZero stops every pod of a workload.
type scaleToZero struct{ reversible }

func newScaleToZero(c *client) actions.Action {
	a := &scaleToZero{reversible{deed{c: c, spec: actions.Spec{
		Name:       "kubernetes.scale-to-zero",
		Title:      "Scale a workload to zero",
		Does:       "Stops every pod of a Deployment, StatefulSet or ReplicaSet; whatever it served is down until release.",
		Kind:       actions.KindWorkload,
		Reversible: true,
		Destroys:   "the memory, the local files and the logs of its pods",
		Blast:      actions.BlastAll,
		Rights: rights(keepRights, deployments.right("get", ""), deployments.right("list", ""), deployments.right("get", "scale"), deployments.right("update", "scale"),
			statefulsets.right("get", ""), statefulsets.right("list", ""), statefulsets.right("get", "scale"), statefulsets.right("update", "scale"),
			replicasets.right("get", ""), replicasets.right("list", ""), replicasets.right("get", "scale"), replicasets.right("update", "scale")),
		TTL:     24 * time.Hour,
		Proof:   "The number is read again, and its pods are counted: it is in effect when none is left.",
		Example: "kubernetes.scale-to-zero deployment/shop/web",
	}}}}
	a.proof = a.counted
	return a
}

// Plan says how many pods stop, and who may start them again.
func (a *scaleToZero) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	h, err := a.c.find(ctx, actions.KindWorkload, in.Target, scaling...)
	if err != nil {
		return actions.Plan{}, err
	}
	w, err := a.c.workload(ctx, h.of, h.space, h.name)
	if err != nil {
		return actions.Plan{}, err
	}
	if err := a.c.spare(ctx, h.full(), h.space, w.template.Spec.ServiceAccountName); err != nil {
		return actions.Plan{}, err
	}
	all, err := a.c.podsOf(ctx, w)
	if err != nil {
		return actions.Plan{}, err
	}
	p := plan(a.spec, a.c.target(actions.KindWorkload, h), in)
	p.Owner = w.owner
	if p, err = a.c.planParts(ctx, p, []part{{Field: "replicas", Space: h.space, Name: h.name, UID: h.uid, Sub: h.of.name}}, []any{0}); err != nil {
		return p, err
	}
	var running []string
	for _, pod := range all {
		running = append(running, pod.Namespace+"/"+pod.Name)
	}
	p.Lost = some("Stopped, with what is in their memory and on their own disks", running)
	p.Warnings = []string{"Everything it serves is down. To keep the service and examine one pod, quarantine the pod instead."}
	if w.owner != "" {
		p.Warnings = append(p.Warnings, w.owner+" controls it and may scale it back: scale that instead.")
	}
	p.Warnings = append(p.Warnings, "What deploys it, such as GitOps or an operator, may scale it back.")
	return p, nil
}

func (a *scaleToZero) counted(ctx context.Context, r actions.Receipt, parts []part) (actions.Proof, error) {
	if r.Undone {
		return actions.Proven(), nil
	}
	w, err := a.c.workload(ctx, named(scaling, parts[0].Sub), parts[0].Space, parts[0].Name)
	if err != nil {
		return actions.Proof{}, err
	}
	left, err := a.c.podsOf(ctx, w)
	if err != nil {
		return actions.Proof{}, err
	}
	if len(left) > 0 {
		p := actions.Refuted(fmt.Sprintf("its pods that have not stopped yet: %d", len(left)))
		p.Again = 5 * time.Second
		return p, nil
	}
	return actions.Proven("none of its pods is left"), nil
}

// Preserve collects every pod that would be stopped.
func (a *scaleToZero) Preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	return a.c.preserveWorkload(ctx, in.Target, scaling)
}

// The number of pods is written through the scale subresource, so that the right to stop a
// workload is no right to change what it runs.
func init() {
	read := func(ctx context.Context, c *client, p part) (autoscalingv1.Scale, error) {
		var s autoscalingv1.Scale
		err := c.into(ctx, call{step: "read the scale", verb: "get", of: named(scaling, p.Sub), ns: p.Space, name: p.Name, sub: "scale"}, &s)
		if notFound(err) || err == nil && string(s.UID) != p.UID {
			return s, errGone
		}
		return s, err
	}
	fields["replicas"] = field{
		read: func(ctx context.Context, c *client, p part) (any, string, error) {
			s, err := read(ctx, c, p)
			return s.Spec.Replicas, s.ResourceVersion, err
		},
		write: func(ctx context.Context, c *client, p part, now reading) error {
			to := autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Namespace: p.Space, Name: p.Name, ResourceVersion: now.version}}
			if err := json.Unmarshal(p.Value, &to.Spec.Replicas); err != nil {
				return err
			}
			return c.into(ctx, call{step: "scale the workload", verb: "update", of: named(scaling, p.Sub), ns: p.Space, name: p.Name, sub: "scale", body: &to}, nil)
		},
		says: func(p part) string {
			return fmt.Sprintf("%s %s: scaled to %s", named(scaling, p.Sub).kind, p.full(), p.Value)
		},
	}
}
