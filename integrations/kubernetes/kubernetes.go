// Package kubernetes contains what runs in a Kubernetes cluster: pods, nodes, workloads and
// the accounts they run as. Every action is one file; Actions lists them.
//
// What an action changes is a list of parts, one field or object each, found one way and
// wanted another. parts.go does, verifies and undoes such a list, so that an action only
// says which parts its plan is about. Two things no API server can tell are never
// claimed: that the network plug-in enforces a NetworkPolicy, and that a kubelet's file
// is where the kubelet says it is.
package kubernetes

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
)

// Config says which cluster, and as whom.
type Config struct {
	// Server is the API server's address, "https://10.0.0.1:6443". Empty inside a pod: the
	// pod's own cluster and service account are taken, and Token and CA are not.
	Server string
	Token  actions.Secret // of the service account; TokenFile, read anew as it rotates, is better
	// TokenFile is where the kubelet or somebody else keeps a fresh token.
	TokenFile string
	CA        []byte // PEM; empty: the system's
	// Cluster is what people call it, "prod-eu"; shown beside the target where it is set.
	Cluster string
	// Protected are targets that no action touches, "namespace" or "namespace/name" or a node's
	// name: break-glass accounts and what must never stop. Tocsin's own account always is.
	Protected []string
	Pace      actions.Pace
}

// Problems says what is wrong with the configuration; none for one that may be tried.
func (c Config) Problems() []string {
	var out []string
	if c.Server != "" {
		u, err := url.Parse(c.Server)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
			out = append(out, "server is not an address such as https://10.0.0.1:6443")
		}
		if c.Token == "" && c.TokenFile == "" {
			out = append(out, "a server is named, but neither token nor token file")
		}
	}
	for _, p := range c.Protected {
		if p == "" || strings.Count(p, "/") > 1 {
			out = append(out, fmt.Sprintf("protected %q is neither a namespace, nor namespace/name, nor a node", p))
		}
	}
	return out
}

// makers are the actions, each added by its own file.
var makers []func(*client) actions.Action

// Actions returns every action for one cluster. An error says what the configuration
// lacks; nothing is asked of the cluster.
func Actions(c Config) ([]actions.Action, error) {
	cl, err := connect(c)
	if err != nil {
		return nil, err
	}
	out := make([]actions.Action, 0, len(makers))
	for _, make := range makers {
		out = append(out, make(cl))
	}
	slices.SortFunc(out, func(a, b actions.Action) int { return strings.Compare(a.Spec().Name, b.Spec().Name) })
	return out, nil
}

// Specs are the actions' descriptions, for documents and the roles in them.
func Specs() []actions.Spec {
	var out []actions.Spec
	for _, make := range makers {
		out = append(out, make(nil).Spec())
	}
	slices.SortFunc(out, func(a, b actions.Spec) int { return strings.Compare(a.Name, b.Name) })
	return out
}
