package kubernetes

import (
	"context"
	"fmt"
	"slices"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/tocsin-ir/tocsin/incident"
)

func (c *client) isProtected(h hit) bool {
	return slices.Contains(c.conf.Protected, h.full()) || h.space != "" && slices.Contains(c.conf.Protected, h.space)
}

// spare refuses a deed that would hit Tocsin itself: what runs as its own account, or the
// account. Whoever could have that done in one room would end all containment.
func (c *client) spare(ctx context.Context, what, space, account string) error {
	if account == "" {
		account = "default"
	}
	me, err := c.whoAmI(ctx)
	if err != nil {
		return err
	}
	if me == userOf(space, account) {
		return incident.GiveUp(fmt.Errorf("%s is Tocsin's own, or runs as its account: nothing is done to it", what))
	}
	if slices.Contains(c.conf.Protected, space+"/"+account) {
		return incident.GiveUp(fmt.Errorf("%s runs as an account that the configuration protects", what))
	}
	return nil
}

func (c *client) sparePod(ctx context.Context, p *corev1.Pod) error {
	return c.spare(ctx, p.Namespace+"/"+p.Name, p.Namespace, p.Spec.ServiceAccountName)
}

// userOf is how RBAC and audit logs name a service account.
// https://kubernetes.io/docs/reference/access-authn-authz/authentication/#service-account-tokens
func userOf(space, account string) string { return "system:serviceaccount:" + space + ":" + account }

// reviews of who one is and what one may do are open to everybody who is signed in
// (ClusterRole system:basic-user); they write nothing.
var (
	selfReviews   = resource{"/apis/authentication.k8s.io/v1", "authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview"}
	accessReviews = resource{"/apis/authorization.k8s.io/v1", "authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview"}
)

// whoAmI is Tocsin's own user name, asked once.
func (c *client) whoAmI(ctx context.Context) (string, error) {
	c.mu.Lock()
	me := c.me
	c.mu.Unlock()
	if me != "" {
		return me, nil
	}
	var got authenticationv1.SelfSubjectReview
	err := c.into(ctx, call{step: "ask who Tocsin is", verb: "create", of: selfReviews, body: &authenticationv1.SelfSubjectReview{}}, &got)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	c.me = got.Status.UserInfo.Username
	c.mu.Unlock()
	return got.Status.UserInfo.Username, nil
}
