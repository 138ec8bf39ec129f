package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

func init() { makers = append(makers, newRevokeTokens) }

// revokeTokens ends every token an account ever had. Tokens carry the uid of their account,
// and the API server believes one only while an account of that name and uid is there:
// https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
// There is no list of tokens to revoke from, so the account is made anew.
type revokeTokens struct{ deed }

func newRevokeTokens(c *client) actions.Action {
	return &revokeTokens{deed{c: c, spec: actions.Spec{
		Name:  "kubernetes.revoke-service-account-tokens",
		Title: "Revoke all tokens of a service account",
		Does:  "Deletes the service account and makes it anew as it was, so that no token issued before is believed any more.",
		Kind:  actions.KindIdentity,
		Blast: actions.BlastTeam,
		Rights: rights([]string{accounts.right("get", ""), accounts.right("list", ""), accounts.right("create", ""), accounts.right("delete", ""),
			pods.right("list", "")}),
		Proof:   "The service account is read again: it has another uid, and tokens are believed for their own uid only.",
		Example: "kubernetes.revoke-service-account-tokens shop/builder",
	}}}
}

// Plan says which pods are without a token until their kubelet fetches a new one.
func (a *revokeTokens) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	h, err := a.c.account(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	p := plan(a.spec, a.c.target(actions.KindIdentity, h), in)
	at := part{Field: "account", Space: h.space, Name: h.name, UID: h.uid}
	found, err := a.c.found(ctx, actions.KindIdentity, []part{at})
	if err != nil {
		return p, err
	}
	var is account
	if err := json.Unmarshal(found[0].Value, &is); err != nil {
		return p, err
	}
	if is.Held {
		return p, incident.GiveUp(fmt.Errorf("%s has finalizers: it cannot be deleted and made anew at once. Take its rights instead", h.full()))
	}
	is.Tokens = revoked
	if p, err = a.c.planParts(ctx, p, []part{at}, []any{is}); err != nil {
		return p, err
	}
	p.Lost = []string{"every token of it, also those kept in Secrets: the cluster deletes these, and whatever names the account as its owner"}
	p.Warnings = []string{
		"Pods that run as it are refused until their kubelet fetches another token, which may take as long as a token lives; start them again to be quick.",
		"Who can read a new token, in one of those pods for instance, has access again: contain the pod first.",
		"What trusts its tokens outside the cluster, such as a cloud's workload identity, does not ask whether the account is there: there they last until they expire.",
		"The API server remembers a token it believed for up to ten seconds.",
	}
	return p, a.c.explainAccount(ctx, &p, h)
}

// The three things that can be said of the tokens an account had when the plan was made.
const (
	believed = "believed"
	revoked  = "revoked"
	halfway  = "revoked, and the account is not there"
)

// account is all of a service account that is made anew.
type account struct {
	Tokens      string                        `json:"tokens"`
	Labels      map[string]string             `json:"labels,omitempty"`
	Annotations map[string]string             `json:"annotations,omitempty"`
	Owners      []metav1.OwnerReference       `json:"owners,omitempty"`
	Automount   *bool                         `json:"automount,omitempty"`
	Pull        []corev1.LocalObjectReference `json:"pull,omitempty"`
	Secrets     []corev1.ObjectReference      `json:"secrets,omitempty"`
	Held        bool                          `json:"held,omitempty"` // by finalizers
}

func init() {
	fields["account"] = field{
		read: func(ctx context.Context, c *client, p part) (any, string, error) {
			sa, err := get[corev1.ServiceAccount](ctx, c, accounts, p.Space, p.Name)
			if notFound(err) {
				return account{Tokens: halfway}, "", nil
			}
			if err != nil {
				return nil, "", err
			}
			a := account{believed, sa.Labels, sa.Annotations, sa.OwnerReferences, sa.AutomountServiceAccountToken, sa.ImagePullSecrets, sa.Secrets, len(sa.Finalizers) > 0}
			if string(sa.UID) != p.UID {
				a.Tokens = revoked
			}
			return a, sa.ResourceVersion, nil
		},
		// Between the two writes the account is missing. Whoever dies there is not lost: the
		// plan has what it was, and Do goes on from there.
		half: func(_ part, now json.RawMessage) bool {
			var a account
			return json.Unmarshal(now, &a) == nil && a.Tokens == halfway
		},
		write: writeAccount,
		says: func(p part) string {
			var a account
			_ = json.Unmarshal(p.Value, &a)
			return "service account " + p.full() + " is there, and tokens issued until now are " + a.Tokens
		},
	}
}

func writeAccount(ctx context.Context, c *client, p part, now reading) error {
	var to account
	if err := json.Unmarshal(p.Value, &to); err != nil {
		return err
	}
	if now.version != "" {
		if err := c.remove(ctx, accounts, p, "delete the service account", p.UID, now.version); err != nil && !notFound(err) {
			return err
		}
	}
	err := c.into(ctx, call{step: "make the service account anew", verb: "create", of: accounts, ns: p.Space, body: &corev1.ServiceAccount{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Space, Name: p.Name, Labels: to.Labels, Annotations: maps.Clone(to.Annotations), OwnerReferences: to.Owners},
		Secrets:    to.Secrets, ImagePullSecrets: to.Pull, AutomountServiceAccountToken: to.Automount,
	}}, nil)
	if err != nil && now.version != "" {
		return &begun{err}
	}
	return err
}
