package kubernetes

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
)

// world is one test's part of the cluster, and the wire to it on which things can go wrong.
type world struct {
	t       testing.TB
	c       *cluster
	ns      string
	front   *httptest.Server
	token   string // Tocsin's own
	secrets []string
	disturb func()
	counted []string // paths of the objects and lists the action is about

	// mu guards everything that follows.
	mu     sync.Mutex
	seen   map[string]string // by path and name: what it was
	count  int
	status int
	times  int
	writes bool
	lies   bool
	after  int             // writes that still come through before none does
	rights map[string]bool // that the requests until now took
}

// newWorld makes a namespace with a node of its own, and a Tocsin that has the rights of
// the specs given and no others.
func newWorld(t testing.TB, specs ...actions.Spec) *world {
	t.Helper()
	c := start(t)
	sum := sha256.Sum256([]byte(t.Name() + time.Now().String()))
	w := &world{t: t, c: c, ns: fmt.Sprintf("shop-%x", sum[:5]), disturb: func() {}}
	c.must(t, http.MethodPost, "/api/v1/namespaces", obj{"metadata": obj{"name": w.ns}})
	w.makeNode()
	t.Cleanup(func() {
		c.ask(http.MethodDelete, "/api/v1/namespaces/"+w.ns, "", nil)
		c.ask(http.MethodDelete, "/api/v1/nodes/node-"+w.ns, "", nil)
	})
	until(t, "the namespace has its default account", func() bool {
		status, _ := c.ask(http.MethodGet, "/api/v1/namespaces/"+w.ns+"/serviceaccounts/default", "", nil)
		return status == 200
	})
	w.token = w.tocsin(specs)
	w.secrets = append(w.secrets, w.token)
	to, _ := url.Parse(c.base)
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.Transport, proxy.FlushInterval = c.http.Transport, -1
	w.front = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.used(r)
		if status := w.fault(r); status != 0 {
			w.refuse(rw, r, status)
			return
		}
		r.Host = to.Host
		proxy.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.front.Close)
	return w
}

func (w *world) makeNode() {
	w.c.must(w.t, http.MethodPost, "/api/v1/nodes", obj{"metadata": obj{"name": "node-" + w.ns, "labels": obj{"shop": w.ns}}})
	w.c.must(w.t, http.MethodPatch, "/api/v1/nodes/node-"+w.ns+"/status", obj{"status": obj{
		"addresses":       []obj{{"type": "InternalIP", "address": hostAddress()}},
		"daemonEndpoints": obj{"kubeletEndpoint": obj{"Port": w.c.kube.port}},
		"conditions":      []obj{{"type": "Ready", "status": "True"}}}})
	// Nodes are born not ready; the controller that takes the taint away is not running.
	w.c.must(w.t, http.MethodPatch, "/api/v1/nodes/node-"+w.ns, obj{"spec": obj{"taints": nil}})
}

// tocsin makes an account bound to the specs' roles, and returns a token of it that works.
func (w *world) tocsin(specs []actions.Spec) string {
	w.t.Helper()
	c, path := w.c, "/api/v1/namespaces/"+w.ns+"/serviceaccounts"
	c.must(w.t, http.MethodPost, path, obj{"metadata": obj{"name": "tocsin"}})
	for _, s := range specs {
		name := w.ns + ":" + s.Name
		var role obj
		if err := json.Unmarshal(roleJSON(name, s.Rights), &role); err != nil {
			w.t.Fatal(err)
		}
		c.must(w.t, http.MethodPost, "/apis/rbac.authorization.k8s.io/v1/clusterroles", role)
		c.must(w.t, http.MethodPost, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", obj{"metadata": obj{"name": name},
			"roleRef":  obj{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
			"subjects": []obj{{"kind": "ServiceAccount", "namespace": w.ns, "name": "tocsin"}}})
		w.t.Cleanup(func() {
			c.ask(http.MethodDelete, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/"+name, "", nil)
			c.ask(http.MethodDelete, "/apis/rbac.authorization.k8s.io/v1/clusterroles/"+name, "", nil)
		})
	}
	token := c.must(w.t, http.MethodPost, path+"/tocsin/token", obj{"spec": obj{"expirationSeconds": 3600}}).text("status", "token")
	for _, s := range specs {
		for _, right := range s.Rights {
			until(w.t, "Tocsin may "+right, func() bool { return w.may(token, right) })
		}
	}
	return token
}

// may asks the API server itself.
func (w *world) may(token, right string) bool {
	r, err := ruleOf(right)
	if err != nil {
		w.t.Fatal(err)
	}
	_, answer := w.c.ask(http.MethodPost, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", token, obj{"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
		"spec": obj{"resourceAttributes": obj{"verb": r.verb, "group": r.group, "resource": r.resource, "subresource": r.sub}}})
	var got obj
	_ = json.Unmarshal(answer, &got)
	return got.at("status", "allowed") == true
}

