package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

func init() { makers = append(makers, newQuarantinePod) }

// quarantinePod takes a pod out of everything that picks it by its labels and denies it
// the network, and leaves it running.
type quarantinePod struct{ reversible }

func newQuarantinePod(c *client) actions.Action {
	a := &quarantinePod{reversible{deed{c: c, spec: actions.Spec{
		Name:  "kubernetes.quarantine-pod",
		Title: "Quarantine a pod",
		Does: "Takes the pod out of its Services and from its owner, which starts another, denies it all network traffic by a " +
			"NetworkPolicy of its own, and keeps it running for whoever examines it.",
		Kind: actions.KindPod,
		Params: []actions.Param{{Name: "node", Help: "cordon: no new pods on its node either", Default: "keep",
			Choices: []string{"keep", "cordon"}}},
		Reversible: true,
		Blast:      actions.BlastTeam,
		Rights: rights(evidenceRights,
			pods.right("get", ""), pods.right("list", ""), pods.right("patch", ""),
			services.right("list", ""), endpoints.right("list", ""),
			policies.right("list", ""), policies.right("get", ""), policies.right("create", ""), policies.right("delete", ""),
			replicasets.right("get", ""), statefulsets.right("get", ""), daemonsets.right("get", ""), jobs.right("get", ""), replicators.right("get", ""),
			nodes.right("get", ""), nodes.right("patch", "")),
		TTL: 72 * time.Hour,
		Proof: "Labels, policy, selectors and the endpoints of Services are read again; that the network plug-in enforces the policy " +
			"cannot be read, so that the best is \"stored, enforcement not proven\".",
		Example: "kubernetes.quarantine-pod shop/web-7f9c-x2x node=cordon",
	}}}}
	a.strangers = a.pickedAfterAll
	a.proof = a.seen
	return a
}

// Labels and annotations that Tocsin writes. The first is what the policy selects: a pod's
// uid is nobody else's, so that no other pod comes under it.
const (
	labelQuarantine   = "tocsin.dev/quarantine"
	annotationLabels  = "tocsin.dev/labels-before-quarantine" // JSON, for whoever has to release by hand
	mirrorAnnotation  = "kubernetes.io/config.mirror"         // the kubelet owns the pod, https://kubernetes.io/docs/tasks/configure-pod-container/static-pod/
	policyNameOfAPods = "tocsin-quarantine-"
)

// Plan says what the pod leaves, what takes its place, and what the policy cannot cut.
func (a *quarantinePod) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	h, err := a.c.find(ctx, actions.KindPod, in.Target, pods)
	if err != nil {
		return actions.Plan{}, err
	}
	pod, err := get[corev1.Pod](ctx, a.c, pods, h.space, h.name)
	if err != nil {
		return actions.Plan{}, err
	}
	if _, static := pod.Annotations[mirrorAnnotation]; static {
		return actions.Plan{}, incident.GiveUp(fmt.Errorf("%s is a static pod: its kubelet puts its labels back. Isolate its node instead", h.full()))
	}
	if pod.DeletionTimestamp != nil {
		return actions.Plan{}, incident.GiveUp(fmt.Errorf("%s is being stopped already, and nothing keeps it", h.full()))
	}
	if err := a.c.sparePod(ctx, pod); err != nil {
		return actions.Plan{}, err
	}
	who, err := a.c.choosers(ctx, pod)
	if err != nil {
		return actions.Plan{}, err
	}
	want := who.leaving(pod.Labels)
	want[labelQuarantine] = h.uid

	p := plan(a.spec, a.c.target(actions.KindPod, h), in)
	// The policy comes first: with the label the pod leaves its Services and loses the
	// network in one write.
	parts := []part{
		{Field: "policy", Space: h.space, Name: policyNameOfAPods + h.uid, UID: h.uid, Sub: in.Key},
		{Field: "labels", Space: h.space, Name: h.name, UID: h.uid},
	}
	wants := []any{denyAll(h.uid), want}
	if in.Params["node"] == "cordon" {
		node, err := a.nodeOf(ctx, pod)
		if err != nil {
			return actions.Plan{}, err
		}
		parts, wants = append(parts, node), append(wants, true)
	}
	if p, err = a.c.planParts(ctx, p, parts, wants); err != nil {
		return p, err
	}
	a.explain(&p, pod, who, want)
	return p, nil
}

func (a *quarantinePod) nodeOf(ctx context.Context, pod *corev1.Pod) (part, error) {
	if pod.Spec.NodeName == "" {
		return part{}, &actions.BadParam{Name: "node", Why: "the pod is on no node yet"}
	}
	h, err := a.c.find(ctx, actions.KindNode, pod.Spec.NodeName, nodes)
	return part{Field: "unschedulable", Name: h.name, UID: h.uid}, err
}

