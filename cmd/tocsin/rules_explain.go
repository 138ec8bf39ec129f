package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tocsin-ir/tocsin/sensor/detect/sigma"
	"github.com/tocsin-ir/tocsin/sensor/detect/sigma/trial"
)

type rulesExplainCmd struct {
	Rule  string `arg:"" help:"Id, name, title or file of the rule."`
	Event string `arg:"" help:"File with events as JSON, one after the other, as the sensor tells them; - is the standard input."`
	As    string `help:"The objects are no events of the sensor but records of this log source." placeholder:"category=…,product=…,service=…"`
	ruleFolders
}

// maxExplained bounds what is read, in bytes.
const maxExplained = 64 << 20

// Run explains each event; the exit code says nothing of whether the rule fires.
func (c *rulesExplainCmd) Run(t terminal) error {
	set, err := c.usable(t, true)
	if err != nil {
		return err
	}
	rule, ok := set.Find(c.Rule)
	if !ok {
		return fmt.Errorf("there is no rule %q; tocsin rules check says which there are and which cannot be used", c.Rule)
	}
	source, err := readSource(c.As)
	if err != nil {
		return err
	}
	in := io.Reader(os.Stdin)
	if c.Event != "-" {
		f, err := os.Open(c.Event)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	d := json.NewDecoder(io.LimitReader(in, maxExplained))
	for n := 1; ; n++ {
		var one json.RawMessage
		if err := d.Decode(&one); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read event %d: %w", n, err)
		}
		said, err := c.explain(set, rule, source, one)
		if err != nil {
			return fmt.Errorf("event %d: %w", n, err)
		}
		if _, err := io.WriteString(t.out, said); err != nil {
			return err
		}
	}
}

func (c *rulesExplainCmd) explain(set *sigma.Set, rule *sigma.Rule, source sigma.LogSource, text []byte) (string, error) {
	if c.As == "" {
		e, err := trial.Event(text)
		if err != nil {
			return "", err
		}
		return sigma.Explain(set, rule, &e), nil
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		return "", fmt.Errorf("read the record: %w", err)
	}
	return sigma.ExplainRecord(set, rule, sigma.NewRecord(source, fields)), nil
}

func readSource(text string) (sigma.LogSource, error) {
	var l sigma.LogSource
	for _, p := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		name, value, _ := strings.Cut(p, "=")
		switch name {
		case "category":
			l.Category = value
		case "product":
			l.Product = value
		case "service":
			l.Service = value
		default:
			return l, fmt.Errorf("%q is not part of a log source; write category=…,product=…,service=…", p)
		}
	}
	return l, nil
}
