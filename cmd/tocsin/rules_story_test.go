package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// What somebody does with rules at the command line, and what they see.
func TestRulesStory(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/rules", Cmds: map[string]func(*testscript.TestScript, bool, []string){
		"tocsin": func(ts *testscript.TestScript, neg bool, args []string) {
			t.Chdir(ts.Getenv("WORK"))
			code := run(args, ts.Stdout(), ts.Stderr())
			if neg != (code != 0) {
				ts.Fatalf("tocsin %v: exit code %d", args, code)
			}
		},
	}})
}
