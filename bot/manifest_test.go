package bot

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dlclark/regexp2"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// ecma is a regular expression as JSON Schema means it: RE2 has no look-ahead.
type ecma struct{ *regexp2.Regexp }

func (e ecma) MatchString(s string) bool {
	ok, err := e.Regexp.MatchString(s)
	return err == nil && ok
}

func compileECMA(s string) (jsonschema.Regexp, error) {
	re, err := regexp2.Compile(s, regexp2.ECMAScript)
	if err != nil {
		return nil, err
	}
	re.MatchTimeout = time.Second
	return ecma{re}, nil
}

func TestTheManifestIsWhatSlackAccepts(t *testing.T) {
	t.Parallel()
	file := os.Getenv("TOCSIN_SLACK_MANIFEST_SCHEMA")
	if file == "" {
		t.Skip("set TOCSIN_SLACK_MANIFEST_SCHEMA to a copy of Slack's manifest schema (slackapi/manifest-schema on GitHub) to check against it")
	}
	c := jsonschema.NewCompiler()
	c.UseRegexpEngine(compileECMA)
	schema, err := c.Compile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []ManifestOptions{
		{SocketMode: true},
		{Name: "War room", Prefix: "/sirt", Report: "/lessons", URL: "https://tocsin.example.com/"},
	} {
		text, err := Manifest(o)
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestTheManifestNamesEverythingWeListenFor(t *testing.T) {
	t.Parallel()
	text, err := Manifest(ManifestOptions{Prefix: "sirt", URL: "https://tocsin.example.com/"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"/sirt"`, `"/postmortem"`, shortcutDeclare, shortcutDeclareFrom, shortcutKeep, shortcutTask, shortcutItem,
		"https://tocsin.example.com/slack/command", "https://tocsin.example.com/slack/events", "https://tocsin.example.com/slack/interactive",
		`"token_rotation_enabled": false`, `"home_tab_enabled": true`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s is missing", want)
		}
	}
	var m struct {
		Features struct {
			Commands []struct {
				Name        string `json:"command"`
				Description string `json:"description"`
			} `json:"slash_commands"`
			Shortcuts []struct{ Name, Description string }
		}
	}
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	for _, s := range m.Features.Shortcuts {
		if len(s.Name) > 24 {
			t.Errorf("the shortcut %q is longer than 24 characters", s.Name)
		}
	}
	if !slices.IsSorted(Events()) {
		t.Error("events are not in order")
	}
	for _, o := range []ManifestOptions{
		{}, {URL: "not an address"}, {SocketMode: true, Prefix: "/In cident"}, {SocketMode: true, Prefix: "/postmortem"},
		{SocketMode: true, Name: strings.Repeat("n", 36)}, {SocketMode: true, Prefix: "/" + strings.Repeat("x", 32)},
	} {
		if _, err := Manifest(o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
}
