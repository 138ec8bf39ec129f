package drill

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/tocsin-ir/tocsin/incident"
)

// The file as it is written.
type (
	rawScenario struct {
		Title    string        `yaml:"title"`
		About    string        `yaml:"about"`
		Type     string        `yaml:"type"`
		Severity string        `yaml:"severity"`
		Length   string        `yaml:"length"`
		Injects  []rawInject   `yaml:"injects"`
		Expected []rawExpected `yaml:"expected"`
	}
	rawInject struct {
		At      string `yaml:"at"`
		Kind    string `yaml:"kind"`
		From    string `yaml:"from"`
		Persona string `yaml:"persona"`
		Text    string `yaml:"text"`
		Vendor  string `yaml:"vendor"`
		For     string `yaml:"for"`
	}
	rawExpected struct {
		Do      string    `yaml:"do"`
		When    string    `yaml:"when"`
		After   int       `yaml:"after"`
		Within  string    `yaml:"within"`
		Points  int       `yaml:"points"`
		Sandbox bool      `yaml:"sandbox"`
		Match   rawMatch  `yaml:"match"`
		Answer  rawAnswer `yaml:"answer"`
	}
	rawMatch struct {
		Severity string   `yaml:"severity"`
		Role     string   `yaml:"role"`
		Phase    string   `yaml:"phase"`
		State    string   `yaml:"state"`
		Person   string   `yaml:"person"`
		Another  bool     `yaml:"another"`
		Words    []string `yaml:"words"`
	}
	rawAnswer struct {
		At    string   `yaml:"at"`
		Steps []string `yaml:"steps"`
	}
)

// check collects everything that is wrong with a file.
type check struct {
	file     string
	doc      *ast.File
	problems []error
}

// wrong says what, at the place of a YAML path.
func (c *check) wrong(at, why string, args ...any) {
	line, column := 1, 1
	if p, err := yaml.PathString(at); err == nil {
		if n, err := p.FilterFile(c.doc); err == nil {
			line, column = place(n)
		}
	}
	c.problems = append(c.problems, fmt.Errorf("%s:%d:%d: %s", c.file, line, column, fmt.Sprintf(why, args...)))
}

func (c *check) scenario(raw rawScenario) Scenario {
	s := Scenario{
		Title: c.text("$.title", raw.Title, 1, incident.MaxTitle), About: c.text("$.about", raw.About, 1, 2_000),
		Type:   c.text("$.type", raw.Type, 1, 64),
		Length: c.duration("$.length", raw.Length, time.Minute, incident.MaxDrill),
	}
	s.Severity = c.severity("$.severity", raw.Severity)
	if s.Severity == 0 && raw.Severity == "" {
		c.wrong("$", "the severity is missing: P1, P2, P3 or P4")
	}
	if n := len(raw.Injects); n < 1 || n > incident.MaxInjects {
		c.wrong("$.injects", "a scenario has 1 to %d injects, not %d", incident.MaxInjects, n)
		return s
	}
	if n := len(raw.Expected); n < 1 || n > incident.MaxDrillChecks {
		c.wrong("$.expected", "a scenario expects 1 to %d actions, not %d", incident.MaxDrillChecks, n)
		return s
	}
	for n, in := range raw.Injects {
		s.Injects = append(s.Injects, c.inject(fmt.Sprintf("$.injects[%d]", n), in, s))
	}
	for n, e := range raw.Expected {
		s.Expected = append(s.Expected, c.expected(fmt.Sprintf("$.expected[%d]", n), e, s))
	}
	return s
}

func (c *check) inject(at string, raw rawInject, s Scenario) Inject {
	in := Inject{Persona: raw.Persona, Vendor: raw.Vendor}
	in.At = c.duration(at+".at", raw.At, 0, s.Length)
	in.From = c.text(at+".from", raw.From, 0, 60)
	in.Text = c.text(at+".text", raw.Text, 1, incident.MaxInject)
	in.Kind = incident.InjectKind(raw.Kind)
	if !slices.Contains(incident.InjectKinds(), in.Kind) {
		c.wrong(at+".kind", "%q is no kind of inject; there are %s", raw.Kind, join(incident.InjectKinds()))
	}
	if n := len(s.Injects); n > 0 && in.At < s.Injects[n-1].At {
		c.wrong(at+".at", "comes before the inject above it; write them in the order of their times")
	}
	if raw.Persona != "" && !isName(raw.Persona) {
		c.wrong(at+".persona", "%q is nobody of the sandbox", raw.Persona)
	}
	if in.Kind != incident.InjectFault {
		if raw.Vendor != "" || raw.For != "" {
			c.wrong(at, "vendor and for belong to a fault")
		}
		return in
	}
	if !slices.Contains([]string{"slack", "pagerduty", "github"}, raw.Vendor) {
		c.wrong(at+".vendor", "%q is no vendor; there are slack, pagerduty, github", raw.Vendor)
	}
	in.For = c.duration(at+".for", raw.For, time.Minute, s.Length)
	return in
}

