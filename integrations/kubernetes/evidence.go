package kubernetes

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/tocsin-ir/tocsin/actions"
)

// keepRights is what preserving pods that were listed takes, evidenceRights one by its name.
var (
	keepRights     = []string{pods.right("list", ""), pods.right("get", "log"), events.right("list", "")}
	evidenceRights = rights(keepRights, pods.right("get", ""))
)

// preservePod collects a pod by the name somebody typed.
func (c *client) preservePod(ctx context.Context, target string) (actions.Evidence, error) {
	h, err := c.find(ctx, actions.KindPod, target, pods)
	if err != nil {
		return actions.Evidence{}, err
	}
	pod, err := get[corev1.Pod](ctx, c, pods, h.space, h.name)
	if err != nil {
		return actions.Evidence{}, err
	}
	items, err := c.keepPod(ctx, pod)
	return actions.Evidence{Items: items}, err
}

// keepPod is what can be had of one pod without touching it: what it is, with its state
// and the values of its environment; what happened to it; what each container says now,
// and what it said before it was last started again.
func (c *client) keepPod(ctx context.Context, pod *corev1.Pod) ([]actions.Item, error) {
	name := pod.Namespace + "_" + pod.Name
	from := "pod " + pod.Namespace + "/" + pod.Name
	pod.APIVersion, pod.Kind = "v1", "Pod"
	whole, err := asJSON(pod)
	if err != nil {
		return nil, err
	}
	items := []actions.Item{{Name: name + "_pod.json", From: from, Type: "application/json", Open: whole}}
	var told corev1.EventList
	err = list(ctx, c, events, pod.Namespace, map[string]string{"fieldSelector": "involvedObject.uid=" + string(pod.UID)}, func(l *corev1.EventList) {
		told.Items = append(told.Items, l.Items...)
	})
	if err != nil {
		return nil, err
	}
	happened, err := asJSON(told.Items)
	if err != nil {
		return nil, err
	}
	items = append(items, actions.Item{Name: name + "_events.json", From: from + "/events", Type: "application/json", Open: happened})
	st := pod.Status
	for _, cs := range [][]corev1.ContainerStatus{st.InitContainerStatuses, st.ContainerStatuses, st.EphemeralContainerStatuses} {
		for _, s := range cs {
			if s.State.Running != nil || s.State.Terminated != nil {
				items = append(items, c.logs(pod, s.Name, false))
			}
			if s.LastTerminationState.Terminated != nil {
				items = append(items, c.logs(pod, s.Name, true))
			}
		}
	}
	return items, nil
}

// logs is read when it is opened, to its end at that moment or actions.MaxItem.
func (c *client) logs(pod *corev1.Pod, container string, previous bool) actions.Item {
	which := "log"
	params := map[string]string{"container": container, "timestamps": "true", "limitBytes": fmt.Sprint(actions.MaxItem)}
	if previous {
		which = "previous-log"
		params["previous"] = "true"
	}
	ns, name := pod.Namespace, pod.Name
	return actions.Item{
		Name: strings.Join([]string{ns, name, container, which + ".txt"}, "_"),
		From: fmt.Sprintf("pod %s/%s/%s/%s", ns, name, container, which),
		Type: "text/plain",
		Open: func() (io.ReadCloser, error) {
			// The context of the call that listed it may be over by now.
			ctx, cancel := context.WithTimeout(context.Background(), readingLogs)
			body, err := c.stream(ctx, call{step: "read the " + which + " of " + container, verb: "get", of: pods, ns: ns, name: name, sub: "log", params: params})
			if err != nil {
				cancel()
				return nil, err
			}
			return &ending{body, cancel}, nil
		},
	}
}

const readingLogs = 5 * time.Minute // of one container, from the first byte to the last

// ending is a body whose call ends when it is closed.
type ending struct {
	io.ReadCloser
	end context.CancelFunc
}

func (e *ending) Close() error {
	defer e.end()
	return e.ReadCloser.Close()
}

func asJSON(v any) (func() (io.ReadCloser, error), error) {
	b, err := json.MarshalIndent(v, "", "  ")
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }, err
}