func (a *quarantinePod) explain(p *actions.Plan, pod *corev1.Pod, who choosers, want map[string]string) {
	for _, s := range picking(who.services, pod.Labels) {
		p.Dependants = append(p.Dependants, s+" loses this pod")
	}
	switch {
	case who.ownerWhat == "":
		p.Warnings = append(p.Warnings, "Nothing owns this pod, so that nothing replaces it.")
	case who.owner == nil:
		p.Warnings = append(p.Warnings, who.ownerWhat+" owns it, whose way of picking pods Tocsin does not know: it may neither let go of the pod nor replace it.")
	case who.owner.picks(want):
		p.Warnings = append(p.Warnings, who.ownerWhat+" picks pods by labels they do not have: it keeps this one and replaces nothing.")
	case who.ownerKind == "StatefulSet":
		p.Warnings = append(p.Warnings, who.ownerWhat+" cannot replace it while this pod has its name: it is one short until the pod is gone.")
	default:
		p.Dependants = append(p.Dependants, who.ownerWhat+" replaces it")
		p.Warnings = append(p.Warnings, "On release its owner takes it back and stops one pod too many, perhaps this one.")
	}
	p.Owner = who.ownerWhat
	for _, s := range picking(who.policies, want) {
		p.Warnings = append(p.Warnings, s+" picks every pod and still allows this one what it allows: policies add up.")
	}
	if pod.Spec.HostNetwork {
		p.Warnings = append(p.Warnings, "It uses its node's network, which no NetworkPolicy can cut. Isolate the node.")
	}
	p.Warnings = append(p.Warnings, "Whether the policy is enforced is up to the cluster's network plug-in; many leave open connections open.")
}

// pickedAfterAll names the Services and owners that would pick the pod with the labels the
// deed gives it, which the plan did not know of.
func (a *quarantinePod) pickedAfterAll(ctx context.Context, r actions.Receipt) ([]string, error) {
	parts, err := partsOf(r.Left)
	if err != nil {
		return nil, err
	}
	var want map[string]string
	pod, err := a.podOf(ctx, parts, &want)
	if err != nil || pod == nil {
		return nil, err
	}
	who, err := a.c.choosers(ctx, pod)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, s := range picking(who.services, want) {
		out = append(out, s+" picks it")
	}
	return out, nil
}

// podOf reads the pod that a list of parts is about; nil when it is gone.
func (a *quarantinePod) podOf(ctx context.Context, parts []part, labels *map[string]string) (*corev1.Pod, error) {
	i := slices.IndexFunc(parts, func(p part) bool { return p.Field == "labels" })
	if i < 0 {
		return nil, incident.GiveUp(fmt.Errorf("the plan is about no pod"))
	}
	if err := json.Unmarshal(parts[i].Value, labels); err != nil {
		return nil, incident.GiveUp(fmt.Errorf("the plan's labels cannot be read"))
	}
	pod, err := get[corev1.Pod](ctx, a.c, pods, parts[i].Space, parts[i].Name)
	if notFound(err) || err == nil && string(pod.UID) != parts[i].UID {
		return nil, nil
	}
	return pod, err
}

// seen reads what follows from the labels, and never says more than that the policy is kept.
func (a *quarantinePod) seen(ctx context.Context, r actions.Receipt, parts []part) (actions.Proof, error) {
	if r.Undone {
		return actions.Stored("whether the network plug-in let go of the policy cannot be read"), nil
	}
	var want map[string]string
	pod, err := a.podOf(ctx, parts, &want)
	if err != nil {
		return actions.Proof{}, err
	}
	if pod == nil {
		return actions.Refuted("the pod is gone"), nil
	}
	if pod.Spec.HostNetwork {
		return actions.Refuted("it uses its node's network, which no NetworkPolicy cuts"), nil
	}
	still, err := a.sentTo(ctx, pod)
	if err != nil {
		return actions.Proof{}, err
	}
	if len(still) > 0 {
		p := actions.Refuted(sentence(still) + " still sends it traffic")
		p.Again = 2 * time.Second
		return p, nil
	}
	who, err := a.c.choosers(ctx, pod)
	if err != nil {
		return actions.Proof{}, err
	}
	p := actions.Stored("no Service has it among its endpoints", "whether the network plug-in enforces the policy cannot be read")
	for _, s := range picking(who.policies, want) {
		p.Seen = append(p.Seen, s+" still allows it some traffic")
	}
	return p, nil
}

// sentTo names the Services whose endpoints the pod is among. That is what kube-proxy
// acts on: https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
func (a *quarantinePod) sentTo(ctx context.Context, pod *corev1.Pod) ([]string, error) {
	found := map[string]bool{}
	err := list(ctx, a.c, endpoints, pod.Namespace, nil, func(l *discoveryv1.EndpointSliceList) {
		for _, s := range l.Items {
			for _, e := range s.Endpoints {
				if e.TargetRef != nil && e.TargetRef.UID == pod.UID {
					found["Service "+pod.Namespace+"/"+s.Labels[discoveryv1.LabelServiceName]] = true
				}
			}
		}
	})
	return slices.Sorted(maps.Keys(found)), err
}

// Preserve collects what is known of the pod and what it said.
func (a *quarantinePod) Preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	return a.c.preservePod(ctx, in.Target)
}
