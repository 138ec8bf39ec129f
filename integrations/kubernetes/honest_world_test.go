package kubernetes

import (
	"net/http"
	"strings"
	"time"
)

// What is in a world: a shop with a Service in front of what it runs.

func (w *world) core(rest string) string { return "/api/v1/namespaces/" + w.ns + "/" + rest }

func (w *world) apis(group, rest string) string {
	return "/apis/" + group + "/namespaces/" + w.ns + "/" + rest
}

func (w *world) make(path string, o obj) obj {
	w.t.Helper()
	return w.c.must(w.t, http.MethodPost, path, o)
}

func (w *world) change(path string, o obj) {
	w.t.Helper()
	w.c.must(w.t, http.MethodPatch, path, o)
}

func (w *world) see(path string) obj {
	status, answer := w.c.ask(http.MethodGet, path, "", nil)
	if status != 200 {
		return nil
	}
	return decode(w.t, answer)
}

// again deletes an object and makes it anew, as somebody does who starts over; what is
// meant by its name is then another.
func (w *world) again(path string) {
	w.t.Helper()
	o := w.see(path)
	w.c.must(w.t, http.MethodDelete, path, obj{"gracePeriodSeconds": 0, "propagationPolicy": "Background"})
	until(w.t, "it is deleted", func() bool { return w.see(path) == nil })
	w.make(path[:strings.LastIndex(path, "/")], obj{"apiVersion": o["apiVersion"], "kind": o["kind"], "spec": o["spec"],
		"metadata": obj{"name": o.text("metadata", "name"), "labels": o.at("metadata", "labels")}})
}

func (w *world) service() {
	w.make(w.core("services"), obj{"metadata": obj{"name": "web"}, "spec": obj{"selector": obj{"app": "web"}, "ports": []obj{{"port": 80}}}})
}

func podSpec(image string, containers ...string) obj {
	var cs []obj
	for _, name := range containers {
		cs = append(cs, obj{"name": name, "image": image, "env": []obj{{"name": "MODE", "value": "production"}}})
	}
	return obj{"containers": cs, "automountServiceAccountToken": false}
}

// pod makes a pod nobody owns, and waits until it runs.
func (w *world) pod(name string, containers ...string) {
	w.t.Helper()
	w.make(w.core("pods"), obj{"metadata": obj{"name": name, "labels": obj{"app": "web", "tier": "front"}}, "spec": podSpec("registry.test/web:1", containers...)})
	until(w.t, "the pod runs", func() bool { return w.see(w.core("pods/"+name)).text("status", "phase") == "Running" })
}

// deployment makes one and waits until all its pods are ready.
func (w *world) deployment(name string, replicas int) {
	w.t.Helper()
	w.make(w.apis("apps/v1", "deployments"), obj{"metadata": obj{"name": name}, "spec": obj{"replicas": replicas, "selector": obj{"matchLabels": obj{"app": name}},
		"template": obj{"metadata": obj{"labels": obj{"app": name}}, "spec": podSpec("registry.test/"+name+":1", "app")}}})
	until(w.t, "the deployment is ready", func() bool {
		return w.see(w.apis("apps/v1", "deployments/"+name)).at("status", "readyReplicas") == float64(replicas)
	})
}

// podsOfApp are the names of the pods that have the label, sorted by the API server.
func (w *world) podsOfApp(app string) []string {
	var out []string
	for _, p := range w.see(w.core("pods?labelSelector=app%3D" + app)).list("items") {
		if p.text("metadata", "deletionTimestamp") == "" {
			out = append(out, p.text("metadata", "name"))
		}
	}
	return out
}

// account makes a service account with a role binding, and a token of it that works.
func (w *world) account(name string) (token string) {
	w.t.Helper()
	w.make(w.core("serviceaccounts"), obj{"metadata": obj{"name": name, "labels": obj{"team": "build"}, "annotations": obj{"mail": "build@example.test"}}, "imagePullSecrets": []obj{{"name": "registry"}}})
	w.bind("builders", name)
	token = w.make(w.core("serviceaccounts/"+name+"/token"), obj{"spec": obj{"expirationSeconds": 3600}}).text("status", "token")
	w.secrets = append(w.secrets, token)
	until(w.t, "the account may list pods", func() bool { return w.works(token) == 200 })
	return token
}

// works is what the API server answers who lists pods with a token.
func (w *world) works(token string) int {
	status, _ := w.c.ask(http.MethodGet, w.core("pods"), token, nil)
	return status
}

