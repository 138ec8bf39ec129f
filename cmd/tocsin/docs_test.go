package main

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/sandbox/aws"
	"github.com/tocsin-ir/tocsin/internal/sandbox/cloudflare"
	"github.com/tocsin-ir/tocsin/internal/sandbox/github"
	"github.com/tocsin-ir/tocsin/internal/sandbox/pagerduty"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// The tables in docs/ come from the code. `make generate` writes them; without it
// this test says which of them is out of date.
func TestDocsTables(t *testing.T) {
	for name, write := range map[string]func(*testing.T) string{
		"commands.md": commandsPage,
		"events.md":   eventsPage,
		"config.md":   configPage,
		"sandbox.md":  sandboxPage,
		"actions.md":  actionsPage,
		"rules.md":    rulesPage,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("..", "..", "docs", name)
			want := write(t)
			if os.Getenv("TOCSIN_GENERATE") == "1" {
				if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			got, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("%v; make generate writes it", err)
			}
			if string(got) != want {
				t.Errorf("docs/%s is not what the code says any more; run: make generate", name)
			}
		})
	}
}

// Links between the documents, and from them into the code, lead somewhere.
func TestDocsLinks(t *testing.T) {
	root := filepath.Join("..", "..")
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	if len(pages) < 15 {
		t.Fatalf("only %d pages found", len(pages))
	}
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	named := regexp.MustCompile("`((?:bot|cmd|docs|engine|incident|integrations|internal|migrations|store|templates)/[a-zA-Z0-9_./-]*[a-zA-Z0-9_])`")
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllSubmatch(text, -1) {
			to, _, _ := strings.Cut(string(m[1]), "#")
			if to == "" || strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), to)); err != nil {
				t.Errorf("%s links to %s, which is not there", page, to)
			}
		}
		for _, m := range named.FindAllSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(root, string(m[1]))); err != nil {
				t.Errorf("%s speaks of %s, which is not there", page, m[1])
			}
		}
	}
}

func actionsPage(t *testing.T) string {
	specs, err := app.Specs()
	if err != nil {
		t.Fatal(err)
	}
	s := newSheet("Actions", "What `/contain` can do, by vendor. Each is planned, approved, done, looked at afterwards and, where it can be, taken back; see\n"+
		"[containment.md](containment.md). What to install at each vendor is in [adapters](adapters). `/contain help <action>` says the same in Slack.")
	last := ""
	for _, a := range specs {
		if v, _, _ := strings.Cut(a.Name, "."); v != last {
			s.say("\n## %s\n", v)
			s.table("action", "what it changes", "how it is proved", "way back", "evidence first", "rights")
			last = v
		}
		back := "none"
		if a.Reversible {
			back = "undo"
			if a.TTL > 0 {
				back += ", asks after " + a.TTL.String()
			}
		}
		s.row(code(a.Name)+" "+string(a.Kind), a.Does, a.Proof, back, cmp.Or(a.Destroys, "nothing is destroyed"), strings.Join(a.Rights, ", "))
	}
	return s.String()
}

// sheet is a page under way.
type sheet struct{ bytes.Buffer }

func newSheet(title, intro string) *sheet {
	s := &sheet{}
	s.say("<!-- Written by `make generate`; changes are made in the code. -->\n\n# %s\n\n%s\n", title, intro)
	return s
}

func (s *sheet) say(format string, args ...any) { _, _ = fmt.Fprintf(s, format, args...) }

