package webhook

import "github.com/tocsin-ir/tocsin/actions/declared"

// body is JSON with places in its texts. A value fills a text and nothing else: it is
// written by encoding/json, so that it cannot end the text it stands in.
type body struct {
	text    *declared.Text
	literal any
	list    []*body
	keys    []string
	values  []*body
	kind    bodyKind
}

type bodyKind int

const (
	isLiteral bodyKind = iota
	isText
	isList
	isMapping
)

func bodyOf(v declared.Value, s declared.Scope) *body {
	switch {
	case v.IsMapping():
		b := &body{kind: isMapping}
		for key, in := range v.Pairs() {
			b.keys = append(b.keys, key)
			b.values = append(b.values, bodyOf(in, s))
		}
		return b
	case v.IsList():
		b := &body{kind: isList}
		for _, in := range v.Items() {
			b.list = append(b.list, bodyOf(in, s))
		}
		return b
	}
	if l, ok := v.Literal(); ok {
		return &body{kind: isLiteral, literal: l}
	}
	t := v.Text(2000, s)
	return &body{kind: isText, text: &t}
}

func (b *body) fill(v declared.Values) (any, error) {
	switch b.kind {
	case isText:
		return b.text.Fill(v, nil)
	case isList:
		out := make([]any, 0, len(b.list))
		for _, in := range b.list {
			f, err := in.fill(v)
			if err != nil {
				return nil, err
			}
			out = append(out, f)
		}
		return out, nil
	case isMapping:
		out := map[string]any{}
		for i, key := range b.keys {
			f, err := b.values[i].fill(v)
			if err != nil {
				return nil, err
			}
			out[key] = f
		}
		return out, nil
	}
	return b.literal, nil
}
