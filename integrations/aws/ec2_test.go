package aws

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/actiontest"
	"github.com/tocsin-ir/tocsin/incident"
	honest "github.com/tocsin-ir/tocsin/internal/sandbox/aws"
)

func TestQuarantine(t *testing.T) {
	cards := func(w *world) any { return w.EC2[home].Instances[webOne].Cards }
	meddle := func(w *world) {
		w.EC2[home].Instances[webOne].Cards[1].Groups = []string{"sg-00000000000000003", "sg-00000000000000003"}
	}
	actiontest.Conform(t, actiontest.Case{
		Name: "aws.quarantine-instance", Unknown: "wep-1", Unproven: true,
		Make: made("aws.quarantine-instance", "web-1", cards, meddle),
	})
	actiontest.Conform(t, actiontest.Case{
		Name: "aws.quarantine-instance in a named group", Unknown: "i-0eeeeeeeeeeeeeeee", Unproven: true,
		Make: made("aws.quarantine-instance", webTwo, func(w *world) any { return w.EC2[home].Instances[webTwo].Cards },
			func(w *world) { w.EC2[home].Instances[webTwo].Cards[0].Groups = []string{"sg-00000000000000002"} }, "group", "sg-00000000000000004"),
	})
}

func TestSnapshots(t *testing.T) {
	actiontest.Conform(t, actiontest.Case{
		Name: "aws.snapshot-instance", Unknown: "10.9.9.9",
		Make: made("aws.snapshot-instance", webOne, func(w *world) any { return w.EC2[home].Snapshots },
			func(w *world) { w.EC2[home].Instances[webOne].Volumes = []string{"vol-a"} }),
	})
}

func TestProfile(t *testing.T) {
	actiontest.Conform(t, actiontest.Case{
		Name: "aws.detach-instance-profile", Unknown: "us-west-2/" + webOne,
		Make: made("aws.detach-instance-profile", "arn:aws:ec2:"+home+":"+account+":instance/"+webOne, func(w *world) any {
			for _, a := range w.EC2[home].Profiles {
				if a.Instance == webOne {
					return a.ARN
				}
			}
			return ""
		}, func(w *world) {
			w.EC2[home].Profiles = map[string]*honest.Association{"iip-assoc-7": {Instance: webOne, ARN: "arn:aws:iam::" + account + ":instance-profile/other-profile"}}
		}),
	})
}

// An instance is found by whatever a tired responder has of it.
func TestNames(t *testing.T) {
	a := newAmazon(t).account()
	for typed, want := range map[string]string{
		webOne: home, "web-1": home, "203.0.113.7": home, "ip-10-0-0-7.eu-central-1.compute.internal": home,
		home + "/10.0.0.7": home, west: "us-west-2", "us-west-2/web-2": "us-west-2",
	} {
		if m, err := a.machine(t.Context(), typed); err != nil || m.region != want {
			t.Errorf("%s: %s, %v", typed, m.region, err)
		}
	}
	var many *actions.Ambiguous
	if _, err := a.machine(t.Context(), "web-2"); !errors.As(err, &many) || len(many.Fits) != 2 || many.Fits[0] != home+"/"+webTwo {
		t.Errorf("two are called web-2: %v", err)
	}
	if _, err := a.machine(t.Context(), "10.0.0.7"); !errors.As(err, &many) {
		t.Errorf("two have that address: %v", err)
	}
	if _, err := a.machine(t.Context(), "wep-1"); err == nil || !strings.Contains(err.Error(), "Did you mean web-1") {
		t.Errorf("a near name is not told: %v", err)
	}
	if _, err := a.machine(t.Context(), "*"); err == nil {
		t.Error("a wildcard names every instance")
	}
}