func (s *sheet) table(head ...string) {
	s.say("\n| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
}

func (s *sheet) row(cells ...string) {
	for i, c := range cells {
		c = strings.Join(strings.Fields(c), " ")
		cells[i] = strings.NewReplacer("|", `\|`, "<", "&lt;", ">", "&gt;").Replace(c)
	}
	s.say("| %s |\n", strings.Join(cells, " | "))
}

// code is text in a code span.
func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// page is the whole text. In a code span entities would stay as they are written, so
// what row escaped there is put back.
func (s *sheet) page() string {
	spans := regexp.MustCompile("`[^`\n]*`")
	return spans.ReplaceAllStringFunc(s.String(), strings.NewReplacer("&lt;", "<", "&gt;", ">").Replace)
}

func commandsPage(t *testing.T) string {
	s := newSheet("What can be said", "The same words work as a slash command, after `@tocsin` in a thread or message, and in a terminal as\n"+
		"`tocsin do --as <plan id> '<words>'`. Most verbs open a form in Slack when they are said alone. The\n"+
		"commands can have other names: `command` in the plan's settings.yaml, and `tocsin manifest --prefix`.\n"+
		"\"Who\" is the right that the verb usually needs; the plan's rights.yaml says who has it.")
	verbs := bot.Verbs("/incident", "/postmortem")
	if len(verbs) < 20 {
		t.Fatalf("only %d verbs", len(verbs))
	}
	last := ""
	for _, v := range verbs {
		command, _, _ := strings.Cut(v.Text, " ")
		if command != last {
			s.say("\n## %s\n", command)
			s.table("Words", "What it does", "Who", "For example")
			last = command
		}
		var examples []string
		for _, e := range v.Examples {
			examples = append(examples, code(strings.TrimPrefix(e, command+" ")))
		}
		s.row(code(strings.TrimSpace(strings.TrimPrefix(v.Text, command+" ")+" "+v.Usage)), v.Summary, string(v.Who), strings.Join(examples, ", "))
	}
	return s.page()
}

// eventsPage reads the declarations of package incident: their doc comments are the
// documentation. A type is an event when it has the method event, and so on.
func eventsPage(t *testing.T) string {
	folder := filepath.Join("..", "..", "incident")
	fset := token.NewFileSet()
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, n := range names {
		if strings.HasSuffix(n, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, n, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	pkg, err := doc.NewFromFiles(fset, files, "github.com/tocsin-ir/tocsin/incident", doc.AllDecls|doc.PreserveAST)
	if err != nil {
		t.Fatal(err)
	}
	kinds := bookKinds(files)
	s := newSheet("Commands, events and effects", "Somebody asks (a command), something becomes true (an event), and the world owes work (an effect). See\n"+
		"[ARCHITECTURE.md](ARCHITECTURE.md) for how they follow from each other. The kind is the name under which\n"+
		"it is stored; most commands are not stored themselves.")
	for _, section := range []struct{ title, method, intro string }{
		{"Commands", "command", "Declared in `incident/command.go`, `deed_command.go`, `hold.go` and `exception.go`."},
		{"Events", "event", "Declared in `incident/event.go`, `paging_event.go`, `deed_event.go`, `hold.go` and `exception.go`. Never changed once written."},
		{"Effects", "effect", "Declared in `incident/effect.go` and `incident/hold.go`."},
	} {
		s.say("\n## %s\n\n%s\n", section.title, section.intro)
		s.table("Name", "Kind", "Meaning")
		rows := marked(pkg, files, section.method)
		if len(rows) < 10 {
			t.Fatalf("only %d %s", len(rows), section.title)
		}
		for _, r := range rows {
			s.row(code(r.name), code(kinds[r.name]), strings.TrimSpace(strings.TrimPrefix(r.doc, r.name+" ")))
		}
	}
	if got := kinds["Say"]; got != incident.KindOf(incident.Say{}) {
		t.Fatalf("kind of Say read as %q", got)
	}
	return s.page()
}

type declared struct{ name, doc string }

// marked are the types with a marker method, in the order of the source.
func marked(pkg *doc.Package, files []*ast.File, method string) []declared {
	docs := map[string]string{}
	at := map[string]token.Pos{}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if spec, ok := n.(*ast.TypeSpec); ok {
				docs[spec.Name.Name], at[spec.Name.Name] = strings.TrimSpace(spec.Doc.Text()), spec.Pos()
			}
			return true
		})
	}
	var out []declared
	for _, typ := range pkg.Types {
		for _, m := range typ.Methods {
			if m.Name == method {
				out = append(out, declared{typ.Name, cmp.Or(docs[typ.Name], strings.TrimSpace(typ.Doc))})
			}
		}
	}
	slices.SortFunc(out, func(a, b declared) int { return int(at[a.name] - at[b.name]) })
	return out
}

// bookKinds reads the tables of encode.go: kind[Declared]("declared"), since[RungFired]("rung_fired", 2).
func bookKinds(files []*ast.File) map[string]string {
	kinds := map[string]string{}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			of, ok := call.Fun.(*ast.IndexExpr)
			if !ok {
				return true
			}
			f, isName := of.X.(*ast.Ident)
			typ, isType := of.Index.(*ast.Ident)
			arg, isText := call.Args[0].(*ast.BasicLit)
			if isName && isType && isText && (f.Name == "kind" || f.Name == "since") {
				kinds[typ.Name] = strings.Trim(arg.Value, `"`)
			}
			return true
		})
	}
	return kinds
}

