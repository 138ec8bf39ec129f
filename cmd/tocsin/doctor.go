package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/config"
)

type doctorCmd struct {
	JSON bool `help:"Print the findings as JSON." name:"json"`
	config.Config
}

// Run examines the configuration and everything it leads to; a failure is exit code 1.
func (c *doctorCmd) Run(ctx context.Context, t terminal) error {
	found := app.Examine(ctx, c.Config, app.Parts{})
	write := writeFindings
	if c.JSON {
		write = writeFindingsJSON
	}
	if err := write(t.out, found); err != nil {
		return err
	}
	if !app.Healthy(found) {
		return quiet{}
	}
	return nil
}

func writeFindingsJSON(w io.Writer, found []app.Finding) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		OK       bool          `json:"ok"`
		Findings []app.Finding `json:"findings"`
	}{app.Healthy(found), found})
}

// The columns of the findings, in characters.
const (
	doctorWidth = 80
	doctorText  = 29 // where the sentences begin
)

// writeFindings is a table of 80 columns: verdict, what was looked at, what was found.
func writeFindings(w io.Writer, found []app.Finding) error {
	count := map[app.Verdict]int{}
	area := ""
	var b strings.Builder
	for _, f := range found {
		count[f.Verdict]++
		if f.Area != area {
			area = f.Area
			fmt.Fprintf(&b, "%s\n", area)
		}
		head := fmt.Sprintf("  %-4s  %-19s  ", f.Verdict, f.What)
		if utf8.RuneCountInString(head) > doctorText {
			fmt.Fprintf(&b, "%s\n", strings.TrimRight(head, " "))
			head = strings.Repeat(" ", doctorText)
		}
		wrap(&b, head, f.Says)
		if f.Fix != "" {
			wrap(&b, strings.Repeat(" ", doctorText), "→ "+f.Fix)
		}
	}
	fmt.Fprintf(&b, "\n%d ok, %d to look at, %d to mend\n", count[app.Fine], count[app.Warned], count[app.Failed])
	_, err := io.WriteString(w, b.String())
	return err
}

// wrap writes words behind a head, and the lines after the first below them.
func wrap(b *strings.Builder, head, text string) {
	line := head
	empty := true
	for word := range strings.FieldsSeq(text) {
		if !empty && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > doctorWidth {
			fmt.Fprintln(b, line)
			line, empty = strings.Repeat(" ", doctorText), true
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	fmt.Fprintln(b, strings.TrimRight(line, " "))
}
