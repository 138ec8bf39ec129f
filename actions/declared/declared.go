// Package declared reads actions that a team wrote in YAML instead of Go. It knows how an
// action is put together (what is read, what is wanted, what is done and undone, how it is
// verified) and nothing of how a part is carried out: integrations/webhook makes HTTP
// calls of them, integrations/exec commands.
//
// The file is written by somebody who may be trusted with containment. What fills its
// templates is not: targets and parameters come from a chat room. So a template never
// makes a word of two, and each kit says where which value may stand.
package declared

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/actions"
)

// Part is one thing that an action does to the world, as its kit carries it out. It is
// safe for concurrent use and brings its own time limit.
type Part interface {
	// State asks the world and returns one word of what it answered; Load's caller has no
	// need to check it. Errors: those of actions.Action.
	State(ctx context.Context, v Values) (string, error)
	// Run changes the world. What is answered is not read.
	Run(ctx context.Context, v Values) error
	// Keep returns what is to be kept as evidence, at most 8 MiB.
	Keep(ctx context.Context, v Values) ([]byte, error)
}

// Use is what a part is for.
type Use struct {
	Step  string // "read the state", for errors
	Reads bool   // its answer is a state
	Right string // the first right of the action, which a refusal is about
	Scope Scope  // what its templates may name
}

// Kit reads the part of an action that is its own: a call or a command.
type Kit func(v Value, u Use) Part

// NoTarget is the state that says that there is no such target.
const NoTarget = "no-target"

// File is what is read.
type File struct {
	Name string // for problems: "actions.yaml"
	Text []byte
	Env  func(name string) (string, bool) // os.LookupEnv
}

// Load reads a file with the keys secrets, actions and those the kit adds; open is given
// the latter and returns the kit. The error joins everything that is wrong, each with
// file, line and column.
func Load(f File, open func(top Fields) Kit, keys ...string) ([]actions.Action, error) {
	found := &problems{file: f.Name}
	doc, ok := parse(f.Text, found)
	if !ok {
		return nil, found.err()
	}
	top := doc.Fields(append(keys, "secrets", "actions")...)
	secrets := secretsOf(top, f.Env)
	kit := open(top)
	var out []actions.Action
	names := map[string]bool{}
	list, ok := top.Must("actions")
	if !ok {
		return nil, found.err()
	}
	items := list.Items()
	sum := sha256.Sum256(f.Text)
	if len(items) == 0 {
		list.Wrong("there are no actions")
	}
	for _, v := range items {
		a := read(v, kit, secrets)
		if a == nil {
			continue
		}
		if names[a.spec.Name] {
			v.Wrong("the action %q is here twice", a.spec.Name)
		}
		names[a.spec.Name] = true
		a.file = hex.EncodeToString(sum[:])
		out = append(out, a.whole())
	}
	if err := found.err(); err != nil {
		return nil, err
	}
	return out, nil
}

// action is one of the file, without its way back.
type action struct {
	spec   actions.Spec
	target target
	states []string
	want   string
	says   sayings
	file   string // the digest of the whole file, in hex

	secrets                       map[string]actions.Secret
	look, act, back, verify, keep Part
	effect                        bool // verify sees the effect, not what is stored
}

// sayings are the sentences of a card.
type sayings struct{ plan, done, undone, warnings, lost []Text }

// whole is the action with what it can do beside the contract.
func (a *action) whole() actions.Action {
	switch {
	case a.back != nil && a.keep != nil:
		return reversibleAfterKeeping{reversible{a}}
	case a.back != nil:
		return reversible{a}
	case a.keep != nil:
		return keeping{a}
	}
	return a
}

