//go:build !solo

package plan

import (
	"errors"
	"strings"

	"github.com/google/cel-go/cel"

	"github.com/tocsin-ir/tocsin/incident"
)

var errNotBool = errors.New("it is neither true nor false")

// whenCost bounds what a condition may compute; a plan is reviewed, and can still be wrong.
const whenCost = 100_000

// compileWhen reads a condition. It may look at facts of the incident and of the request,
// and at no text that somebody wrote (https://github.com/google/cel-spec).
func compileWhen(text string) (condition, error) {
	env, err := cel.NewEnv(
		cel.Variable("severity", cel.IntType), cel.Variable("incident_type", cel.StringType), cel.Variable("action", cel.StringType),
		cel.Variable("targets", cel.ListType(cel.StringType)), cel.Variable("requester", cel.StringType), cel.Variable("drill", cel.BoolType),
		cel.Variable("private", cel.BoolType), cel.Variable("reversible", cel.BoolType), cel.Variable("now", cel.TimestampType),
	)
	if err != nil {
		return nil, err
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		first, _, _ := strings.Cut(issues.Err().Error(), "\n")
		return nil, errors.New(strings.TrimPrefix(first, "ERROR: "))
	}
	if ast.OutputType() != cel.BoolType {
		return nil, errNotBool
	}
	prog, err := env.Program(ast, cel.CostLimit(whenCost))
	if err != nil {
		return nil, err
	}
	return func(q incident.Question) (bool, error) {
		out, _, err := prog.Eval(map[string]any{"severity": int64(q.State.Severity), "incident_type": q.State.Type, "action": q.Action, "targets": q.Targets,
			"requester": string(q.By.ID), "drill": q.State.Drill, "private": q.State.Private, "reversible": q.Reversible, "now": q.At})
		if err != nil {
			return false, err
		}
		holds, _ := out.Value().(bool)
		return holds, nil
	}, nil
}
