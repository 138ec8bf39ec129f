package kubernetes

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// kubelet stands in for scheduler and kubelets: it binds every pod to the node of its
// namespace, says that it runs, lets it go when it is deleted, and has its logs. It
// speaks to the API server only, by the certificate that one shows.
//
// It answers as https://kubernetes.io/docs/reference/node/kubelet-checkpoint-api/ says: 404
// for what it does not have, 500 where the runtime cannot.
type kubelet struct {
	c      *cluster
	server *http.Server
	port   int
	cancel context.CancelFunc
	done   sync.WaitGroup

	// mu guards everything that follows.
	mu       sync.Mutex
	archives map[string]int  // by pod: how many checkpoints were written
	deaf     map[string]bool // namespaces whose kubelet has no checkpoints
	broken   map[string]bool // namespaces whose runtime cannot write them
	stuck    map[string]bool // namespaces where nothing that is new starts
}

func startKubelet(c *cluster) (*kubelet, error) {
	k := &kubelet{c: c, archives: map[string]int{}, deaf: map[string]bool{}, broken: map[string]bool{}, stuck: map[string]bool{}}
	cert, err := tls.LoadX509KeyPair(c.path("kubelet.crt"), c.path("kubelet.key"))
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", hostAddress()+":0")
	if err != nil {
		return nil, err
	}
	k.port = l.Addr().(*net.TCPAddr).Port
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{ns}/{pod}/{container}", k.logs)
	mux.HandleFunc("POST /checkpoint/{ns}/{pod}/{container}", k.checkpoint)
	k.server = &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) == 0 || string(r.TLS.PeerCertificates[0].Raw) != string(cert.Certificate[0]) {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	})}
	tl := tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequestClientCert})
	ctx, cancel := context.WithCancel(context.Background())
	k.cancel = cancel
	k.done.Go(func() { _ = k.server.Serve(tl) })
	k.done.Go(func() { c.watch(ctx, "/api/v1/pods", k.see) })
	return k, nil
}

func (k *kubelet) stop() {
	k.cancel()
	_ = k.server.Close()
	k.done.Wait()
}

// see does what scheduler and kubelet would about one pod.
func (k *kubelet) see(kind string, pod obj) {
	ns, name := pod.text("metadata", "namespace"), pod.text("metadata", "name")
	path := "/api/v1/namespaces/" + ns + "/pods/" + name
	k.mu.Lock()
	stuck := k.stuck[ns]
	k.mu.Unlock()
	switch {
	case kind == "DELETED" || kind == "BOOKMARK" || kind == "ERROR":
	case pod.text("metadata", "deletionTimestamp") != "":
		k.c.ask(http.MethodDelete, path, "", obj{"gracePeriodSeconds": 0, "preconditions": obj{"uid": pod.text("metadata", "uid")}})
	case stuck:
	case pod.text("spec", "nodeName") == "":
		k.c.ask(http.MethodPost, path+"/binding", "", obj{"apiVersion": "v1", "kind": "Binding", "metadata": obj{"name": name}, "target": obj{"kind": "Node", "name": "node-" + ns}})
	case pod.text("status", "phase") == "Pending":
		k.c.ask(http.MethodPatch, path+"/status", "", obj{"status": k.running(pod)})
	}
}

// running is the status of a pod whose containers all run. One called "crashy" has been
// started before.
func (k *kubelet) running(pod obj) obj {
	now := time.Now().UTC().Format(time.RFC3339)
	sum := sha256.Sum256([]byte(pod.text("metadata", "uid")))
	var cs []obj
	for _, ct := range pod.list("spec", "containers") {
		image := ct.text("image")
		id := image
		if !strings.Contains(image, "@") {
			d := sha256.Sum256([]byte(image))
			id = image + "@sha256:" + hex.EncodeToString(d[:])
		}
		s := obj{"name": ct.text("name"), "image": image, "imageID": id, "ready": true, "started": true, "restartCount": 0,
			"containerID": "containerd://" + ct.text("name"), "state": obj{"running": obj{"startedAt": now}}}
		if ct.text("name") == "crashy" {
			s["restartCount"], s["lastState"] = 1, obj{"terminated": obj{"exitCode": 137, "reason": "OOMKilled", "startedAt": now, "finishedAt": now}}
		}
		cs = append(cs, s)
	}
	return obj{"phase": "Running", "podIP": fmt.Sprintf("10.%d.%d.%d", sum[0], sum[1], max(sum[2], 1)), "podIPs": []obj{{"ip": fmt.Sprintf("10.%d.%d.%d", sum[0], sum[1], max(sum[2], 1))}},
		"startTime": now, "containerStatuses": cs,
		"conditions": []obj{{"type": "Ready", "status": "True", "lastTransitionTime": now}, {"type": "ContainersReady", "status": "True", "lastTransitionTime": now}}}
}

func (k *kubelet) logs(w http.ResponseWriter, r *http.Request) {
	which := "now"
	if r.URL.Query().Get("previous") == "true" {
		if r.PathValue("container") != "crashy" {
			http.Error(w, "previous terminated container not found", http.StatusBadRequest)
			return
		}
		which = "before it was killed"
	}
	_, _ = fmt.Fprintf(w, "2026-11-25T22:00:00Z %s says: %s\n", r.PathValue("container"), which)
}

func (k *kubelet) checkpoint(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	ns, pod := r.PathValue("ns"), r.PathValue("pod")
	switch {
	case k.deaf[ns]:
		http.NotFound(w, r)
		return
	case k.broken[ns]:
		http.Error(w, "checkpointing of "+ns+"/"+pod+" failed (rpc error: code = Unimplemented)", http.StatusInternalServerError)
		return
	}
	if status, _ := k.c.ask(http.MethodGet, "/api/v1/namespaces/"+ns+"/pods/"+pod, "", nil); status != 200 {
		http.Error(w, "pod does not exist", http.StatusNotFound)
		return
	}
	k.archives[ns+"/"+pod]++
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"items":["/var/lib/kubelet/checkpoints/checkpoint-%s_%s-%s-%d.tar"]}`, pod, ns, r.PathValue("container"), os.Getpid())
}

func (k *kubelet) written(pod string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.archives[pod]
}

// hold keeps what is new in a namespace from starting, as when an image cannot be had.
func (k *kubelet) hold(ns string, on bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stuck[ns] = on
}
