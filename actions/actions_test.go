package actions_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

var spec = actions.Spec{Name: "okta.suspend-user", Params: []actions.Param{
	{Name: "key", Help: "an access key", Pattern: regexp.MustCompile(`a{8}|a{17}`)},
	{Name: "mode", Help: "how", Choices: []string{"soft", "hard"}, Default: "soft"},
	{Name: "why", Help: "a word", Required: true, Max: 10},
}}

func TestWhatIsGivenIsCheckedAndCompleted(t *testing.T) {
	for name, c := range map[string]struct {
		given map[string]string
		wrong string // the parameter that is refused; "" none
	}{
		"complete":           {map[string]string{"why": "x", "key": strings.Repeat("a", 17)}, ""},
		"the shorter form":   {map[string]string{"why": "x", "key": strings.Repeat("a", 8)}, ""},
		"neither form":       {map[string]string{"why": "x", "key": strings.Repeat("a", 9)}, "key"},
		"more than it":       {map[string]string{"why": "x", "key": strings.Repeat("a", 8) + "\n"}, "key"},
		"one is missing":     {nil, "why"},
		"no such choice":     {map[string]string{"why": "x", "mode": "gentle"}, "mode"},
		"too long":           {map[string]string{"why": strings.Repeat("é", 11)}, "why"},
		"a hidden character": {map[string]string{"why": "a\u202eb"}, "why"},
		"unknown":            {map[string]string{"why": "x", "force": "yes"}, "force"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := spec.Complete(c.given)
			var bad *actions.BadParam
			if errors.As(err, &bad) != (c.wrong != "") || bad != nil && bad.Name != c.wrong {
				t.Fatalf("%v, %v", got, err)
			}
			if err == nil && got["mode"] != "soft" {
				t.Error("the default is not there")
			}
		})
	}
}

func TestADigestSeesEverything(t *testing.T) {
	p := actions.Plan{Action: "a.b", Target: actions.Target{ID: "1", Name: "x"}, Steps: []string{"one"}, Found: actions.StateOf(1), Want: actions.StateOf(2)}
	base := p.Digest()
	for name, change := range map[string]func(*actions.Plan){
		"target":  func(p *actions.Plan) { p.Target.ID = "2" },
		"name":    func(p *actions.Plan) { p.Target.Name = "y" },
		"step":    func(p *actions.Plan) { p.Steps = []string{"two"} },
		"found":   func(p *actions.Plan) { p.Found = actions.StateOf(3) },
		"want":    func(p *actions.Plan) { p.Want = actions.StateOf(3) },
		"params":  func(p *actions.Plan) { p.Params = map[string]string{"a": "b"} },
		"warning": func(p *actions.Plan) { p.Warnings = []string{"last admin"} },
	} {
		q := p
		change(&q)
		if q.Digest() == base {
			t.Errorf("another %s gives the same digest", name)
		}
	}
	if actions.Digest([]actions.Plan{p, p}) == base {
		t.Error("two plans have the digest of one")
	}
}

func TestASecretDoesNotPrint(t *testing.T) {
	s := actions.Secret("hunter2")
	b, _ := json.Marshal(map[string]any{"s": s})
	for _, printed := range []string{fmt.Sprint(s), fmt.Sprintf("%v %s %#v %+v", s, s, s, struct{ S actions.Secret }{s}), string(b)} {
		if strings.Contains(printed, "hunter2") {
			t.Errorf("it reads %s", printed)
		}
	}
}

func TestWhatIsFinalIsNotTriedAgain(t *testing.T) {
	for err, final := range map[error]bool{
		&actions.NoTarget{Kind: "host", Name: "x"}:     true,
		&actions.MissingRight{Right: "r", To: "s"}:     true,
		fmt.Errorf("do: %w", actions.ErrStale):         true,
		incident.GiveUp(errors.New("no")):              true,
		incident.Later(errors.New("busy"), 1):          false,
		errors.New("503"):                              false,
		&actions.Partial{Err: &actions.MissingRight{}}: true,
		&actions.Partial{Err: errors.New("cut off")}:   false,
	} {
		if actions.Final(err) != final {
			t.Errorf("%v: final %v", err, !final)
		}
	}
}
