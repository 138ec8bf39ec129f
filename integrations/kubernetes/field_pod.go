package kubernetes

import (
	"context"
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
)

func init() {
	fields["labels"] = field{
		read: func(ctx context.Context, c *client, p part) (any, string, error) {
			pod, err := c.samePod(ctx, p)
			if err != nil {
				return nil, "", err
			}
			if pod.Labels == nil {
				pod.Labels = map[string]string{}
			}
			return pod.Labels, pod.ResourceVersion, nil
		},
		write: writeLabels,
		says: func(p part) string {
			var l map[string]string
			_ = json.Unmarshal(p.Value, &l)
			if l[labelQuarantine] != "" {
				return "pod " + p.full() + ": without the labels by which Services and owner pick it"
			}
			return "pod " + p.full() + ": labels as they were"
		},
	}
}

// samePod reads the pod of a part; errGone when there is none or another of its name.
func (c *client) samePod(ctx context.Context, p part) (*corev1.Pod, error) {
	pod, err := get[corev1.Pod](ctx, c, pods, p.Space, p.Name)
	if notFound(err) || err == nil && string(pod.UID) != p.UID {
		return nil, errGone
	}
	return pod, err
}

func writeLabels(ctx context.Context, c *client, p part, now reading) error {
	var from, to map[string]string
	if err := json.Unmarshal(now.value, &from); err != nil {
		return err
	}
	if err := json.Unmarshal(p.Value, &to); err != nil {
		return err
	}
	change := map[string]any{}
	for k := range from {
		change[k] = nil
	}
	for k, v := range to {
		change[k] = v
	}
	notes := map[string]any{annotationLabels: nil}
	if to[labelQuarantine] != "" {
		notes[annotationLabels] = string(now.value)
	}
	return c.patch(ctx, pods, p, "", "change the pod's labels", map[string]any{
		"metadata": map[string]any{"labels": change, "annotations": notes, "resourceVersion": now.version, "uid": p.UID}})
}
