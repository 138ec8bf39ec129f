package declared

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

// word is a kit whose parts say the one word under the key say.
type word struct{ text Text }

func (w word) State(_ context.Context, v Values) (string, error) { return w.text.Fill(v, nil) }
func (w word) Run(context.Context, Values) error                 { return nil }
func (w word) Keep(_ context.Context, v Values) ([]byte, error) {
	s, err := w.text.Fill(v, nil)
	return []byte(s), err
}
func words(v Value, u Use) Part {
	texts := v.Fields("say", "seen").Texts("say", u.Scope, true)
	if len(texts) == 0 {
		return word{}
	}
	return word{texts[0]}
}
func opens(Fields) Kit              { return words }
func nothing(string) (string, bool) { return "", false }
func loaded(text string) ([]actions.Action, error) {
	return Load(File{"f.yaml", []byte(text), nothing}, opens)
}

const lock = `
actions:
  - name: door.lock
    title: Lock a door
    does: Nobody comes in.
    kind: KIND
    blast: team
    rights: [keys]
    proof: The door is looked at.
    example: door.lock front
    target: {pattern: "[a-z0-9.:/-]+", help: a door}
    never: [NEVER]
    states: [open, locked]
    want: locked
    plan: Lock {target}, {{as said}}.
    done: Locked.
    read: {say: open}
    do: {say: x}
`

func TestWhatATargetMayBe(t *testing.T) {
	for _, c := range []struct{ kind, never, typed, id string }{ // an id of "" is refused
		{"service", "vault", " front ", "front"},
		{"service", "vault", "Front", ""},
		{"service", "vault", "vault", ""},
		{"service", "vault", "front door", ""},
		{"address", "10.0.0.0/8", "203.0.113.99/24", "203.0.113.0/24"},
		{"address", "10.0.0.0/8", "::ffff:203.0.113.7", "203.0.113.7"},
		{"address", "10.0.0.0/8", "10.2.3.4", ""},
		{"address", "10.0.0.0/8", "::/0", "::/0"},
		{"address", "10.0.0.0/8", "0.0.0.0/0", ""},
		{"address", "10.0.0.0/8", "fe80::1%eth0", ""},
		{"address", "10.0.0.0/8", "front", ""},
		{"domain", "bank.example", "Evil.Example.", "evil.example"},
		{"domain", "bank.example", "BANK.example", ""},
		{"domain", "bank.example", "com", ""},
		{"domain", "bank.example", "a_b..example", ""},
	} {
		all, err := loaded(strings.NewReplacer("KIND", c.kind, "NEVER", c.never).Replace(lock))
		if err != nil {
			t.Fatal(err)
		}
		p, err := all[0].Plan(t.Context(), actions.Input{Target: c.typed})
		var no *actions.NoTarget
		switch {
		case c.id == "" && !errors.As(err, &no) && !incident.IsGivenUp(err):
			t.Errorf("%s %q: %+v, %v", c.kind, c.typed, p, err)
		case c.id != "" && (err != nil || p.Target.ID != c.id || p.Steps[0] != "Lock "+c.id+", {as said}."):
			t.Errorf("%s %q: %+v, %v", c.kind, c.typed, p, err)
		}
	}
}

func TestAnActionThatPromisesTooMuchIsRefused(t *testing.T) {
	good := strings.NewReplacer("KIND", "service", "NEVER", "vault").Replace(lock)
	for name, c := range map[string]struct{ from, to, want string }{
		"a time to live and no way back": {"    rights: [keys]", "    rights: [keys]\n    ttl: 4h", "no way back"},
		"it destroys and keeps nothing":  {"    rights: [keys]", "    rights: [keys]\n    destroys: the old key", "needs the key preserve"},
		"an effect that nobody names":    {"    do: {say: x}", "    do: {say: x}\n    verify: {say: open}", "seen is missing"},
		"it wants what it cannot find":   {"    want: locked", "    want: shut", "one of the states"},
		"a state that is a sentence":     {"states: [open, locked]", "states: [open, locked, so and so]", "cannot be a state"},
		"a name without a vendor":        {"name: door.lock", "name: lock", "vendor.verb-noun"},
		"a parameter that has no value":  {"    states", "    params: [{name: how, help: h, default: \"\"}]\n    states", "says nothing"},
		"a default that is not a choice": {"    states", "    params: [{name: how, help: h, default: a, choices: [b]}]\n    states", "the default"},
		"a parameter that is taken":      {"    states", "    params: [{name: ttl, help: h, default: a}]\n    states", "taken"},
		"a pattern that is none":         {`pattern: "[a-z0-9.:/-]+"`, `pattern: "["`, "not a regular expression"},
		"a tag":                          {"    want: locked", "    want: !!str locked", "anchors, aliases and tags"},
		"a merge of keys":                {"    do: {say: x}", "    do: {<<: {say: x}}", "anchors, aliases and tags"},
		"a second document":              {"\nactions:", "\n---\na: b\n---\nactions:", "one document"},
		"a place that is not closed":     {"plan: Lock {target}", "plan: Lock {target", "no place"},
		"an action that is there twice":  {"actions:", "actions:\n  - {name: door.lock}\n  - {name: door.lock}", "twice"},
	} {
		text := strings.Replace(good, c.from, c.to, 1)
		_, err := loaded(text)
		var at Problem
		if text == good || err == nil || !strings.Contains(err.Error(), c.want) || !errors.As(err, &at) || at.Line < 1 || at.Column < 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Somebody approved what one file says; another file does not run on that approval.
func TestAnApprovalIsOfOneFile(t *testing.T) {
	text := strings.NewReplacer("KIND", "service", "NEVER", "vault").Replace(lock)
	before, err := loaded(text)
	if err != nil {
		t.Fatal(err)
	}
	after, err := loaded(strings.Replace(text, "do: {say: x}", "do: {say: y}", 1))
	if err != nil {
		t.Fatal(err)
	}
	p, err := before[0].Plan(t.Context(), actions.Input{Target: "front"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := after[0].Do(t.Context(), p); !errors.Is(err, actions.ErrStale) {
		t.Errorf("got %v", err)
	}
	r, err := before[0].Do(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if proof, err := after[0].Verify(t.Context(), r); err != nil || proof.Standing != actions.NotInEffect {
		t.Errorf("a receipt outlives the file: %+v, %v", proof, err)
	}
}

// What is filled in is never read again: a value that looks like a place stays one.
func FuzzText(f *testing.F) {
	for _, s := range []string{"{target}", "a{param.x}b", "{{}}", "{", "}", "{secret.s}", "{found}"} {
		f.Add(s, "{secret.s}")
	}
	scope := Scope{Params: []actions.Param{{Name: "x"}}, Secrets: map[string]actions.Secret{"s": "the-secret"}, Found: true}
	f.Fuzz(func(t *testing.T, text, value string) {
		public, err := ParseText(text, scope.Public())
		if err != nil {
			return
		}
		got, err := public.Fill(Values{Target: value, Found: value, Key: value, Note: value, Params: map[string]string{"x": value}, secrets: scope.Secrets}, nil)
		if err == nil && strings.Contains(got, "the-secret") && !strings.Contains(text+value, "the-secret") {
			t.Errorf("%q with %q tells a secret: %q", text, value, got)
		}
		if plain, ok := public.Plain(); ok && err == nil && got != plain {
			t.Errorf("%q became %q", plain, got)
		}
	})
}