func configPage(t *testing.T) string {
	s := newSheet("Configuration", "Every option is a flag of `tocsin serve` and `tocsin do` and a variable of the environment; the flag wins.\n"+
		"A secret may be given as `@/path/to/file`; give secrets through the environment or a file, since a command\n"+
		"line can be read by other people of the machine. What was agreed among people (who is paged, who may\n"+
		"close) is not configuration but the [plan](plan.md).")
	model, err := kong.New(&config.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s.table("Flag", "Environment", "Default", "What it is")
	for _, f := range model.Model.Flags {
		if f.Name != "help" {
			s.row(code("--"+f.Name), code(strings.Join(f.Envs, ", ")), code(f.Default), f.Help)
		}
	}
	return s.page()
}

func sandboxPage(*testing.T) string {
	s := newSheet("What the sandbox's vendors answer", "`tocsin demo` and the story tests run against these servers. They refuse what the real vendor refuses; an\n"+
		"endpoint that is missing here is answered as the vendor answers an unknown one. They share no code with\n"+
		"Tocsin ([ADR 0009](adr/0009-sandbox-shares-no-code.md)). Faults can be set for each method on the page.")
	s.say("\n## Slack\n\nAny method may also answer: %s.\n", codes(slack.CommonErrors()))
	s.table("Method", "Tier", "Scopes, one of", "Errors")
	for _, m := range slack.Methods() {
		tier, scopes := fmt.Sprint(m.Tier), codes(m.Scopes)
		if m.Tier == 0 {
			tier = "special"
		}
		if m.App {
			scopes = "app-level token"
		}
		s.row(code(m.Name), tier, scopes, codes(m.Errors))
	}
	s.say("\nThe events it sends, to an app that subscribed to them: %s.\n", codes(slack.Events()))
	s.say("\n## PagerDuty\n")
	list(s, pagerduty.CommonRules())
	s.table("Endpoint", "Rules")
	for _, m := range pagerduty.Methods() {
		s.row(code(m.Name), strings.Join(m.Rules, "; "))
	}
	s.say("\n## GitHub\n")
	list(s, github.CommonRules())
	s.table("Endpoint", "Rules")
	for _, m := range github.Methods() {
		s.row(code(m.Name), strings.Join(m.Rules, "; "))
	}
	s.say("\nIts webhooks:\n")
	list(s, github.WebhookRules())
	s.say("\n## AWS\n\nThe query services, JSON 1.1 and REST, as the SDK speaks them. The adapter's tests run against the same server.\n")
	list(s, aws.Rules())
	s.say("\n## Cloudflare\n\nThe adapter's tests run against the same server.\n")
	list(s, cloudflare.Rules())
	s.say("\n## What it was held against, and what not\n\n" +
		"`TestTheSandboxKeepsToTheVendorsDescriptions` holds whatever Tocsin asks of PagerDuty (REST and Events v2) and GitHub in one incident, and\n" +
		"each answer, against the vendors' own OpenAPI descriptions. `TestTheOfficialJavaScriptClient` is an app on Slack's own client.\n\n" +
		"`TestTheSandboxSpeaksSlacksTypes` has the TypeScript compiler hold requests, answers, blocks, views, attachments, events and the payloads of\n" +
		"commands, shortcuts, presses and forms against Slack's own types (`@slack/web-api`, `@slack/types`, `@slack/bolt`; none of them ships\n" +
		"fixtures). They come from stories that Tocsin plays, and of what these leave out from another app; the test fails for a method or an event\n" +
		"named above that had none, and says with `-v` in which ones Tocsin had no part. Where the types are wrong or behind, the difference is\n" +
		"listed there with its reason, and the test fails once it is needed no more.\n\n" +
		"Nothing but the vendors' documents stands behind the rest:\n")
	list(s, []string{
		"Slack: which error code when, limits and tiers, the order and time of what comes, headers, and what a value means. Types say what may be there; " +
			"most of an answer may be missing by them.",
		"Slack, without a payload: `block_suggestion`, which the sandbox never sends; presses of date-and-time pickers, of rich text and of files; " +
			"blocks that neither Tocsin nor the other app uses; `hello` and `disconnect` of Socket Mode, which have no types.",
		"PagerDuty and GitHub: endpoints that this one incident does not ask, webhooks in either direction, headers, and limits.",
		"AWS, Okta and Cloudflare: they are held against the SDKs and documents their adapters were written from, and against no description.",
	})
	return s.page()
}

func codes(names []string) string {
	var out []string
	for _, n := range names {
		out = append(out, code(n))
	}
	return strings.Join(out, ", ")
}

func list(s *sheet, lines []string) {
	s.say("\n")
	for _, l := range lines {
		s.say("- %s\n", l)
	}
}
