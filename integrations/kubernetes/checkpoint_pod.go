package kubernetes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

func init() { makers = append(makers, newCheckpointPod) }

// checkpointPod has the kubelet write containers, with their memory, into archives on the
// node. https://kubernetes.io/docs/reference/node/kubelet-checkpoint-api/
type checkpointPod struct{ deed }

func newCheckpointPod(c *client) actions.Action {
	a := &checkpointPod{deed{c: c, spec: actions.Spec{
		Name:   "kubernetes.checkpoint-pod",
		Title:  "Checkpoint a pod's containers",
		Does:   "Has the kubelet write each running container, with its memory, into an archive on the node; the containers go on.",
		Kind:   actions.KindPod,
		Params: []actions.Param{{Name: "container", Help: "only this one; all that run where it is left out"}},
		Blast:  actions.BlastTarget,
		Rights: rights([]string{pods.right("get", ""), pods.right("list", ""), pods.right("patch", ""), nodes.right("create", "proxy")}),
		Proof: "The mark on the pod that names the archives is read again; no API shows the archives themselves, so that the best is " +
			"\"stored, enforcement not proven\".",
		Example: "kubernetes.checkpoint-pod shop/web-7f9c-x2x container=app",
	}}}
	a.proof = func(ctx context.Context, r actions.Receipt, parts []part) (actions.Proof, error) {
		where, err := a.archives(ctx, parts)
		if err != nil {
			return actions.Proof{}, err
		}
		p := actions.Stored("no API shows whether the archives are there; fetch them from the node")
		for _, w := range where {
			p.Seen = append(p.Seen, "the kubelet says it wrote "+w)
		}
		return p, nil
	}
	return a
}

// Plan says which containers are written, and where.
func (a *checkpointPod) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	h, err := a.c.find(ctx, actions.KindPod, in.Target, pods)
	if err != nil {
		return actions.Plan{}, err
	}
	pod, err := get[corev1.Pod](ctx, a.c, pods, h.space, h.name)
	if err != nil {
		return actions.Plan{}, err
	}
	if err := a.c.sparePod(ctx, pod); err != nil {
		return actions.Plan{}, err
	}
	var parts []part
	var wants []any
	for _, s := range pod.Status.ContainerStatuses {
		if s.State.Running != nil && (in.Params["container"] == "" || in.Params["container"] == s.Name) {
			parts, wants = append(parts, part{Field: "checkpoint", Space: h.space, Name: h.name, UID: h.uid, Sub: s.Name + "/" + short8(in.Key)}), append(wants, true)
		}
	}
	if len(parts) == 0 {
		return actions.Plan{}, &actions.BadParam{Name: "container", Why: "no such container of the pod is running"}
	}
	p := plan(a.spec, a.c.target(actions.KindPod, h), in)
	if p, err = a.c.planParts(ctx, p, parts, wants); err != nil {
		return p, err
	}
	p.Warnings = []string{
		"The archives stay on node " + pod.Spec.NodeName + " until somebody takes them away, and have every secret in the containers' memory.",
		"A container stands still while it is written.",
	}
	return p, nil
}

// Do does what the plan says and adds where the kubelet put the archives.
func (a *checkpointPod) Do(ctx context.Context, p actions.Plan) (actions.Receipt, error) {
	r, err := a.deed.Do(ctx, p)
	if err != nil {
		return r, err
	}
	parts, err := partsOf(p.Want)
	if err != nil {
		return r, err
	}
	where, err := a.archives(ctx, parts)
	for i, w := range where {
		if r.Ref == nil {
			r.Ref = map[string]string{}
		}
		container, _, _ := strings.Cut(parts[i].Sub, "/")
		r.Ref[container] = w
	}
	return r, err
}

func (a *checkpointPod) archives(ctx context.Context, parts []part) ([]string, error) {
	if len(parts) == 0 {
		return nil, nil
	}
	pod, err := a.c.samePod(ctx, parts[0])
	if err != nil {
		return nil, err
	}
	var out []string
	for _, p := range parts {
		_, path, _ := strings.Cut(pod.Annotations[markOf(p)], " ")
		out = append(out, path+" on node "+pod.Spec.NodeName)
	}
	return out, nil
}

// markOf is the annotation by which a second attempt knows that the first came through.
func markOf(p part) string {
	container, _, _ := strings.Cut(p.Sub, "/")
	return "checkpoint.tocsin.dev/" + container
}

func short8(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:8])
}

func init() {
	fields["checkpoint"] = field{
		read: func(ctx context.Context, c *client, p part) (any, string, error) {
			pod, err := c.samePod(ctx, p)
			if err != nil {
				return nil, "", err
			}
			_, request, _ := strings.Cut(p.Sub, "/")
			return strings.HasPrefix(pod.Annotations[markOf(p)], request+" "), pod.ResourceVersion, nil
		},
		write: writeCheckpoint,
		says: func(p part) string {
			container, _, _ := strings.Cut(p.Sub, "/")
			return "pod " + p.full() + ": container " + container + " written into an archive on its node"
		},
	}
}

// writeCheckpoint asks the kubelet, then marks the pod with the answer. Whoever dies between
// the two makes a second archive later, which harms nothing.
func writeCheckpoint(ctx context.Context, c *client, p part, _ reading) error {
	pod, err := c.samePod(ctx, p)
	if err != nil {
		return err
	}
	container, request, _ := strings.Cut(p.Sub, "/")
	archive, err := c.checkpoint(ctx, pod, container)
	if err != nil {
		return err
	}
	err = c.patch(ctx, pods, p, "", "mark the pod", map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{markOf(p): request + " " + archive}, "uid": p.UID}})
	if err != nil {
		return &begun{err}
	}
	return nil
}

// checkpoint asks by way of the API server; the kubelet answers {"items": [path]}.
func (c *client) checkpoint(ctx context.Context, pod *corev1.Pod, container string) (string, error) {
	if err := c.conf.Pace.Take(ctx, limitCalls, rateCalls); err != nil {
		return "", err
	}
	q := call{step: "have the kubelet write the container", verb: "create", of: nodes, name: pod.Spec.NodeName, sub: "proxy"}
	res := c.request(q).Suffix("checkpoint", pod.Namespace, pod.Name, container).Do(ctx)
	err := q.trouble(ctx, res.Error())
	switch {
	case isStatus(err, 404), isStatus(err, 405):
		return "", incident.GiveUp(errors.New("the kubelet of node " + pod.Spec.NodeName + " offers no checkpoints"))
	case isStatus(err, 500):
		return "", incident.GiveUp(errors.New("the container runtime of node " + pod.Spec.NodeName + " could not write a checkpoint"))
	case err != nil:
		return "", err
	}
	raw, err := res.Raw()
	if err != nil {
		return "", q.trouble(ctx, err)
	}
	return archiveOf(raw)
}

const maxPath = 4096 // bytes, PATH_MAX

// archiveOf reads the path out of a kubelet's answer.
func archiveOf(raw []byte) (string, error) {
	var got struct {
		Items []string `json:"items"`
	}
	if err := json.Unmarshal(raw, &got); err != nil || len(got.Items) != 1 || got.Items[0] == "" || len(got.Items[0]) > maxPath ||
		strings.ContainsFunc(got.Items[0], func(r rune) bool { return r < ' ' || r == 0x7f || r > 0x7e }) {
		return "", fmt.Errorf("have the kubelet write the container: its answer names no archive")
	}
	return got.Items[0], nil
}
