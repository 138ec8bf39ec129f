package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/tocsin-ir/tocsin/actions"
)

func init() { makers = append(makers, newPinImage) }

// pinImage rolls out one image by its digest, which nobody can move as they can a tag.
type pinImage struct{ reversible }

// A reference with a digest: https://github.com/distribution/reference (grammar in reference.go).
var pinned = regexp.MustCompile(`^[a-z0-9][a-zA-Z0-9._:/-]*@sha256:[0-9a-f]{64}$`)

func newPinImage(c *client) actions.Action {
	a := &pinImage{reversible{deed{c: c, spec: actions.Spec{
		Name:  "kubernetes.pin-image",
		Title: "Roll out a pinned image",
		Does:  "Gives a container of a Deployment, StatefulSet or DaemonSet an image by its digest and lets the workload replace its pods.",
		Kind:  actions.KindWorkload,
		Params: []actions.Param{
			{Name: "image", Help: "name@sha256:… with all 64 digits", Required: true, Pattern: pinned, Max: 400},
			{Name: "container", Help: "which container; may be left out where there is one"},
		},
		Reversible: true,
		Destroys:   "the memory, the local files and the logs of the pods it replaces",
		Blast:      actions.BlastTeam,
		Rights: rights(keepRights, deployments.right("get", ""), deployments.right("list", ""), deployments.right("patch", ""),
			statefulsets.right("get", ""), statefulsets.right("list", ""), statefulsets.right("patch", ""),
			daemonsets.right("get", ""), daemonsets.right("list", ""), daemonsets.right("patch", "")),
		Proof:   "Its pods are read: each has to be ready and to run the digest, as its node reports it.",
		Example: "kubernetes.pin-image shop/web image=registry.example/shop/web@sha256:4f1c…",
	}}}}
	a.proof = a.rolledOut
	return a
}

// Plan says which image goes and which comes, and whether anything will be replaced.
func (a *pinImage) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	h, err := a.c.find(ctx, actions.KindWorkload, in.Target, rolling...)
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
	container, err := which(w.template.Spec, in.Params["container"])
	if err != nil {
		return actions.Plan{}, err
	}
	all, err := a.c.podsOf(ctx, w)
	if err != nil {
		return actions.Plan{}, err
	}
	p := plan(a.spec, a.c.target(actions.KindWorkload, h), in)
	p, err = a.c.planParts(ctx, p, []part{{Field: "image", Space: h.space, Name: h.name, UID: h.uid, Sub: h.of.name + "/" + container}}, []any{in.Params["image"]})
	if err != nil {
		return p, err
	}
	if !p.Already && len(all) > 0 {
		p.Lost = []string{fmt.Sprintf("what is in the memory and on the own disks of the pods that are replaced: %d", len(all))}
	}
	if w.stuck != "" {
		p.Warnings = append(p.Warnings, "Nothing rolls out by itself: "+w.stuck+".")
	}
	p.Warnings = append(p.Warnings, "What deploys it, such as GitOps or an operator, may put the old image back.")
	return p, nil
}

// which is the container meant. Init containers run code as well and may be named.
func which(s corev1.PodSpec, name string) (string, error) {
	if name == "" && len(s.Containers) == 1 {
		return s.Containers[0].Name, nil
	}
	var all []string
	for _, c := range slices.Concat(s.InitContainers, s.Containers) {
		if c.Name == name {
			return name, nil
		}
		all = append(all, c.Name)
	}
	return "", &actions.BadParam{Name: "container", Why: "is one of " + strings.Join(all, ", ")}
}

