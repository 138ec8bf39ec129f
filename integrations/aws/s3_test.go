package aws

import (
	"errors"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/actiontest"
	honest "github.com/tocsin-ir/tocsin/internal/sandbox/aws"
)

func TestBuckets(t *testing.T) {
	look := func(name string) func(*world) any { return func(w *world) any { return w.S3[name].Blocks } }
	meddle := func(name string) func(*world) {
		return func(w *world) { w.S3[name].Blocks = &[4]bool{false, false, false, true} }
	}
	actiontest.Conform(t, actiontest.Case{
		Name: "aws.block-public-access", Unknown: "no-such-bucket",
		Make: made("aws.block-public-access", "s3://invoices/", look("invoices"), meddle("invoices")),
	})
	actiontest.Conform(t, actiontest.Case{
		Name: "aws.block-public-access in another region", Unknown: "UPPER",
		Make: made("aws.block-public-access", "arn:aws:s3:::archive", look("archive"), meddle("archive")),
	})
}

// The plan says that the bucket is open and serves a website; whether it is closed
// afterwards is tried from outside.
func TestPublicBucket(t *testing.T) {
	v := newAmazon(t)
	a := v.action("aws.block-public-access")
	p, r, proof := plannedDone(t, a, "invoices")
	if p.Owner != "billing" || len(p.Dependants) != 2 || proof.Standing != actions.InEffect {
		t.Errorf("%+v, %+v", p, proof)
	}
	v.with(func(w *world) { w.S3["invoices"].Blocks[3] = false })
	if proof, err := a.Verify(t.Context(), r); err != nil || proof.Standing != actions.NotInEffect {
		t.Errorf("%+v, %v", proof, err)
	}
}

// The bucket of another account is never touched, whatever rights there are.
func TestForeignBucket(t *testing.T) {
	v := newAmazon(t)
	_, err := v.action("aws.block-public-access").Plan(t.Context(), actions.Input{Target: "theirs", Key: "k"})
	var right *actions.MissingRight
	if !errors.As(err, &right) {
		t.Errorf("plan answered %v", err)
	}
}

// GuardDuty's findings on the target are warnings of the plan, in words that no intruder chose.
func TestFindings(t *testing.T) {
	v := newAmazon(t)
	const open = "resource.instanceDetails.instanceId"
	v.with(func(w *world) {
		w.Guard[home] = &honest.GuardDuty{Findings: []honest.Finding{
			{ID: "f1", Type: "Recon:EC2/Portscan", Severity: 5, Attrs: map[string]string{open: webOne}},
			{ID: "f2", Type: "Backdoor:EC2/C&CActivity.B!DNS", Severity: 8, Attrs: map[string]string{open: webOne}},
			{ID: "f3", Type: "Trojan:EC2/DropPoint", Severity: 8, Archived: true, Attrs: map[string]string{open: webOne}},
			{ID: "f4", Type: "<!channel> pay us", Severity: 9, Attrs: map[string]string{"resource.accessKeyDetails.accessKeyId": leaked}},
		}}
	})
	on := func(c *Config) { c.GuardDuty = true }
	p, err := v.action("aws.quarantine-instance", on).Plan(t.Context(), actions.Input{Target: webOne, Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Warnings[1:]; len(got) != 2 || !strings.Contains(got[0], "C&CActivity.B!DNS, severity 8.0") || !strings.Contains(got[1], "Portscan") {
		t.Errorf("%q", got)
	}
	list, err := v.account(on).KeyFindings(t.Context(), home, leaked)
	if err != nil || len(list) != 1 || strings.Contains(list[0].Type, "channel") || list[0].Times != 12 || list[0].Last.IsZero() {
		t.Errorf("%+v, %v", list, err)
	}
	if list, err := v.account(on).InstanceFindings(t.Context(), "us-west-2", west); err != nil || len(list) != 0 {
		t.Errorf("GuardDuty is not enabled there: %v, %v", list, err)
	}
	v.Deny("guardduty:ListFindings")
	p, err = v.action("aws.disable-access-key", on).Plan(t.Context(), actions.Input{Target: leaked, Key: "k"})
	if err != nil || !strings.Contains(strings.Join(p.Warnings, " "), "lacks guardduty:ListFindings") {
		t.Errorf("%+v, %v", p.Warnings, err)
	}
}
