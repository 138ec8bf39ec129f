package kubernetes

import (
	"context"
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// patch sends a merge patch; the version in it makes it fail with 409 where the object moved on.
func (c *client) patch(ctx context.Context, of resource, p part, sub, step string, change any) error {
	b, err := json.Marshal(change)
	if err != nil {
		return err
	}
	return c.into(ctx, call{step: step, verb: "patch", of: of, ns: p.Space, name: p.Name, sub: sub, body: b}, nil)
}

// remove deletes an object, if it is still the one that was seen: of that uid, in that
// version, where they are given. It is gone at once, and what it owns is collected after
// it; deleted as an orphan's parent it would stay until the garbage collector came by.
func (c *client) remove(ctx context.Context, of resource, p part, step, uid, version string) error {
	how := metav1.DeletePropagationBackground
	opts := &metav1.DeleteOptions{PropagationPolicy: &how, Preconditions: &metav1.Preconditions{}}
	if uid != "" {
		u := types.UID(uid)
		opts.Preconditions.UID = &u
	}
	if version != "" {
		opts.Preconditions.ResourceVersion = &version
	}
	return c.into(ctx, call{step: step, verb: "delete", of: of, ns: p.Space, name: p.Name, body: opts}, nil)
}