// rolledOut looks at every pod: that the template was changed is not that it runs.
func (a *pinImage) rolledOut(ctx context.Context, _ actions.Receipt, parts []part) (actions.Proof, error) {
	of, container, _ := strings.Cut(parts[0].Sub, "/")
	var image string
	if err := json.Unmarshal(parts[0].Value, &image); err != nil {
		return actions.Proof{}, err
	}
	w, err := a.c.workload(ctx, named(rolling, of), parts[0].Space, parts[0].Name)
	if err != nil {
		return actions.Proof{}, err
	}
	all, err := a.c.podsOf(ctx, w)
	if err != nil {
		return actions.Proof{}, err
	}
	good, other := 0, 0
	for _, p := range all {
		switch runs(p, container, image) {
		case actions.InEffect:
			good++
		case actions.Unproven:
			other++
		}
	}
	switch {
	case good+other < len(all) || len(all) == 0:
		p := actions.Refuted(fmt.Sprintf("%d of %d pods run it and are ready", good+other, len(all)))
		p.Again = 5 * time.Second
		return p, nil
	case other > 0:
		return actions.Stored(fmt.Sprintf("%d of %d pods were started with it and are ready, but their nodes report another image id, as some do for images of several platforms", other, len(all))), nil
	}
	return actions.Proven(fmt.Sprintf("every pod runs it and is ready: %d", len(all))), nil
}

// runs says whether a pod runs the image: Unproven where it was started with it and its
// node names it by another digest.
func runs(p corev1.Pod, container, image string) actions.Standing {
	i := slices.IndexFunc(slices.Concat(p.Spec.InitContainers, p.Spec.Containers), func(c corev1.Container) bool { return c.Name == container && c.Image == image })
	st := slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses)
	j := slices.IndexFunc(st, func(s corev1.ContainerStatus) bool { return s.Name == container })
	ready := slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue })
	if i < 0 || j < 0 || !ready || p.DeletionTimestamp != nil {
		return actions.NotInEffect
	}
	if _, digest, ok := strings.Cut(image, "@"); ok && !strings.HasSuffix(st[j].ImageID, digest) {
		return actions.Unproven
	}
	return actions.InEffect
}

// Preserve collects every pod that would be replaced.
func (a *pinImage) Preserve(ctx context.Context, in actions.Input) (actions.Evidence, error) {
	return a.c.preserveWorkload(ctx, in.Target, rolling)
}

func init() {
	fields["image"] = field{
		read: func(ctx context.Context, c *client, p part) (any, string, error) {
			of, container, _ := strings.Cut(p.Sub, "/")
			w, err := c.workload(ctx, named(rolling, of), p.Space, p.Name)
			if notFound(err) || err == nil && w.uid != p.UID {
				return nil, "", errGone
			}
			if err != nil {
				return nil, "", err
			}
			for _, ct := range slices.Concat(w.template.Spec.InitContainers, w.template.Spec.Containers) {
				if ct.Name == container {
					return ct.Image, w.version, nil
				}
			}
			return nil, "", errGone
		},
		write: writeImage,
		says: func(p part) string {
			of, container, _ := strings.Cut(p.Sub, "/")
			var image string
			_ = json.Unmarshal(p.Value, &image)
			return fmt.Sprintf("%s %s: container %s has image %s", named(rolling, of).kind, p.full(), container, image)
		},
	}
}

// writeImage sends the one container by its name, as a strategic merge: sent whole, the list
// would lose what a newer server knows of containers and this program does not.
func writeImage(ctx context.Context, c *client, p part, now reading) error {
	of, container, _ := strings.Cut(p.Sub, "/")
	w, err := c.workload(ctx, named(rolling, of), p.Space, p.Name)
	if err != nil {
		return err
	}
	list := "containers"
	if slices.ContainsFunc(w.template.Spec.InitContainers, func(c corev1.Container) bool { return c.Name == container }) {
		list = "initContainers"
	}
	change, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": now.version, "uid": p.UID},
		"spec":     map[string]any{"template": map[string]any{"spec": map[string]any{list: []any{map[string]any{"name": container, "image": p.Value}}}}}})
	if err != nil {
		return err
	}
	return c.into(ctx, call{step: "change the image", verb: "patch", of: w.of, ns: p.Space, name: p.Name, body: change, strategic: true}, nil)
}
