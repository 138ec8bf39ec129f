package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/tocsin-ir/tocsin/actions"
)

// Calls are paced as the cluster's own controllers are: --kube-api-qps 20 and --kube-api-burst 30,
// https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/.
// The server's own limit, API Priority and Fairness, answers 429.
const limitCalls = "kubernetes"

var rateCalls = actions.Rate{PerMinute: 20 * 60, Burst: 30}

const (
	patience = 20 * time.Second // for one answer; evidence has its own
	page     = 500              // objects asked for at once, as kubectl does
	maxPages = 200              // 100,000 objects of one kind are more than a plan can be about
)

// resource is one kind of object, as the API's paths and RBAC's rules name it. The client
// speaks to these and to no others.
type resource struct {
	base  string // "/apis/apps/v1"
	group string // "apps"; "" is the core
	name  string // "deployments"
	kind  string // "Deployment"
}

var (
	pods         = resource{"/api/v1", "", "pods", "Pod"}
	nodes        = resource{"/api/v1", "", "nodes", "Node"}
	events       = resource{"/api/v1", "", "events", "Event"}
	secrets      = resource{"/api/v1", "", "secrets", "Secret"}
	services     = resource{"/api/v1", "", "services", "Service"}
	accounts     = resource{"/api/v1", "", "serviceaccounts", "ServiceAccount"}
	replicators  = resource{"/api/v1", "", "replicationcontrollers", "ReplicationController"}
	deployments  = resource{"/apis/apps/v1", "apps", "deployments", "Deployment"}
	replicasets  = resource{"/apis/apps/v1", "apps", "replicasets", "ReplicaSet"}
	statefulsets = resource{"/apis/apps/v1", "apps", "statefulsets", "StatefulSet"}
	daemonsets   = resource{"/apis/apps/v1", "apps", "daemonsets", "DaemonSet"}
	jobs         = resource{"/apis/batch/v1", "batch", "jobs", "Job"}
	cronjobs     = resource{"/apis/batch/v1", "batch", "cronjobs", "CronJob"}
	policies     = resource{"/apis/networking.k8s.io/v1", "networking.k8s.io", "networkpolicies", "NetworkPolicy"}
	endpoints    = resource{"/apis/discovery.k8s.io/v1", "discovery.k8s.io", "endpointslices", "EndpointSlice"}
	bindings     = resource{"/apis/rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io", "rolebindings", "RoleBinding"}
	allBindings  = resource{"/apis/rbac.authorization.k8s.io/v1", "rbac.authorization.k8s.io", "clusterrolebindings", "ClusterRoleBinding"}
)

// right is the right to do something with it, as "kubectl auth can-i" takes it:
// "patch deployments.apps/scale".
func (r resource) right(verb, sub string) string {
	out := verb + " " + r.name
	if r.group != "" {
		out += "." + r.group
	}
	if sub != "" {
		out += "/" + sub
	}
	return out
}

// knows is the part of the API's types that the client can read and write.
var knows = func() *runtime.Scheme {
	s := runtime.NewScheme()
	metav1.AddToGroupVersion(s, schema.GroupVersion{Version: "v1"})
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, batchv1.AddToScheme, networkingv1.AddToScheme, rbacv1.AddToScheme,
		discoveryv1.AddToScheme, authorizationv1.AddToScheme, authenticationv1.AddToScheme, autoscalingv1.AddToScheme,
		metav1.AddMetaToScheme,
	} {
		if err := add(s); err != nil {
			panic("kubernetes: " + err.Error()) // two types of one name: a fault of the program
		}
	}
	return s
}()

// client speaks to one cluster. It is safe for concurrent use.
type client struct {
	conf Config
	rest rest.Interface

	// mu guards everything that follows.
	mu sync.Mutex
	me string // Tocsin's own user name, "" until it was asked
}

func connect(c Config) (*client, error) {
	if p := c.Problems(); len(p) > 0 {
		return nil, errors.New("kubernetes: " + strings.Join(p, "; "))
	}
	conf := &rest.Config{Host: c.Server, BearerToken: string(c.Token), BearerTokenFile: c.TokenFile}
	conf.CAData = c.CA
	if c.Server == "" {
		var err error
		if conf, err = rest.InClusterConfig(); err != nil {
			return nil, errors.New("kubernetes: no server is named, and this is no pod of a cluster")
		}
	}
	conf.QPS = -1 // Pace has the budget
	conf.UserAgent = "tocsin"
	conf.NegotiatedSerializer = serializer.NewCodecFactory(knows).WithoutConversion()
	conf.GroupVersion = &schema.GroupVersion{}
	conf.WarningHandler = rest.NoWarnings{}
	hc, err := rest.HTTPClientFor(conf)
	if err != nil {
		return nil, errors.New("kubernetes: the certificates or the token file cannot be read")
	}
	// The token belongs to one host.
	hc.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	rc, err := rest.UnversionedRESTClientForConfigAndClient(conf, hc)
	if err != nil {
		return nil, errors.New("kubernetes: the server's address cannot be used")
	}
	return &client{conf: c, rest: rc}, nil
}