// bind gives an account, and carol, the right to list pods here.
func (w *world) bind(binding, account string) {
	const rbac = "rbac.authorization.k8s.io"
	w.make(w.apis(rbac+"/v1", "roles"), obj{"metadata": obj{"name": binding}, "rules": []obj{{"apiGroups": []string{""}, "resources": []string{"pods"}, "verbs": []string{"list"}}}})
	w.make(w.apis(rbac+"/v1", "rolebindings"), obj{"metadata": obj{"name": binding}, "roleRef": obj{"apiGroup": rbac, "kind": "Role", "name": binding},
		"subjects": []obj{{"kind": "ServiceAccount", "namespace": w.ns, "name": account}, {"kind": "User", "apiGroup": rbac, "name": "carol"}}})
}

// bindEverywhere gives it a role in the whole cluster, as the user that it also is.
func (w *world) bindEverywhere(account string) (path string) {
	const rbac = "rbac.authorization.k8s.io"
	name := w.ns + ":everywhere"
	path = "/apis/" + rbac + "/v1/clusterrolebindings"
	w.make(path, obj{"metadata": obj{"name": name}, "roleRef": obj{"apiGroup": rbac, "kind": "ClusterRole", "name": "system:node-problem-detector"},
		"subjects": []obj{{"kind": "User", "apiGroup": rbac, "name": "system:serviceaccount:" + w.ns + ":" + account}}})
	w.t.Cleanup(func() { w.c.ask(http.MethodDelete, path+"/"+name, "", nil) })
	return path + "/" + name
}

func (w *world) storedToken(secret, account string) {
	w.make(w.core("secrets"), obj{"metadata": obj{"name": secret, "annotations": obj{"kubernetes.io/service-account.name": account}}, "type": "kubernetes.io/service-account-token"})
	until(w.t, "the Secret has its token", func() bool { return w.see(w.core("secrets/"+secret)).text("data", "token") != "" })
}

// nudge touches every pod, so that a kubelet that was held looks again, until all run.
func (w *world) nudge() {
	w.t.Helper()
	until(w.t, "all pods run", func() bool {
		waiting := 0
		for _, p := range w.see(w.core("pods")).list("items") {
			if p.text("status", "phase") == "Pending" {
				waiting++
				w.c.ask(http.MethodPatch, w.core("pods/"+p.text("metadata", "name")), "", obj{"metadata": obj{"annotations": obj{"nudged": time.Now().String()}}})
			}
		}
		return waiting == 0
	})
}

// workload makes one of a kind that has a template, called "many", and waits for its pod.
func (w *world) workload(plural string) {
	w.t.Helper()
	spec := podSpec("registry.test/many:1", "app")
	spec["nodeSelector"] = obj{"shop": w.ns}
	all := obj{"selector": obj{"matchLabels": obj{"app": "many"}}, "template": obj{"metadata": obj{"labels": obj{"app": "many"}}, "spec": spec}}
	if plural != "daemonsets" {
		all["replicas"] = 1
	}
	if plural == "statefulsets" {
		all["serviceName"] = "many"
	}
	w.make(w.apis("apps/v1", plural), obj{"metadata": obj{"name": "many"}, "spec": all})
	until(w.t, "it has a pod", func() bool { return len(w.podsOfApp("many")) == 1 })
}

func (w *world) job() {
	w.t.Helper()
	spec := podSpec("registry.test/once:1", "app")
	spec["restartPolicy"] = "Never"
	w.make(w.apis("batch/v1", "jobs"), obj{"metadata": obj{"name": "once"}, "spec": obj{"template": obj{"metadata": obj{"labels": obj{"app": "once"}}, "spec": spec}}})
	until(w.t, "the job has a pod", func() bool { return len(w.podsOfApp("once")) == 1 })
}

// ownedByReplicator is a pod of a ReplicationController, whose controller does not run here.
func (w *world) ownedByReplicator() {
	w.t.Helper()
	rc := w.make(w.core("replicationcontrollers"), obj{"metadata": obj{"name": "old"}, "spec": obj{"replicas": 1, "selector": obj{"app": "old"},
		"template": obj{"metadata": obj{"labels": obj{"app": "old"}}, "spec": podSpec("registry.test/old:1", "app")}}})
	w.make(w.core("pods"), obj{"metadata": obj{"name": "old-1", "labels": obj{"app": "old"}, "ownerReferences": []obj{{"apiVersion": "v1", "kind": "ReplicationController",
		"name": "old", "uid": rc.text("metadata", "uid"), "controller": true}}}, "spec": podSpec("registry.test/old:1", "app")})
	until(w.t, "it runs", func() bool { return w.see(w.core("pods/old-1")).text("status", "phase") == "Running" })
}
