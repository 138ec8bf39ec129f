package kubernetes

import (
	"context"
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// annotationKey says for which request of Tocsin's an object was made.
const annotationKey = "tocsin.dev/request"

// policy is what matters of a NetworkPolicy to whether it denies one pod everything.
type policy struct {
	Selects map[string]string `json:"selects"`
	Types   []string          `json:"types"`
	Rules   int               `json:"rules"`
}

func denyAll(uid string) *policy {
	return &policy{map[string]string{labelQuarantine: uid}, []string{"Ingress", "Egress"}, 0}
}

// meta is the beginning of an object that Tocsin makes.
func meta(p part) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: p.Space, Name: p.Name, Annotations: map[string]string{annotationKey: p.Sub},
		Labels: map[string]string{"app.kubernetes.io/managed-by": "tocsin"}}
}

func init() {
	fields["policy"] = field{
		read: func(ctx context.Context, c *client, p part) (any, string, error) {
			np, err := get[networkingv1.NetworkPolicy](ctx, c, policies, p.Space, p.Name)
			if notFound(err) {
				return nil, "", nil
			}
			if err != nil {
				return nil, "", err
			}
			v := policy{Selects: np.Spec.PodSelector.MatchLabels, Rules: len(np.Spec.Ingress) + len(np.Spec.Egress) + len(np.Spec.PodSelector.MatchExpressions)}
			for _, t := range np.Spec.PolicyTypes {
				v.Types = append(v.Types, string(t))
			}
			return &v, np.ResourceVersion, nil
		},
		write: writePolicy,
		says: func(p part) string {
			if string(p.Value) == "null" {
				return fmt.Sprintf("NetworkPolicy %s: not there", p.full())
			}
			return fmt.Sprintf("NetworkPolicy %s: denies this pod all traffic", p.full())
		},
	}
}

func writePolicy(ctx context.Context, c *client, p part, now reading) error {
	switch {
	case string(p.Value) == "null":
		return c.remove(ctx, policies, p, "remove the NetworkPolicy", "", now.version)
	case string(now.value) != "null":
		// Somebody put another one of this name there; only whoever insists gets here.
		if err := c.remove(ctx, policies, p, "replace the NetworkPolicy", "", now.version); err != nil {
			return err
		}
	}
	return c.into(ctx, call{step: "make the NetworkPolicy", verb: "create", of: policies, ns: p.Space, body: &networkingv1.NetworkPolicy{
		ObjectMeta: meta(p),
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: map[string]string{labelQuarantine: p.UID}},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress},
		},
	}}, nil)
}
