package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/sensor/detect/rules"
	"github.com/tocsin-ir/tocsin/sensor/detect/sigma"
	"github.com/tocsin-ir/tocsin/sensor/emulation"
)

// rulesPage is what rules can be written for, and the starter pack.
func rulesPage(t *testing.T) string {
	s := newSheet("Sigma rules", "Rules are Sigma's, specification 2.1.0 ([what it leaves open](adr/0024-sigma-readings.md)). Without a folder these commands\n"+
		"look at the starter pack:\n\n"+
		"```sh\n"+
		"tocsin rules check my-rules             # what is wrong, with file, line and column; what the sensor has no events for\n"+
		"tocsin rules test my-rules              # plays the events in my-rules/tests\n"+
		"tocsin rules explain <rule> event.json my-rules\n"+
		"tocsin rules coverage --navigator layer.json my-rules\n"+
		"```\n\n"+
		"A rule that is wrong is left out; the others are used. How test events are written stands in\n"+
		"`sensor/detect/sigma/trial/trial.go`, and beside every rule of the pack in `sensor/detect/rules/tests`.")
	s.say("\n## What an event is seen as\n\nA rule is asked about the records of its logsource. One event may be several records. Except for auditd's, every record also\n" +
		"has the sensor's own fields, by their place in the event's JSON: `exec.memfd`, `process.euid`, `parent.args`, `container.image`,\n" +
		"`net.remote.port`, `file.op`, `priv.uid`, `sys.target.exe` and so on. Log sources that are not here have no event of the sensor; rules for\n" +
		"them judge alerts from elsewhere.\n")
	s.table("Category", "Product", "Service", "Events", "Fields")
	for _, r := range sigma.Records() {
		var kinds []string
		for _, k := range r.Kinds {
			kinds = append(kinds, k.String())
		}
		service := code(r.Source.Service)
		if r.Type != "" {
			service += " type " + code(r.Type)
		}
		fields := codes(r.Fields)
		if r.Source.Service == "tocsin" {
			fields = "the sensor's own"
		}
		s.row(code(r.Source.Category), code(r.Source.Product), service, strings.Join(kinds, ", "), fields)
	}
	files, err := sigma.Read(rules.Files())
	if err != nil {
		t.Fatal(err)
	}
	set, _ := sigma.Compile(files, sigma.Options{})
	list := set.Rules()
	if len(list) < 60 {
		t.Fatalf("only %d rules", len(list))
	}
	s.say("\n## The starter pack\n\n%d rules in `sensor/detect/rules`, over %d techniques. What is informational only counts for another rule.\n", len(list), len(sigma.Coverage(list)))
	s.table("Rule", "Level", "Techniques", "File", "False positives")
	for _, r := range list {
		s.row(r.Title, r.Level.String(), strings.Join(r.Techniques(), ", "), code(r.File), fmt.Sprint(strings.Join(r.FalsePositives, "; ")))
	}
	s.say("\n## Techniques carried out\n\nA test (`cmd/tocsin-sensor`, package `sensor/emulation`) carries each of these %d techniques out on the machine it runs on, in namespaces of\n"+
		"its own, and finds what the kernel told the sensor as a signal of that rule, with the technique, in the room of an incident in the sandbox. A program that a\n"+
		"plain system has not is played under its name, and does the real thing against an adversary inside the namespaces.\n", len(emulation.Techniques()))
	s.table("Technique", "What is done", "Rule that names it")
	for _, x := range emulation.Techniques() {
		s.row(x.ID, x.Does, code(x.Rule+".yml"))
	}
	return s.page()
}