// call is one request, and what it is for.
type call struct {
	step     string // "read the pod"
	verb     string // RBAC's: get, list, create, patch, update, delete
	of       resource
	ns, name string
	sub      string // subresource
	params   map[string]string
	body     any // patches are given as []byte
	accept   string
	// strategic patches know lists by their elements' names.
	strategic bool
}

var methods = map[string]string{"get": http.MethodGet, "list": http.MethodGet, "create": http.MethodPost,
	"patch": http.MethodPatch, "update": http.MethodPut, "delete": http.MethodDelete}

func (c *client) request(q call) *rest.Request {
	// Retrying is the engine's: the client would sleep without anybody knowing.
	r := c.rest.Verb(methods[q.verb]).AbsPath(q.of.base).MaxRetries(0)
	if q.verb == "patch" {
		how := types.MergePatchType
		if q.strategic {
			how = types.StrategicMergePatchType
		}
		r = c.rest.Patch(how).AbsPath(q.of.base).MaxRetries(0)
	}
	if q.ns != "" {
		r = r.Namespace(q.ns)
	}
	r = r.Resource(q.of.name)
	if q.name != "" {
		r = r.Name(q.name)
	}
	if q.sub != "" {
		r = r.SubResource(q.sub)
	}
	for k, v := range q.params {
		r = r.Param(k, v)
	}
	if q.accept != "" {
		r = r.SetHeader("Accept", q.accept)
	}
	if q.body != nil {
		r = r.Body(q.body)
	}
	return r
}

// into makes the call and decodes the answer; a nil out is not read.
func (c *client) into(ctx context.Context, q call, out runtime.Object) error {
	if err := c.conf.Pace.Take(ctx, limitCalls, rateCalls); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	res := c.request(q).Do(ctx)
	err := res.Error()
	if err == nil && out != nil {
		if err = res.Into(out); err != nil {
			return fmt.Errorf("%s: Kubernetes' answer is not what it should be", q.step)
		}
	}
	return q.trouble(ctx, err)
}

// stream makes the call and returns the answer's body as it comes.
func (c *client) stream(ctx context.Context, q call) (io.ReadCloser, error) {
	if err := c.conf.Pace.Take(ctx, limitCalls, rateCalls); err != nil {
		return nil, err
	}
	body, err := c.request(q).Stream(ctx)
	return body, q.trouble(ctx, err)
}

// object is a pointer to one of the API's types.
type object[T any] interface {
	*T
	runtime.Object
}

// get reads one object.
func get[T any, P object[T]](ctx context.Context, c *client, of resource, ns, name string) (P, error) {
	out := P(new(T))
	err := c.into(ctx, call{step: "read the " + of.kind, verb: "get", of: of, ns: ns, name: name}, out)
	return out, err
}

// list reads all objects of a kind, in one namespace or everywhere, page by page.
func list[T any, P object[T]](ctx context.Context, c *client, of resource, ns string, params map[string]string, each func(P)) error {
	return c.pages(ctx, of, ns, params, "", func() (runtime.Object, func() string) {
		out := P(new(T))
		return out, func() string {
			each(out)
			return any(out).(metav1.ListInterface).GetContinue()
		}
	})
}

func (c *client) pages(ctx context.Context, of resource, ns string, params map[string]string, accept string, next func() (runtime.Object, func() string)) error {
	q := call{step: "list " + of.name, verb: "list", of: of, ns: ns, accept: accept, params: map[string]string{"limit": fmt.Sprint(page)}}
	for k, v := range params {
		q.params[k] = v
	}
	for range maxPages {
		out, took := next()
		if err := c.into(ctx, q, out); err != nil {
			return err
		}
		more := took()
		if more == "" {
			return nil
		}
		q.params["continue"] = more
	}
	return fmt.Errorf("list %s: there are more than %d", of.name, page*maxPages)
}
