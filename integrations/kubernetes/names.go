package kubernetes

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

// typed is a target as somebody wrote it: "web-1", "shop/web-1", "deployment/shop/web", an
// account as audit logs name it ("system:serviceaccount:shop:builder"), or what a plan
// called it ("shop/web-1@<uid>").
type typed struct{ kind, space, name, uid string }

func readName(s string) (typed, bool) {
	var t typed
	s, t.uid, _ = strings.Cut(strings.TrimSpace(s), "@")
	if rest, ok := strings.CutPrefix(s, "system:serviceaccount:"); ok {
		s = strings.Replace(rest, ":", "/", 1)
	}
	words := strings.Split(s, "/")
	if len(words) > 3 || slices.ContainsFunc(words, func(w string) bool { return !nameable(w) }) {
		return typed{}, false
	}
	t.name = words[len(words)-1]
	if len(words) > 1 {
		t.space = words[len(words)-2]
	}
	if len(words) > 2 {
		t.kind = strings.ToLower(words[0])
	}
	return t, true
}

// nameable reports whether w may stand in a path. Names of objects are RFC 1123 subdomains,
// at most 253 characters; RBAC allows more (colons), but none of our targets is RBAC's.
// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
func nameable(w string) bool {
	const may = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."
	return w != "" && w != "." && w != ".." && len(w) <= 253 && !strings.ContainsFunc(w, func(r rune) bool { return !strings.ContainsRune(may, r) })
}

// short are the words kubectl takes for a kind, beside its own name and its plural.
var short = map[string]string{"po": "pods", "no": "nodes", "deploy": "deployments", "rs": "replicasets", "sts": "statefulsets",
	"ds": "daemonsets", "cj": "cronjobs", "sa": "serviceaccounts"}

func (r resource) called(word string) bool {
	return word == r.name || word == strings.ToLower(r.kind) || short[word] == r.name
}

// hit is an object that fits a name.
type hit struct {
	of    resource
	space string
	name  string
	uid   string
}

func (h hit) full() string {
	if h.space == "" {
		return h.name
	}
	return h.space + "/" + h.name
}

// target is what a plan is for. The uid makes it exact: a pod or node that comes back
// under the same name is another one.
func (c *client) target(kind actions.Kind, h hit) actions.Target {
	name := h.full()
	if c.conf.Cluster != "" {
		name += " in " + c.conf.Cluster
	}
	return actions.Target{Kind: kind, ID: h.full() + "@" + h.uid, Name: name}
}

// find resolves what somebody typed to one object of the kinds given. Errors:
// *actions.NoTarget, *actions.Ambiguous, and those of the calls.
func (c *client) find(ctx context.Context, kind actions.Kind, input string, of ...resource) (hit, error) {
	t, ok := readName(input)
	if !ok {
		return hit{}, &actions.NoTarget{Kind: kind, Name: input, Hint: "Write namespace/name, or the name alone."}
	}
	var hits []hit
	spaced := true
	for _, r := range of {
		if t.kind != "" && !r.called(t.kind) {
			continue
		}
		spaced = r.name != nodes.name
		got, err := c.lookUp(ctx, r, t)
		if err != nil {
			return hit{}, err
		}
		hits = append(hits, got...)
	}
	if t.uid != "" {
		hits = slices.DeleteFunc(hits, func(h hit) bool { return h.uid != t.uid })
	}
	switch len(hits) {
	case 1:
		if c.isProtected(hits[0]) {
			return hit{}, incident.GiveUp(fmt.Errorf("%s is protected by the configuration: nothing is done to it", hits[0].full()))
		}
		return hits[0], nil
	case 0:
		return hit{}, &actions.NoTarget{Kind: kind, Name: input, Hint: c.near(ctx, t, spaced, of)}
	}
	fits := make([]string, 0, len(hits))
	for _, h := range hits {
		fits = append(fits, strings.ToLower(h.of.kind)+"/"+h.full())
	}
	slices.Sort(fits)
	return hit{}, &actions.Ambiguous{Kind: kind, Name: input, Fits: fits}
}

func (c *client) lookUp(ctx context.Context, of resource, t typed) ([]hit, error) {
	if of.name == nodes.name && (t.space == "" || of.called(t.space)) {
		t.space = "" // "node/worker-3"
	} else if of.name == nodes.name {
		return nil, nil
	}
	if t.space == "" && of.name != nodes.name {
		return c.metadata(ctx, of, "", map[string]string{"fieldSelector": "metadata.name=" + t.name})
	}
	var got metav1.PartialObjectMetadata
	err := c.into(ctx, call{step: "look up the " + of.kind, verb: "get", of: of, ns: t.space, name: t.name,
		accept: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"}, &got)
	if notFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []hit{{of, got.Namespace, got.Name, string(got.UID)}}, nil
}

// metadata lists objects without their content: of Secrets nothing else is wanted here.
func (c *client) metadata(ctx context.Context, of resource, ns string, params map[string]string) ([]hit, error) {
	items, err := c.headers(ctx, of, ns, params)
	var out []hit
	for _, m := range items {
		out = append(out, hit{of, m.Namespace, m.Name, string(m.UID)})
	}
	return out, err
}

func (c *client) headers(ctx context.Context, of resource, ns string, params map[string]string) ([]metav1.PartialObjectMetadata, error) {
	var out []metav1.PartialObjectMetadata
	err := c.pages(ctx, of, ns, params, "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", func() (runtime.Object, func() string) {
		var l metav1.PartialObjectMetadataList
		return &l, func() string {
			out = append(out, l.Items...)
			return l.Continue
		}
	})
	return out, err
}

// near is a hint at what may have been meant: the names that share most of their
// beginning with it. Trouble on the way leaves the general hint.
func (c *client) near(ctx context.Context, t typed, spaced bool, of []resource) string {
	hint := "Names are looked up in every namespace; write namespace/name."
	if !spaced {
		hint = "Nodes are called as kubectl get nodes shows them."
	}
	var best []hit
	for _, r := range of {
		if t.kind == "" || r.called(t.kind) {
			got, _ := c.metadata(ctx, r, t.space, nil)
			best = append(best, got...)
		}
	}
	if len(best) == 0 {
		return hint
	}
	h := slices.MaxFunc(best, func(a, b hit) int {
		return cmp.Or(cmp.Compare(shared(a.name, t.name), shared(b.name, t.name)), strings.Compare(b.full(), a.full()))
	})
	if shared(h.name, t.name) < 3 {
		return hint
	}
	return fmt.Sprintf("Did you mean %s?", h.full())
}

func shared(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