// action is one of Tocsin's, speaking through the front.
func (w *world) action(name string) actions.Action {
	w.t.Helper()
	all, err := Actions(Config{Server: w.front.URL, Token: actions.Secret(w.token)})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, a := range all {
		if a.Spec().Name == name {
			return a
		}
	}
	w.t.Fatalf("there is no %s", name)
	return nil
}

func isWrite(r *http.Request) bool {
	return r.Method != http.MethodGet && !strings.Contains(r.URL.Path, "/selfsubject")
}

// fault decides what goes wrong with a request; 0 is nothing. A liar's writes are dry runs:
// the API server checks and answers them in full, and keeps nothing.
func (w *world) fault(r *http.Request) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lies && isWrite(r) {
		q := r.URL.Query()
		q.Set("dryRun", "All")
		r.URL.RawQuery = q.Encode()
		if r.Method == http.MethodDelete { // whose body, where there is one, stands for the query
			how := obj{}
			_ = json.NewDecoder(r.Body).Decode(&how)
			how["dryRun"] = []string{"All"}
			b, _ := json.Marshal(how)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
		}
	}
	if w.after > 0 && isWrite(r) {
		if w.after--; w.after == 0 {
			w.status, w.times, w.writes = http.StatusServiceUnavailable, -1, true
		}
		return 0
	}
	if w.times == 0 || w.writes && !isWrite(r) {
		return 0
	}
	w.times--
	return w.status
}

// refuse answers as the API server does, with a message that repeats too much.
func (w *world) refuse(rw http.ResponseWriter, r *http.Request, status int) {
	reason := map[int]string{400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 410: "Expired",
		422: "Invalid", 429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout"}[status]
	message := "as " + r.Header.Get("Authorization") + ": refused"
	if status == 403 {
		verb := map[string]string{"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[r.Method]
		message = fmt.Sprintf(`pods "web" is forbidden: User %q cannot %s resource "pods" in API group "" in the namespace %q`, r.Header.Get("Authorization"), verb, w.ns)
	}
	out := obj{"kind": "Status", "apiVersion": "v1", "metadata": obj{}, "status": "Failure", "message": message, "reason": reason, "code": status}
	if status == 429 {
		rw.Header().Set("Retry-After", "7")
		out["details"] = obj{"retryAfterSeconds": 7}
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(out)
}

// Fail makes the front answer by itself.
func (w *world) Fail(status, n int, writes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status, w.times, w.writes = status, n, writes
}

// failAfter lets n writes through and answers 503 to those that follow.
func (w *world) failAfter(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.after = n
}

// Lie makes every write a dry run.
func (w *world) Lie() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lies = true
}

// Disturb is somebody else.
func (w *world) Disturb() { w.disturb() }

// Secrets are Tocsin's token and what the case adds.
func (w *world) Secrets() []string { return w.secrets }

// Changes counts the objects the action is about that are not what they were when it was
// last asked, as the API server has them.
func (w *world) Changes() int {
	now := w.read(false)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen != nil {
		for k, v := range now {
			if w.seen[k] != v {
				w.count++
			}
		}
		for k := range w.seen {
			if _, ok := now[k]; !ok {
				w.count++
			}
		}
	}
	w.seen = now
	return w.count
}

// Look is what those objects say, without what is new in any object made again.
func (w *world) Look() any { return w.read(true) }

func (w *world) read(look bool) map[string]string {
	out := map[string]string{}
	for _, path := range w.counted {
		status, answer := w.c.ask(http.MethodGet, path, "", nil)
		if status == 404 {
			continue
		}
		var o obj
		if err := json.Unmarshal(answer, &o); err != nil || status != 200 {
			w.t.Fatalf("%s: %d %s", path, status, answer)
		}
		items := []obj{o}
		if _, many := o["items"]; many {
			items = o.list("items")
		}
		for _, it := range items {
			b, err := json.Marshal(w.essence(it, look))
			if err != nil {
				w.t.Fatal(err)
			}
			out[path+" "+it.text("metadata", "name")] = string(b)
		}
	}
	for _, path := range w.counted {
		if pod, ok := strings.CutPrefix(path, "/api/v1/namespaces/"+w.ns+"/pods/"); ok {
			out["archives"] = fmt.Sprint(w.c.kube.written(w.ns + "/" + pod))
		}
	}
	return out
}

// essence leaves out what the servers themselves write all the time.
func (w *world) essence(o obj, look bool) obj {
	m, _ := o["metadata"].(map[string]any)
	keep := obj{}
	for k, v := range o {
		if k != "status" && k != "metadata" {
			keep[k] = v
		}
	}
	keep["name"], keep["labels"], keep["annotations"] = m["name"], m["labels"], m["annotations"]
	if !look {
		keep["uid"] = m["uid"]
	}
	if notes, ok := m["annotations"].(map[string]any); ok {
		delete(notes, "deployment.kubernetes.io/revision")
		if len(notes) == 0 {
			delete(keep, "annotations")
		}
	}
	if subjects, ok := o["subjects"].([]any); ok {
		slices.SortFunc(subjects, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
	return keep
}
