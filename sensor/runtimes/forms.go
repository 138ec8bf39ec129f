package runtimes

import (
	"bytes"
	"encoding/json"
	"strings"
)

// texts are the annotations or labels of a container. Those that are no text are passed over.
type texts map[string]json.RawMessage

func (t texts) text(keys ...string) string {
	for _, k := range keys {
		var s string
		if json.Unmarshal(t[k], &s) == nil && s != "" {
			return s
		}
	}
	return ""
}

// annotations are those of an OCI config.json; nothing else of it counts.
func annotations(b []byte) texts {
	var in struct {
		Annotations texts `json:"annotations"`
	}
	if json.Unmarshal(b, &in) != nil {
		return nil
	}
	return in.Annotations
}

// ofContainerd reads a bundle of containerd: io.kubernetes.cri.* are its own (containerd,
// internal/cri/annotations/annotations.go). nerdctl passes its labels on as annotations; the
// image is not among them (nerdctl, pkg/labels/labels.go).
func ofContainerd(b []byte, _ string) (Names, bool) {
	a := annotations(b)
	n := Names{
		Image: a.text("io.kubernetes.cri.image-name"), Name: a.text("io.kubernetes.cri.container-name", "nerdctl/name"),
		Pod: a.text("io.kubernetes.cri.sandbox-name"), PodUID: a.text("io.kubernetes.cri.sandbox-uid"),
		Namespace: a.text("io.kubernetes.cri.sandbox-namespace"),
	}
	if a.text("io.kubernetes.cri.container-type") == "sandbox" {
		n.Name, n.Image = Sandbox, a.text("io.kubernetes.cri.podsandbox.image-name") // older ones do not say
	}
	return n.tamed()
}

// ofCRIO reads a config.json of CRI-O: io.kubernetes.cri-o.* are its own, and the kubelet's
// labels stand beside them (cri-o, pkg/annotations and internal/factory/container/container.go).
// Both are written after what the pod brought along, and of other runtimes' words none is
// taken: a pod cannot give its containers the image of others by an annotation.
func ofCRIO(b []byte, _ string) (Names, bool) {
	a := annotations(b)
	n := Names{
		Image: a.text("io.kubernetes.cri-o.ImageName", "io.kubernetes.cri-o.Image"), Name: a.text("io.kubernetes.container.name"),
		Pod: a.text("io.kubernetes.pod.name"), PodUID: a.text("io.kubernetes.pod.uid"), Namespace: a.text("io.kubernetes.pod.namespace"),
	}
	if a.text("io.kubernetes.cri-o.ContainerType") == "sandbox" {
		n.Name, n.Image = Sandbox, a.text("io.kubernetes.cri-o.Image")
	}
	return n.tamed()
}

// ofDocker reads config.v2.json. Config.Image is the image as it was asked for; the field
// Image beside it is its id. The labels of Kubernetes count where dockershim or cri-dockerd
// put its own there too (cri-dockerd, core/docker_service.go).
func ofDocker(b []byte, _ string) (Names, bool) {
	var in struct {
		Name   string
		Config struct {
			Image  string
			Labels texts
		}
	}
	if json.Unmarshal(b, &in) != nil {
		return Names{}, false
	}
	n := Names{Image: in.Config.Image, Name: strings.TrimPrefix(in.Name, "/")}
	l := in.Config.Labels
	kind := l.text("io.kubernetes.docker.type")
	if kind == "container" || kind == "podsandbox" {
		n.Name, n.Pod = l.text("io.kubernetes.container.name"), l.text("io.kubernetes.pod.name")
		n.PodUID, n.Namespace = l.text("io.kubernetes.pod.uid"), l.text("io.kubernetes.pod.namespace")
	}
	if kind == "podsandbox" {
		n.Name = Sandbox
	}
	return n.tamed()
}

// ofStorage reads the list of all containers of a storage, which may be thousands: only this
// one's entry. It begins with its id, because it is a Go struct that is written (containers/storage,
// containers.go), and so much with these quotes stands in no text. The metadata is JSON again,
// as Podman writes it (podman, libpod/storage.go).
func ofStorage(b []byte, id string) (Names, bool) {
	at := bytes.Index(b, []byte(`{"id":"`+id+`"`))
	if at < 0 {
		return Names{}, false
	}
	var c struct {
		Names    []string `json:"names"`
		Metadata string   `json:"metadata"`
	}
	if json.NewDecoder(bytes.NewReader(b[at:])).Decode(&c) != nil {
		return Names{}, false
	}
	var meta struct {
		Image string `json:"image-name"`
		Name  string `json:"name"`
	}
	_ = json.Unmarshal([]byte(c.Metadata), &meta)
	if meta.Name == "" && len(c.Names) > 0 {
		meta.Name = c.Names[0]
	}
	return Names{Image: meta.Image, Name: meta.Name}.tamed()
}
