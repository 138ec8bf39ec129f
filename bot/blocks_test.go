package bot

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/templates"
)

var rewrite = flag.Bool("update", false, "write the golden files anew")

func TestCardsAreDrawnLikeThis(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]templates.Card{
		"plain": line("Your update is posted."),
		"full": {
			Lead: "INC-0042 P1", Tone: templates.Alarm,
			Blocks: []templates.Block{
				{Header: "P1 · INC-0042 · okta session theft"},
				{Text: "*Open*, detection"},
				{Fields: []templates.Field{{Label: "Commander", Value: "<@U1>"}, {Label: "Next update", Value: "due 14:05"}}},
				{Context: []string{"declared 13:00", "by alice"}},
				{Divider: true},
				{Buttons: []templates.Button{
					{Label: "Acknowledge", Words: "ack", Stream: "INC-0042", Style: "primary"},
					{Label: "Resolve", Opens: "resolve", Stream: "INC-0042", Style: "danger", Confirm: &templates.Confirm{Title: "Resolve?", Text: "INC-0042, 3 open tasks", Yes: "Resolve", No: "Not yet"}},
					{Label: "Post-mortem", URL: "https://example.com/1"},
				}},
			},
		},
		"refusal": refusalCard(incident.Refuse("not-entitled", "You may not <close> it.", "Ask the commander.")),
	} {
		got, err := json.MarshalIndent(draw(c, maxBlocks), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", "blocks", name+".json")
		if *rewrite {
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(strings.TrimSpace(string(want)), string(got)); d != "" {
			t.Errorf("%s is drawn otherwise (-want +got); if that is meant, run with -update:\n%s", name, d)
		}
	}
}

func TestNothingOutgrowsSlack(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("wörd &amp; <@U12345> ", 2000)
	var c templates.Card
	c.Lead = long
	for range 40 {
		c.Blocks = append(c.Blocks, templates.Block{Header: long}, templates.Block{Text: long})
	}
	var fields []templates.Field
	var buttons []templates.Button
	for range 60 {
		fields = append(fields, templates.Field{Label: "l", Value: long})
		buttons = append(buttons, templates.Button{Label: long, Words: "ack"})
	}
	c.Blocks = append([]templates.Block{{Fields: fields[:2]}, {Buttons: buttons}, {Buttons: []templates.Button{{Label: "x", Words: long}}}}, c.Blocks...)
	blocks := draw(c, maxBlocks)
	if len(blocks) > maxBlocks {
		t.Errorf("%d blocks", len(blocks))
	}
	total := 0
	for _, b := range blocks {
		switch b := b.(type) {
		case *slack.SectionBlock:
			if b.Text != nil {
				total += runeLen(b.Text.Text)
				if runeLen(b.Text.Text) > maxSection {
					t.Error("section too long")
				}
			}
			for _, f := range b.Fields {
				if runeLen(f.Text) > maxField {
					t.Error("field too long")
				}
			}
		case *slack.HeaderBlock:
			if runeLen(b.Text.Text) > maxHeaderText {
				t.Error("header too long")
			}
		case *slack.ActionBlock:
			if len(b.Elements.ElementSet) > maxActions {
				t.Error("too many buttons")
			}
		}
	}
	if total > maxMessage {
		t.Errorf("%d runes", total)
	}
	last, ok := blocks[len(blocks)-1].(*slack.ContextBlock)
	if !ok || !strings.Contains(last.ContextElements.Elements[0].(*slack.TextBlockObject).Text, "did not fit") {
		t.Error("the reader is not told that something was left out")
	}
	if runeLen(fallback(c)) > maxFallback {
		t.Error("fallback too long")
	}
}

func TestACutNeverLeavesHalfAMention(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("a", 10) + "<@U12345>&amp;"
	for n := 2; n < 30; n++ {
		got := cutRunes(text, n)
		if runeLen(got) > n && n < runeLen(text) || strings.Count(got, "<") != strings.Count(got, ">") || strings.HasSuffix(got, "&am…") {
			t.Errorf("cut at %d: %q", n, got)
		}
	}
	if got := strings.Join(splitText(text+"\n"+text, 24), "\n"); strings.Count(got, "<@U12345>") != 2 {
		t.Errorf("split lost a mention: %q", got)
	}
}

func TestOnlyThoseMeantAreMentioned(t *testing.T) {
	t.Parallel()
	s := incident.State{People: map[incident.PersonID]incident.Part{
		"alice": {Person: incident.Person{ID: "alice", Slack: "U1", Name: incident.Seal("Alice")}},
		"bob":   {Person: incident.Person{ID: "bob", Slack: "U2", Name: incident.Seal("Bob")}},
	}}
	c := quiet(templates.Card{Lead: "<@U1> told <@U2>", Mentions: []incident.PersonID{"bob"}, Blocks: []templates.Block{{Text: "<@U1> and <@U2>"}}}, s)
	if c.Lead != "Alice told <@U2>" || c.Blocks[0].Text != "Alice and <@U2>" {
		t.Errorf("%q %q", c.Lead, c.Blocks[0].Text)
	}
}
