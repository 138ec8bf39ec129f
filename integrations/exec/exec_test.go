//go:build unix

package exec

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/actiontest"
	"github.com/tocsin-ir/tocsin/actions/declared"
	"github.com/tocsin-ir/tocsin/incident"
)

func env(name string) (string, bool) { return fwToken, name == "FW_SECRET" }

func load(t testing.TB, text string) actions.Action {
	t.Helper()
	all, err := Actions(Config{File: "actions.yaml", Text: []byte(text), Env: env})
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

func TestActionsKeepTheContract(t *testing.T) {
	actiontest.Conform(t, actiontest.Case{Name: "fw.block-host", Unknown: "unknown",
		Make: func(t *testing.T) (actions.Action, actiontest.World, actions.Input) {
			w := newWall(t)
			return load(t, w.file()), w, actions.Input{Target: "web-3"}
		}})
}

// What somebody types is one argument, whatever it looks like.
func TestWhatIsTypedIsOneArgument(t *testing.T) {
	w := newWall(t)
	block := load(t, w.file())
	for _, odd := range []string{
		"; rm -rf /", "$(touch pwned)", "`touch pwned`", "a b  c", "a' \"b", "*", "~root", "${IFS}x", "x|y&z", `a\b`, "a>b", "{param.zone}", "{{x}}",
		"!!", "a\u00a0b", "%s%n", "../../../etc/passwd", "ünïcode 🦊",
	} {
		w.write("state", "open")
		params := map[string]string{"zone": odd}
		p, err := block.Plan(t.Context(), actions.Input{Target: odd, Params: params, Key: "k 1", Note: odd})
		if err != nil {
			t.Fatalf("%q: %v", odd, err)
		}
		if _, err := block.Do(t.Context(), p); err != nil {
			t.Fatalf("%q: %v", odd, err)
		}
		if want := "set\nblocked\n" + strings.TrimSpace(odd) + "\n--zone=" + odd + "\n--key=k 1"; w.read("args") != want || w.read("count") != "5" {
			t.Errorf("%q became %q", odd, w.read("args"))
		}
	}
	if _, err := os.Stat(filepath.Join(w.dir, "pwned")); err == nil {
		t.Error("a shell read what was typed")
	}
}

func TestWhatCannotBeAnArgumentIsRefused(t *testing.T) {
	w := newWall(t)
	block := load(t, w.file())
	for _, odd := range []string{"-rf", "--zone=core", "-", "a\nb", "a\x00b", "\u202eevil", "", "Gateway", strings.Repeat("x", 201)} {
		_, err := block.Plan(t.Context(), actions.Input{Target: odd, Params: map[string]string{"zone": "edge"}})
		var no *actions.NoTarget
		if !errors.As(err, &no) && !incident.IsGivenUp(err) {
			t.Errorf("%q: %v", odd, err)
		}
	}
	if w.read("count") != "" {
		t.Errorf("the command ran with %q", w.read("args"))
	}
}

// The environment is the file's: nothing of Tocsin's own is handed on.
func TestTheEnvironmentIsCleared(t *testing.T) {
	t.Setenv("TOCSIN_MASTER_KEY", "the-master-key")
	t.Setenv("LD_PRELOAD", "")
	w := newWall(t)
	if _, err := load(t, w.file()).Plan(t.Context(), actions.Input{Target: "web-3", Params: map[string]string{"zone": "edge"}}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(w.read("env")) {
		name, _, _ := strings.Cut(line, "=")
		switch name {
		case "PATH", "LC_ALL", "FW_TOKEN", "PWD", "OLDPWD", "SHLVL", "_": // the last four are the script's shell's
		default:
			t.Errorf("the command sees %s", name)
		}
	}
	if strings.Contains(w.read("args"), fwToken) {
		t.Error("the secret is an argument, which everybody on the machine can read")
	}
}

func TestACommandThatNeverStopsTalkingIsEnded(t *testing.T) {
	w := newWall(t)
	text := strings.Replace(w.file(), "show, \"{target}\"]\n      state", "flood, \"{target}\"]\n      state", 1)
	began := time.Now()
	_, err := load(t, text).Plan(t.Context(), actions.Input{Target: "web-3", Params: map[string]string{"zone": "edge"}})
	if !errors.Is(err, errEndless) || time.Since(began) > 15*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}

func TestACommandThatHangsIsEndedWithItsChildren(t *testing.T) {
	for verb, want := range map[string]string{"hang": "took longer", "leave": "in the background"} {
		w := newWall(t)
		text := strings.Replace(w.file(), "show, \"{target}\"]\n      state", verb+", \"{target}\"]\n      timeout: 3s\n      state", 1)
		_, err := load(t, text).Plan(t.Context(), actions.Input{Target: "web-3", Params: map[string]string{"zone": "edge"}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", verb, err)
		}
		child, _ := strconv.Atoi(w.read("child"))
		if child == 0 || !gone(child) {
			t.Errorf("%s: the child %d lives on", verb, child)
		}
	}
}

// gone waits a moment for a process to end. One that is nobody's any more stays as a
// zombie where nobody reaps; its state says so.
func gone(pid int) bool {
	for range 100 {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return true
		}
		b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err == nil && strings.Contains(string(b), ") Z ") {
			return true
		}
		time.Sleep(20 * time.Millisecond)
	}
	return false
}

// A program that others can change, or put another in its place, would let them do as Tocsin.
func TestAProgramThatOthersCanChangeIsNotRun(t *testing.T) {
	w := newWall(t)
	block := load(t, w.file())
	in := actions.Input{Target: "web-3", Params: map[string]string{"zone": "edge"}}
	if err := os.Chmod(w.path(), 0o777); err != nil { //nolint:gosec // the attack
		t.Fatal(err)
	}
	if _, err := block.Plan(t.Context(), in); !incident.IsGivenUp(err) || !strings.Contains(err.Error(), "could be changed") {
		t.Errorf("a program that everybody may write: %v", err)
	}
	if err := errors.Join(os.Chmod(w.path(), 0o755), os.Chmod(w.dir, 0o777)); err != nil { //nolint:gosec // the attack
		t.Fatal(err)
	}
	if _, err := block.Plan(t.Context(), in); !incident.IsGivenUp(err) || !strings.Contains(err.Error(), "could be replaced") {
		t.Errorf("a folder that everybody may write: %v", err)
	}
}

func TestAFileSaysWhereItIsWrong(t *testing.T) {
	w := newWall(t)
	good := w.file()
	for name, c := range map[string]struct{ from, to, want string }{
		"unknown key":         {"      timeout: 5s", "      timeuot: 5s", "unknown key \"timeuot\""},
		"a shell":             {"run: [" + w.path() + ", show, \"{target}\"]\n      state", "run: [/bin/sh, -c, \"show {target}\"]\n      state", "many words of one"},
		"a shell behind sudo": {"set, blocked,", "bash, blocked,", "many words of one"},
		"a program to type":   {"set, blocked, \"{target}\"", "set, -c, \"{target}\"", "nobody may type one"},
		"part of a word":      {"\"--zone={param.zone}\", \"--key", "\"exec({param.zone})\", \"--key", "never is part of a word"},
		"two in one":          {"\"--key={key}\"", "\"--key={key}{target}\"", "never is part of a word"},
		"a secret to be seen": {"\"--key={key}\"", "\"--key={secret.fw}\"", "would be seen"},
		"a library":           {"FW_NOTE:", "LD_PRELOAD:", "cannot be set here"},
		"another PATH":        {"FW_NOTE:", "PATH:", "cannot be set here"},
		"the code for later":  {"codes: {10: blocked", "codes: {75: blocked", "cannot be a state"},
		"too long a time":     {"timeout: 5s", "timeout: 5h", "at most"},
		"no such program":     {w.path() + ", set", w.dir + "/none, set", "there is no program"},
		"a program by name":   {w.path() + ", set", "fwctl, set", "whole path"},
		"a path that climbs":  {w.path() + ", set", w.dir + "/../x, set", "whole path"},
		"a program to choose": {w.path() + ", set", "\"{target}\", set", "without places"},
	} {
		text := strings.Replace(good, c.from, c.to, 1)
		if text == good {
			t.Errorf("%s: the file was not changed", name)
		}
		_, err := Actions(Config{File: "actions.yaml", Text: []byte(text), Env: env})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "actions.yaml:") || strings.Contains(err.Error(), fwToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever a file says, what is taken of it can be offered.
func FuzzFile(f *testing.F) {
	f.Add(newWall(f).file())
	f.Add("actions: [{name: a.b, read: {run: [/bin/true, '{target}'], codes: {0: a}}}]")
	f.Add("secrets: {a: B}\nactions: []")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := Actions(Config{File: "f", Text: []byte(text), Env: env})
		if err != nil {
			return
		}
		if _, err := actions.NewCatalogue(all); err != nil {
			t.Fatalf("a file was taken that cannot be offered: %v", err)
		}
	})
}

// The file in the document is taken, but for the program that is not on this machine.
func TestTheDocumentsFileIsTaken(t *testing.T) {
	doc, err := os.ReadFile("../../docs/adapters/exec.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(doc), "```yaml\n")
	text, _, ok := strings.Cut(rest, "```\n")
	text = strings.NewReplacer("/usr/bin/fwctl", newWall(t).path(), "FW_TOKEN\n", "FW_SECRET\n").Replace(text)
	if !ok || load(t, text).Spec().Name != "fw.block-host" {
		t.Error("the document has no file")
	}
}

// Whatever is typed, the command has as many arguments as the file names, and each is
// what was typed.
func FuzzValue(f *testing.F) {
	var commands []*command
	_, err := declared.Load(declared.File{Name: "f", Text: []byte(newWall(f).file()), Env: env}, func(declared.Fields) declared.Kit {
		return func(v declared.Value, u declared.Use) declared.Part {
			c := commandOf(v, u, nil).(*command)
			commands = append(commands, c)
			return c
		}
	})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"web-3", "; rm -rf /", "$(x)", "-x", "a b", "{param.zone}", "a\nb", "a\x00b", "FW_TOKEN=x"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, target, other string) {
		for _, c := range commands {
			argv, env, err := c.fill(declared.Values{Target: target, Found: other, Key: other, Note: other, Params: map[string]string{"zone": other}})
			if err != nil {
				continue
			}
			if len(argv) != len(c.args) || len(env) != len(c.env)+2 || !filepath.IsAbs(argv[0]) {
				t.Fatalf("%q became %q with %q", target, argv, env)
			}
			for i, a := range argv[1:] {
				if strings.ContainsAny(a, "\x00\n") || a == target && strings.HasPrefix(a, "-") && c.args[i+1].Lead() == "" {
					t.Fatalf("%q is the argument %q", target, a)
				}
			}
		}
	})
}