// The groups of both interfaces change; the second write fails. What was done and what
// was not is told, and asking again goes on.
func TestQuarantineHalfWay(t *testing.T) {
	v := newAmazon(t)
	a := v.action("aws.quarantine-instance", func(c *Config) { c.Quarantine = "cell" })
	v.with(func(w *world) {
		w.EC2[home].Groups["sg-cell1"] = &honest.Group{Name: "cell", VPC: "vpc-1"}
		w.EC2[home].Groups["sg-cell2"] = &honest.Group{Name: "cell", VPC: "vpc-2"}
	})
	p, err := a.Plan(t.Context(), actions.Input{Target: "web-1", Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	v.Server.Fail(503, -1, true, 1)
	_, err = a.Do(t.Context(), p)
	var part *actions.Partial
	if !errors.As(err, &part) || len(part.Receipt.Done) != 1 || len(part.NotDone) != 1 || part.NotDone[0] != "the interface eni-2" {
		t.Fatalf("do answered %v", err)
	}
	if proof, err := a.Verify(t.Context(), part.Receipt); err != nil || proof.Standing != actions.NotInEffect {
		t.Errorf("half of it is done, and verify says %+v, %v", proof, err)
	}
	v.Fail(0, 0, false)
	r, err := a.Do(t.Context(), p)
	if err != nil || len(r.Done) != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := a.(actions.Undoer).Undo(t.Context(), r); err != nil {
		t.Error(err)
	}
}

// An intruder opens the quarantine group: nobody is put into it, and whoever is inside is
// no longer said to be isolated, but can be let out.
func TestOpenedQuarantine(t *testing.T) {
	v := newAmazon(t)
	a := v.action("aws.quarantine-instance")
	in := actions.Input{Target: "web-1", Key: "k"}
	p, err := a.Plan(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Do(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	v.with(func(w *world) {
		for _, g := range w.EC2[home].Groups {
			if g.Name == quarantineName {
				g.In = []string{"198.51.100.1/32"}
			}
		}
	})
	if proof, err := a.Verify(t.Context(), r); err != nil || proof.Standing != actions.NotInEffect {
		t.Errorf("%+v, %v", proof, err)
	}
	in.Target = home + "/" + webTwo
	if _, err := a.Plan(t.Context(), in); !incident.IsGivenUp(err) || !strings.Contains(err.Error(), "isolates nothing") {
		t.Errorf("plan answered %v", err)
	}
	if _, err := a.(actions.Undoer).Undo(t.Context(), r); err != nil {
		t.Error(err)
	}
}

// The process died between making the group and taking its rule away; the next deed
// mends it.
func TestHalfMadeGroup(t *testing.T) {
	v := newAmazon(t)
	v.with(func(w *world) {
		w.EC2[home].Groups["sg-half"] = &honest.Group{Name: quarantineName, VPC: "vpc-1", Out: []string{"0.0.0.0/0"}}
	})
	a := v.action("aws.quarantine-instance")
	p, err := a.Plan(t.Context(), actions.Input{Target: home + "/" + webTwo, Key: "k"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Do(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if out := v.now().EC2[home].Groups["sg-half"].Out; len(out) != 0 {
		t.Errorf("the quarantine group lets out %v", out)
	}
}

// Tocsin's own machine, and one that is marked, are not touched.
func TestSparedMachines(t *testing.T) {
	v := newAmazon(t)
	v.with(func(w *world) {
		w.Caller = "arn:aws:sts::" + account + ":assumed-role/tocsin-role/" + webOne
		w.EC2[home].Instances[webTwo].Tags[breakGlassTag] = "yes"
	})
	for _, name := range []string{"aws.quarantine-instance", "aws.detach-instance-profile", "aws.snapshot-instance"} {
		for _, id := range []string{webOne, webTwo} {
			if _, err := v.action(name).Plan(t.Context(), actions.Input{Target: id, Key: "k"}); !incident.IsGivenUp(err) {
				t.Errorf("%s %s: plan answered %v", name, id, err)
			}
		}
	}
}

// The instance is terminated by its Auto Scaling group, as the plan warned.
func TestTerminatedMeanwhile(t *testing.T) {
	v := newAmazon(t)
	a := v.action("aws.quarantine-instance")
	p, err := a.Plan(t.Context(), actions.Input{Target: webOne, Key: "k"})
	if err != nil || !strings.Contains(strings.Join(p.Dependants, " "), "Auto Scaling group web") {
		t.Fatalf("%+v, %v", p, err)
	}
	r, err := a.Do(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	v.with(func(w *world) { w.EC2[home].Instances[webOne].State = "terminated" })
	var changed *actions.Changed
	if _, err := a.(actions.Undoer).Undo(t.Context(), r); !errors.As(err, &changed) {
		t.Errorf("undo answered %v", err)
	}
	if proof, err := a.Verify(t.Context(), r); err != nil || proof.Standing != actions.NotInEffect {
		t.Errorf("%+v, %v", proof, err)
	}
}

// A snapshot that is still copied is not proven; one that failed is none, and is made anew.
func TestSnapshotStates(t *testing.T) {
	v := newAmazon(t)
	v.with(func(w *world) { w.EC2[home].Copying = "pending" })
	a := v.action("aws.snapshot-instance")
	p, err := a.Plan(t.Context(), actions.Input{Target: webOne, Key: "INC-0042.C1/3/1"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Do(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if proof, err := a.Verify(t.Context(), r); err != nil || proof.Standing != actions.Unproven || proof.Again == 0 {
		t.Errorf("%+v, %v", proof, err)
	}
	v.with(func(w *world) {
		for _, s := range w.EC2[home].Snapshots {
			s.State = "error"
		}
		w.EC2[home].Copying = "completed"
	})
	if proof, err := a.Verify(t.Context(), r); err != nil || proof.Standing != actions.NotInEffect {
		t.Errorf("%+v, %v", proof, err)
	}
	if r, err = a.Do(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if proof, err := a.Verify(t.Context(), r); err != nil || proof.Standing != actions.InEffect {
		t.Errorf("%+v, %v", proof, err)
	}
}

// Before a quarantine: the description, the console, and a reference for each volume; a
// second request of the same key makes no second snapshots.
func TestEvidence(t *testing.T) {
	v := newAmazon(t)
	a := v.action("aws.quarantine-instance").(actions.Preserver)
	var refs []string
	for range 2 {
		e, err := a.Preserve(t.Context(), actions.Input{Target: webOne, Key: "k"})
		if err != nil {
			t.Fatal(err)
		}
		if len(e.Items) != 4 {
			t.Fatalf("%+v", e.Items)
		}
		f, err := e.Items[1].Open()
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := io.ReadAll(f); !strings.Contains(string(text), "login:") {
			t.Errorf("the console reads %q", text)
		}
		refs = append(refs, e.Items[2].Ref)
	}
	if refs[0] != refs[1] || !strings.HasPrefix(refs[0], home+"/snap-") || len(v.now().EC2[home].Snapshots) != 2 {
		t.Errorf("%v", refs)
	}
}
