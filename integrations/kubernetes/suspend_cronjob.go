package kubernetes

import (
	"context"
	"time"

	batchv1 "k8s.io/api/batch/v1"

	"github.com/tocsin-ir/tocsin/actions"
)

func init() { makers = append(makers, newSuspendCronJob) }

// suspendCronJob starts no more runs of a CronJob.
type suspendCronJob struct{ reversible }

func newSuspendCronJob(c *client) actions.Action {
	return &suspendCronJob{reversible{deed{c: c, spec: actions.Spec{
		Name:       "kubernetes.suspend-cronjob",
		Title:      "Suspend a CronJob",
		Does:       "Starts no more runs of the CronJob; one that is under way goes on.",
		Kind:       actions.KindWorkload,
		Reversible: true,
		Blast:      actions.BlastTeam,
		Rights:     rights([]string{cronjobs.right("get", ""), cronjobs.right("list", ""), cronjobs.right("patch", "")}),
		TTL:        72 * time.Hour,
		Proof:      "The CronJob is read again: its controller starts nothing while it is suspended.",
		Example:    "kubernetes.suspend-cronjob shop/nightly-export",
	}}}}
}

// Plan names the runs that are under way.
func (a *suspendCronJob) Plan(ctx context.Context, in actions.Input) (actions.Plan, error) {
	h, err := a.c.find(ctx, actions.KindWorkload, in.Target, cronjobs)
	if err != nil {
		return actions.Plan{}, err
	}
	cj, err := get[batchv1.CronJob](ctx, a.c, cronjobs, h.space, h.name)
	if err != nil {
		return actions.Plan{}, err
	}
	if err := a.c.spare(ctx, h.full(), h.space, cj.Spec.JobTemplate.Spec.Template.Spec.ServiceAccountName); err != nil {
		return actions.Plan{}, err
	}
	p := plan(a.spec, a.c.target(actions.KindWorkload, h), in)
	if p, err = a.c.planParts(ctx, p, []part{{Field: "suspend", Space: h.space, Name: h.name, UID: h.uid}}, []any{true}); err != nil {
		return p, err
	}
	for _, j := range cj.Status.Active {
		p.Warnings = append(p.Warnings, "Job "+j.Namespace+"/"+j.Name+" is under way and goes on. Quarantine its pod as well.")
	}
	p.Warnings = append(p.Warnings, "Runs that are missed meanwhile may start at once on release, within its starting deadline.")
	return p, nil
}

func init() {
	read := func(ctx context.Context, c *client, p part) (any, string, error) {
		cj, err := get[batchv1.CronJob](ctx, c, cronjobs, p.Space, p.Name)
		if notFound(err) || err == nil && string(cj.UID) != p.UID {
			return nil, "", errGone
		}
		if err != nil {
			return nil, "", err
		}
		return cj.Spec.Suspend != nil && *cj.Spec.Suspend, cj.ResourceVersion, nil
	}
	fields["suspend"] = field{
		read: read,
		write: func(ctx context.Context, c *client, p part, now reading) error {
			return c.patch(ctx, cronjobs, p, "", "suspend the CronJob", map[string]any{
				"metadata": map[string]any{"resourceVersion": now.version, "uid": p.UID},
				"spec":     map[string]any{"suspend": p.Value}})
		},
		says: func(p part) string {
			if string(p.Value) == "true" {
				return "CronJob " + p.full() + ": suspended"
			}
			return "CronJob " + p.full() + ": runs as scheduled"
		},
	}
}