func (c *check) expected(at string, raw rawExpected, s Scenario) Expected {
	e := Expected{Do: c.text(at+".do", raw.Do, 1, 120), When: Deed(raw.When), After: max(1, raw.After), Points: raw.Points, Sandbox: raw.Sandbox}
	if !slices.Contains(Deeds(), e.When) {
		c.wrong(at+".when", "%q is no kind of action; there are %s", raw.When, join(Deeds()))
	}
	if raw.After < 0 || raw.After > len(s.Injects) {
		c.wrong(at+".after", "there is no inject %d", raw.After)
		e.After = 1
	}
	e.Within = c.duration(at+".within", raw.Within, time.Second, incident.MaxDrill)
	if from := s.Injects[e.After-1].At; from+e.Within > s.Length {
		c.wrong(at+".within", "falls due after the drill is over")
	}
	if raw.Points < 1 || raw.Points > 100 {
		c.wrong(at+".points", "an action brings 1 to 100 points, not %d", raw.Points)
	}
	e.Match = c.match(at+".match", e.When, raw.Match)
	c.answer(at+".answer", raw.Answer, s, &e)
	return e
}

func (c *check) match(at string, when Deed, raw rawMatch) Match {
	m := Match{Severity: c.severity(at+".severity", raw.Severity), Role: incident.Role(raw.Role), Phase: incident.Phase(raw.Phase),
		State: incident.ScopeState(raw.State), Person: incident.PersonID(raw.Person), Another: raw.Another, Words: raw.Words}
	for key, given := range map[string]bool{"severity": raw.Severity != "", "role": raw.Role != "", "phase": raw.Phase != "",
		"state": raw.State != "", "person": raw.Person != "", "another": raw.Another, "words": len(raw.Words) > 0} {
		if given && !slices.Contains(strings.Fields(fields[when]), key) {
			c.wrong(at+"."+key, "%s cannot be asked of %q; what can: %s", key, when, fields[when])
		}
	}
	if m.Phase != "" && phase(m.Phase) < 0 {
		c.wrong(at+".phase", "%q is no phase; there are %s", raw.Phase, join(incident.Phases()))
	}
	if states := []incident.ScopeState{incident.Suspected, incident.Confirmed, incident.Cleared}; m.State != "" && !slices.Contains(states, m.State) {
		c.wrong(at+".state", "%q is no state of scope; there are %s", raw.State, join(states))
	}
	if len(raw.Words) > 20 {
		c.wrong(at+".words", "more than 20 words")
	}
	for n, w := range raw.Words {
		c.text(fmt.Sprintf("%s.words[%d]", at, n), w, 1, 60)
	}
	return m
}

func (c *check) answer(at string, raw rawAnswer, s Scenario, e *Expected) {
	if len(raw.Steps) == 0 && raw.At == "" {
		return // a scenario of a team's own needs none
	}
	e.Answer = Answer{At: c.duration(at+".at", raw.At, 0, e.Within), Steps: raw.Steps}
	if len(raw.Steps) > 20 {
		c.wrong(at+".steps", "more than 20 steps")
	}
	for n, step := range raw.Steps {
		c.text(fmt.Sprintf("%s.steps[%d]", at, n), step, 1, 500)
	}
}

func (c *check) text(at, t string, least, most int) string {
	t = strings.Join(strings.Fields(t), " ")
	switch n := utf8.RuneCountInString(t); {
	case n < least:
		c.wrong(at, "%s is missing or says nothing", last(at))
	case n > most:
		c.wrong(at, "%s has %d characters; at most %d fit", last(at), n, most)
	}
	return t
}

func (c *check) duration(at, t string, least, most time.Duration) time.Duration {
	d, err := time.ParseDuration(strings.TrimSpace(t))
	switch {
	case t == "":
		c.wrong(at, "%s is missing; write it like 90s, 5m or 1h30m", last(at))
	case err != nil:
		c.wrong(at, "%q is no length of time; write it like 90s, 5m or 1h30m", t)
	case d < least:
		c.wrong(at, "%q is less than %s", t, least)
	case d > most:
		c.wrong(at, "%q is more than %s", t, most)
	default:
		return d
	}
	return least
}

func (c *check) severity(at, t string) incident.Severity {
	s, ok := incident.ParseSeverity(t)
	if t != "" && !ok {
		c.wrong(at, "%q is no severity; write P1, P2, P3 or P4", t)
	}
	return s
}

func last(path string) string { return path[strings.LastIndexAny(path, ".]")+1:] }

func join[T ~string](list []T) string {
	words := make([]string, len(list))
	for i, w := range list {
		words[i] = string(w)
	}
	return strings.Join(words, ", ")
}
