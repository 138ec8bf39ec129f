package kubernetes

import (
	"context"
	"fmt"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
)

// rule is a right as RBAC writes it.
type rule struct{ verb, group, resource, sub string }

// ruleOf reads a right as specs list them: "patch deployments.apps/scale".
func ruleOf(right string) (rule, error) {
	verb, what, ok := strings.Cut(right, " ")
	if !ok || verb == "" || what == "" {
		return rule{}, fmt.Errorf("%q is no right of the form \"verb resource.group/subresource\"", right)
	}
	what, sub, _ := strings.Cut(what, "/")
	res, group, _ := strings.Cut(what, ".")
	return rule{verb, group, res, sub}, nil
}

// Check asks the API server about every right of the action, in the whole cluster; it
// changes nothing.
func (d deed) Check(ctx context.Context) ([]string, error) {
	var missing []string
	for _, right := range d.spec.Rights {
		r, err := ruleOf(right)
		if err != nil {
			return nil, err
		}
		var got authorizationv1.SelfSubjectAccessReview
		err = d.c.into(ctx, call{step: "ask what Tocsin may do", verb: "create", of: accessReviews, body: &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
				Verb: r.verb, Group: r.group, Resource: r.resource, Subresource: r.sub}}}}, &got)
		if err != nil {
			return nil, err
		}
		if !got.Status.Allowed {
			missing = append(missing, right)
		}
	}
	return missing, nil
}
