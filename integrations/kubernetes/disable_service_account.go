package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/tocsin-ir/tocsin/actions"
)

func init() { makers = append(makers, newDisableServiceAccount) }

// disableServiceAccount takes every right from an account, and leaves the account: its
// tokens are still believed, and may do nothing. That holds for tokens nobody knows of.
type disableServiceAccount struct{ reversible }

func newDisableServiceAccount(c *client) actions.Action {
	a := &disableServiceAccount{reversible{deed{c: c, spec: actions.Spec{
		Name:       "kubernetes.disable-service-account",
		Title:      "Take a service account's rights",
		Does:       "Takes the service account out of every role binding that names it and lets new pods mount no token of it.",
		Kind:       actions.KindIdentity,
		Reversible: true,
		Blast:      actions.BlastTeam,
		Rights: rights([]string{accounts.right("get", ""), accounts.right("list", ""), accounts.right("patch", ""), pods.right("list", ""),
			bindings.right("list", ""), bindings.right("get", ""), bindings.right("patch", ""),
			allBindings.right("list", ""), allBindings.right("get", ""), allBindings.right("patch", "")}, rightBind, "bind roles.rbac.authorization.k8s.io"),
		TTL:     24 * time.Hour,
		Proof:   "All bindings are read again: none may name the account. What it may do as a member of a group is listed beside.",
		Example: "kubernetes.disable-service-account shop/builder",
	}}}}
	a.lasting = true
	a.strangers = a.boundSince
	a.proof = a.asGroup
	return a
}

// Plan lists each binding, what it gave, and which pods run as the account.
func (a *disableServiceAccount) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	h, err := a.c.account(ctx, in.Target)
	if err != nil {
		return actions.Plan{}, err
	}
	bound, groups, err := a.c.boundTo(ctx, h.space, h.name)
	if err != nil {
		return actions.Plan{}, err
	}
	parts := []part{{Field: "automount", Space: h.space, Name: h.name, UID: h.uid}}
	wants := []any{false}
	p := plan(a.spec, a.c.target(actions.KindIdentity, h), in)
	for _, b := range bound {
		parts = append(parts, part{Field: "subject", Space: b.space, Name: b.name, UID: b.uid, Sub: h.full()})
		wants = append(wants, []rbacv1.Subject{})
		p.Dependants = append(p.Dependants, fmt.Sprintf("%s gave it %s", b.what(), b.role))
	}
	if p, err = a.c.planParts(ctx, p, parts, wants); err != nil {
		return p, err
	}
	if err := a.c.explainAccount(ctx, &p, h); err != nil {
		return p, err
	}
	for _, g := range groups {
		p.Warnings = append(p.Warnings, fmt.Sprintf("It keeps %s, which %s gives to a group it is in.", g.role, g.what()))
	}
	p.Warnings = append(p.Warnings, "What trusts its tokens outside the cluster, such as a cloud's workload identity, asks no role binding.")
	return p, nil
}

// account finds a service account that is not Tocsin's own.
func (c *client) account(ctx context.Context, target string) (hit, error) {
	h, err := c.find(ctx, actions.KindIdentity, target, accounts)
	if err != nil {
		return h, err
	}
	return h, c.spare(ctx, h.full(), h.space, h.name)
}

func (c *client) explainAccount(ctx context.Context, p *actions.Plan, h hit) error {
	var as []string
	err := list(ctx, c, pods, h.space, nil, func(l *corev1.PodList) {
		for _, pod := range l.Items {
			if pod.Spec.ServiceAccountName == h.name && pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed {
				as = append(as, pod.Namespace+"/"+pod.Name)
			}
		}
	})
	p.Dependants = append(p.Dependants, some("Pods that run as it", as)...)
	return err
}

// bound is a binding that gives an account its role.
type bound struct {
	hit
	role string // "ClusterRole edit in shop"
}

func (b bound) what() string { return b.of.kind + " " + b.full() }

// boundTo lists the bindings that name an account, and those that name a group every such
// account is in, sorted.
func (c *client) boundTo(ctx context.Context, space, name string) (direct, groups []bound, err error) {
	sort := func(of resource, ns, n, uid string, ref rbacv1.RoleRef, subjects []rbacv1.Subject) {
		b := bound{hit{of, ns, n, uid}, ref.Kind + " " + ref.Name}
		if ns != "" {
			b.role += " in " + ns
		}
		switch {
		case slices.ContainsFunc(subjects, func(s rbacv1.Subject) bool { return names(s, ns, space, name) }):
			direct = append(direct, b)
		case slices.ContainsFunc(subjects, func(s rbacv1.Subject) bool { return takesIn(s, space) }) && !strings.HasPrefix(n, "system:"):
			groups = append(groups, b)
		}
	}
	err = list(ctx, c, bindings, "", nil, func(l *rbacv1.RoleBindingList) {
		for _, b := range l.Items {
			sort(bindings, b.Namespace, b.Name, string(b.UID), b.RoleRef, b.Subjects)
		}
	})
	if err != nil {
		return nil, nil, err
	}
	err = list(ctx, c, allBindings, "", nil, func(l *rbacv1.ClusterRoleBindingList) {
		for _, b := range l.Items {
			sort(allBindings, "", b.Name, string(b.UID), b.RoleRef, b.Subjects)
		}
	})
	for _, l := range [][]bound{direct, groups} {
		slices.SortFunc(l, func(a, b bound) int { return strings.Compare(a.what(), b.what()) })
	}
	return direct, groups, err
}

