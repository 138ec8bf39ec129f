package main

import (
	"io/fs"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/tocsin-ir/tocsin/sensor/bpf"
	"github.com/tocsin-ir/tocsin/sensor/detect/rules"
	"github.com/tocsin-ir/tocsin/sensor/event"
)

// A rule about a file is blind where the kernel is not told to look. What the test events of the pack are about is watched.
func TestRulesLookWhereTheSensorWatches(t *testing.T) {
	type step struct {
		Event struct {
			Kind string
			File event.FileOf
		}
	}
	names, err := fs.Glob(rules.Files(), "tests/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	looked := 0
	for _, name := range names {
		text, err := fs.ReadFile(rules.Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		var trial struct {
			Fires []struct {
				Step   step `yaml:",inline"`
				Name   string
				Events []step
			}
		}
		if err := yaml.Unmarshal(text, &trial); err != nil {
			t.Fatal(name, err)
		}
		for _, c := range trial.Fires {
			for _, s := range append(c.Events, c.Step) {
				if s.Event.Kind != "file" {
					continue
				}
				looked++
				if !bpf.DefaultWatch().Covers(s.Event.File) {
					t.Errorf("%s, %s: nobody watches %s", name, c.Name, s.Event.File.Path)
				}
			}
		}
	}
	if looked < 20 {
		t.Fatalf("only %d events about files", looked)
	}
}