var stateShape = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$`)

// read reads one action. nil: it is so broken that nothing more can be said about it.
func read(v Value, kit Kit, secrets map[string]actions.Secret) *action {
	f := v.Fields(append(headKeys, "target", "never", "states", "want", "plan", "done", "undone", "warnings", "lost",
		"read", "do", "undo", "verify", "preserve")...)
	if !f.OK() {
		return nil
	}
	a := &action{spec: head(f), secrets: secrets}
	_, a.spec.Reversible = f.Get("undo")
	a.target = targetOf(f, a.spec.Kind)
	a.readStates(f)
	seen := Scope{Params: a.spec.Params}
	a.says = sayings{plan: f.Texts("plan", seen, true), done: f.Texts("done", seen, true), undone: f.Texts("undone", seen, a.spec.Reversible),
		warnings: f.Texts("warnings", seen, false), lost: f.Texts("lost", seen, false)}
	a.readParts(f, kit)
	for _, p := range a.spec.Problems() {
		v.Wrong("%s", p)
	}
	if a.spec.Destroys != "" && a.keep == nil {
		v.Wrong("it destroys something, so it needs the key preserve")
	}
	return a
}

func (a *action) readStates(f Fields) {
	for _, v := range f.Items("states") {
		s := v.Line(40)
		if !stateShape.MatchString(s) || s == NoTarget || slices.Contains(a.states, s) {
			v.Wrong("%q cannot be a state here: letters, digits, dots, dashes and underscores, each state once", s)
			continue
		}
		a.states = append(a.states, s)
	}
	want, ok := f.Must("want")
	if !ok {
		return
	}
	a.want = want.Line(40)
	if !slices.Contains(a.states, a.want) || len(a.states) < 2 {
		want.Wrong("want is one of the states, and there are at least two")
	}
}

func (a *action) readParts(f Fields, kit Kit) {
	scope := Scope{Params: a.spec.Params, Secrets: a.secrets}
	right := ""
	if len(a.spec.Rights) > 0 {
		right = a.spec.Rights[0]
	}
	part := func(key, step string, reads, must bool, scope Scope) Part {
		v, ok := f.Get(key)
		if must {
			v, ok = f.Must(key)
		}
		if !ok {
			return nil
		}
		return kit(v, Use{Step: step + " of " + a.spec.Name, Reads: reads, Right: right, Scope: scope})
	}
	a.look = part("read", "the reading", true, true, scope)
	a.act = part("do", "the deed", false, true, scope)
	a.keep = part("preserve", "the keeping", false, false, scope)
	a.verify, a.effect = a.look, false
	if v, ok := f.Get("verify"); ok {
		a.verify, a.effect = part("verify", "the proof", true, false, scope), seesEffect(v)
	}
	withFound := scope
	withFound.Found = true
	a.back = part("undo", "the way back", false, false, withFound)
	if v, ok := f.Get("undo"); ok && len(a.states) > 2 && !v.Mentions("{found}") {
		v.Wrong("there is more than one state to go back to, so the way back must name {found}")
	}
}

// seesEffect reads the key seen of a verify part.
func seesEffect(v Value) bool {
	seen, ok := v.peek("seen")
	if !ok {
		v.Wrong("seen is missing: effect where this shows that it works, stored where it only shows that it is kept")
		return false
	}
	return seen.OneOf("effect", "stored") == "effect"
}

// secretsOf reads the secrets by the name of an environment variable.
func secretsOf(top Fields, env func(string) (string, bool)) map[string]actions.Secret {
	out := map[string]actions.Secret{}
	for name, v := range top.Pairs("secrets") {
		variable := v.Line(100)
		if !wordShape.MatchString(name) {
			v.Wrong("%q cannot be the name of a secret: small letters, digits and underscores", name)
			continue
		}
		value, ok := env(variable)
		value = strings.TrimRight(value, "\r\n")
		switch {
		case !ok || value == "":
			v.Wrong("the environment has no %s", variable)
		case unprintable(value):
			v.Wrong("%s has characters that cannot be typed", variable)
		default:
			out[name] = actions.Secret(value)
		}
	}
	return out
}

// Values are what fills a template.
type Values struct {
	Target, Found, Key, Note string
	Params                   map[string]string
	secrets                  map[string]actions.Secret
}

func (a *action) values(id string, params map[string]string, key, note string) Values {
	return Values{Target: id, Params: params, Key: key, Note: note, secrets: a.secrets}
}

// errNoState says nothing of what was answered: it may repeat what was sent.
var errNoState = errors.New("the answer is none of the states that the file names")

// state asks a part and takes nothing for a state that the file does not name.
func (a *action) state(ctx context.Context, p Part, v Values) (string, error) {
	s, err := p.State(ctx, v)
	if err != nil {
		return "", err
	}
	if s == NoTarget || slices.Contains(a.states, s) {
		return s, nil
	}
	return "", fmt.Errorf("%s: %w", a.spec.Name, errNoState)
}