// names reports whether a subject is the account, in either way RBAC knows it by. ns is the
// binding's own namespace, which stands in for the one a subject leaves out.
// https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects
func names(s rbacv1.Subject, ns, space, name string) bool {
	switch s.Kind {
	case rbacv1.ServiceAccountKind:
		return s.Name == name && (s.Namespace == space || s.Namespace == "" && ns == space)
	case rbacv1.UserKind:
		return s.Name == userOf(space, name)
	}
	return false
}

func takesIn(s rbacv1.Subject, space string) bool {
	return s.Kind == rbacv1.GroupKind && slices.Contains([]string{"system:authenticated", "system:serviceaccounts", "system:serviceaccounts:" + space}, s.Name)
}

// boundSince names bindings of the account that the plan did not know.
func (a *disableServiceAccount) boundSince(ctx context.Context, r actions.Receipt) ([]string, error) {
	parts, err := partsOf(r.Left)
	if err != nil || len(parts) == 0 {
		return nil, err
	}
	now, _, err := a.c.boundTo(ctx, parts[0].Space, parts[0].Name)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, b := range now {
		if !slices.ContainsFunc(parts, func(p part) bool { return p.Field == "subject" && p.UID == b.uid }) {
			out = append(out, b.what()+" gives it "+b.role)
		}
	}
	return out, nil
}

func (a *disableServiceAccount) asGroup(ctx context.Context, r actions.Receipt, parts []part) (actions.Proof, error) {
	if r.Undone {
		return actions.Proven(), nil
	}
	_, groups, err := a.c.boundTo(ctx, parts[0].Space, parts[0].Name)
	p := actions.Proven("no role binding names it")
	for _, g := range groups {
		p.Seen = append(p.Seen, "as one of a group it still has "+g.role+" ("+g.what()+")")
	}
	return p, err
}

// binding is what the two kinds of binding have in common.
type binding struct {
	of       resource
	uid      string
	version  string
	subjects []rbacv1.Subject
}

func (c *client) sameBinding(ctx context.Context, p part) (binding, error) {
	var b binding
	var err error
	if p.Space == "" {
		var o *rbacv1.ClusterRoleBinding
		if o, err = get[rbacv1.ClusterRoleBinding](ctx, c, allBindings, "", p.Name); err == nil {
			b = binding{allBindings, string(o.UID), o.ResourceVersion, o.Subjects}
		}
	} else {
		var o *rbacv1.RoleBinding
		if o, err = get[rbacv1.RoleBinding](ctx, c, bindings, p.Space, p.Name); err == nil {
			b = binding{bindings, string(o.UID), o.ResourceVersion, o.Subjects}
		}
	}
	if notFound(err) || err == nil && b.uid != p.UID {
		return b, errGone
	}
	return b, err
}

func init() {
	fields["subject"] = field{
		read: func(ctx context.Context, c *client, p part) (any, string, error) {
			b, err := c.sameBinding(ctx, p)
			if err != nil {
				return nil, "", err
			}
			space, name, _ := strings.Cut(p.Sub, "/")
			named := []rbacv1.Subject{}
			for _, s := range b.subjects {
				if names(s, p.Space, space, name) {
					named = append(named, s)
				}
			}
			return named, b.version, nil
		},
		write: writeSubject,
		says: func(p part) string {
			what := "RoleBinding " + p.full()
			if p.Space == "" {
				what = "ClusterRoleBinding " + p.Name
			}
			if string(p.Value) == "[]" {
				return what + ": does not name " + p.Sub
			}
			return what + ": names " + p.Sub
		},
	}
	fields["automount"] = field{
		read: func(ctx context.Context, c *client, p part) (any, string, error) {
			sa, err := c.sameAccount(ctx, p)
			if err != nil {
				return nil, "", err
			}
			return sa.AutomountServiceAccountToken, sa.ResourceVersion, nil
		},
		write: func(ctx context.Context, c *client, p part, now reading) error {
			return c.patch(ctx, accounts, p, "", "change the service account", map[string]any{
				"metadata":                     map[string]any{"resourceVersion": now.version, "uid": p.UID},
				"automountServiceAccountToken": p.Value})
		},
		says: func(p part) string {
			if string(p.Value) == "false" {
				return "service account " + p.full() + ": new pods mount no token of it"
			}
			return "service account " + p.full() + ": new pods mount its token"
		},
	}
}

// writeSubject changes what names the account and leaves the others, who may have come since.
func writeSubject(ctx context.Context, c *client, p part, now reading) error {
	b, err := c.sameBinding(ctx, p)
	if err != nil {
		return err
	}
	if b.version != now.version {
		return moved("change the " + b.of.kind)
	}
	var named []rbacv1.Subject
	if err := json.Unmarshal(p.Value, &named); err != nil {
		return err
	}
	space, name, _ := strings.Cut(p.Sub, "/")
	others := slices.DeleteFunc(b.subjects, func(s rbacv1.Subject) bool { return names(s, p.Space, space, name) })
	return c.patch(ctx, b.of, p, "", "change the "+b.of.kind, map[string]any{
		"metadata": map[string]any{"resourceVersion": b.version, "uid": p.UID}, "subjects": append(others, named...)})
}

func (c *client) sameAccount(ctx context.Context, p part) (*corev1.ServiceAccount, error) {
	sa, err := get[corev1.ServiceAccount](ctx, c, accounts, p.Space, p.Name)
	if notFound(err) || err == nil && string(sa.UID) != p.UID {
		return nil, errGone
	}
	return sa, err
}
