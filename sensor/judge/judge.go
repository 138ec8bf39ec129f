// Package judge is what an agent asks about each event: whether a Sigma rule fires for it, or
// whether it touches a known indicator. What it finds travels in the priority lane under the
// name of what found it: "sigma/<rule>", "intel/<source>".
//
// Sets come over the link, signed; see Sigma and Intel. Until the first has come everything
// passes unjudged.
package judge

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/agent"
	"github.com/tocsin-ir/tocsin/sensor/detect/intel"
	"github.com/tocsin-ir/tocsin/sensor/detect/sigma"
	"github.com/tocsin-ir/tocsin/sensor/event"
)

// maxFiles bounds the files of a set.
const maxFiles = 20_000

// Judge judges. Sigma and Intel may be called while it does.
type Judge struct {
	engine  atomic.Pointer[sigma.Engine]
	intel   intel.Live
	now     func() time.Time
	matches []sigma.Match // of the one goroutine that judges
	hits    []intel.Hit
	names   []string
}

// New makes one that knows nothing yet.
func New(now func() time.Time) *Judge { return &Judge{now: now} }

// Judge marks the event with what found it: with all of it, since one program that is started can be several
// things. The rule of the highest level comes first, of several the first by name. Indicators outrank rules: they name
// their enemy. It is called by one goroutine.
func (j *Judge) Judge(e *event.Event) agent.Verdict {
	j.names = j.names[:0]
	if j.hits = j.intel.Set().Match(j.hits[:0], e, j.now()); len(j.hits) > 0 {
		j.names = append(j.names, "intel/"+j.hits[0].Indicator().Source)
		clear(j.hits) // they keep their set in memory
	}
	if engine := j.engine.Load(); engine != nil {
		if j.matches = engine.Judge(e, e.At, j.matches[:0]); len(j.matches) > 0 {
			j.names = append(j.names, called(engine.Set(), j.matches)...)
		}
	}
	if len(j.names) == 0 {
		return agent.Verdict{}
	}
	e.Rule = j.names[0]
	if len(j.names) > 1 {
		e.Also = slices.Clone(j.names[1:min(len(j.names), event.MostRules)])
	}
	return agent.Verdict{Urgent: true, Rule: e.Rule}
}

// called are the names of what matched, each once, the worst first.
func called(set *sigma.Set, matches []sigma.Match) (names []string) {
	slices.SortFunc(matches, func(a, b sigma.Match) int {
		return cmp.Or(cmp.Compare(b.Rule.Level, a.Rule.Level), strings.Compare(set.Called(a.Rule), set.Called(b.Rule)))
	})
	for _, m := range matches {
		names = append(names, "sigma/"+set.Called(m.Rule))
	}
	return slices.Compact(names)
}

// Sigma puts a set of rules into force: JSON, a list of files. A rule that is wrong is left
// out, which the server said when it compiled the same files. A body that cannot be read, or
// in which no rule is left, is an error and changes nothing.
func (j *Judge) Sigma(body []byte) error {
	var files []sigma.File
	if err := json.Unmarshal(body, &files); err != nil || len(files) > maxFiles {
		return errors.New("read the rules: not a list of files")
	}
	set, problems := sigma.Compile(files, sigma.Options{})
	if len(problems) > 0 && len(set.Rules()) == 0 {
		return fmt.Errorf("read the rules: none is left; the first problem: %s", problems[0])
	}
	if engine := j.engine.Load(); engine != nil {
		engine.Reload(set)
	} else {
		j.engine.Store(sigma.NewEngine(set, sigma.Limits{}))
	}
	return nil
}

// Intel puts a set of indicators into force.
func (j *Judge) Intel(body []byte) error {
	set, err := intel.Decode(body)
	if err != nil {
		return fmt.Errorf("read the indicators: %w", err)
	}
	j.intel.Swap(set)
	return nil
}

// ChangeIntel is the set that comes of the one in force and what changed. It puts nothing into force.
func (j *Judge) ChangeIntel(change []byte) ([]byte, error) {
	d, err := intel.DecodeDelta(change)
	if err != nil {
		return nil, fmt.Errorf("read what changed: %w", err)
	}
	return d.Body(j.intel.Set())
}
