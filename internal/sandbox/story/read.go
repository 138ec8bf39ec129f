package story

import (
	"encoding/json"
	"regexp"
	"strings"
)

// obj is a decoded piece of Block Kit.
type obj = map[string]any

// reading turns what Slack stores into what a person reads.
type reading struct {
	names    map[string]string // user id -> name
	channels map[string]string // channel id -> name
}

var (
	slackRef  = regexp.MustCompile(`<([^<>]*)>`)
	marks     = regexp.MustCompile("[*~`]")
	underline = regexp.MustCompile(`(^|[\s(>"“:·])_([^_\n]+)_($|[\s).,:;!?"”·])`)
	blanks    = regexp.MustCompile(`\s+`)
	unseen    = strings.NewReplacer("\u200b", "")
	unescape  = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
)

// ringing begins a live broadcast, so that a story can tell it from its letters.
const ringing = "(!)@"

// mrkdwn shows mrkdwn as it looks: mentions by name, links by their label, no marks.
// A broadcast that rings everybody shows as (!)@channel; one that only looks like it
// shows as @channel.
func (r reading) mrkdwn(text string) string {
	text = marks.ReplaceAllString(text, "")
	text = underline.ReplaceAllString(text, "$1$2$3")
	text = slackRef.ReplaceAllStringFunc(text, func(m string) string {
		ref, label, _ := strings.Cut(m[1:len(m)-1], "|")
		switch {
		case strings.HasPrefix(ref, "@"):
			if n := r.names[ref[1:]]; n != "" {
				return "@" + n
			}
			return ref
		case strings.HasPrefix(ref, "#"):
			if n := r.channels[ref[1:]]; n != "" {
				return "#" + n
			}
			return "#" + label
		case strings.HasPrefix(ref, "!date^"):
			return label
		case strings.HasPrefix(ref, "!"):
			if label != "" {
				return label
			}
			return ringing + ref[1:]
		case label != "":
			return label
		}
		return ref
	})
	return unescape.Replace(text)
}

// flat is text as it is compared: white space as one blank.
func flat(text string) string {
	return strings.TrimSpace(blanks.ReplaceAllString(unseen.Replace(text), " "))
}

// message is what a person reads of a message: its blocks, or its text where there
// are none. The text beside blocks is only for notifications.
func (r reading) message(text string, blocks json.RawMessage) string {
	if shown := r.blocks(blocks); shown != "" {
		return shown
	}
	return r.mrkdwn(text)
}

func (r reading) blocks(blocks json.RawMessage) string {
	var list []obj
	if len(blocks) == 0 || json.Unmarshal(blocks, &list) != nil {
		return ""
	}
	var out []string
	for _, b := range list {
		if t := r.block(b); t != "" {
			out = append(out, t)
		}
	}
	return strings.Join(out, "\n")
}

// view is what a person reads of a modal or the home tab.
func (r reading) view(view json.RawMessage, errors map[string]string) string {
	var v struct {
		Title, Submit, Close obj
		Blocks               json.RawMessage
	}
	if len(view) == 0 || json.Unmarshal(view, &v) != nil {
		return ""
	}
	out := []string{r.text(v.Title), r.blocks(v.Blocks)}
	for _, e := range errors {
		out = append(out, e)
	}
	out = append(out, label(r.text(v.Close)), label(r.text(v.Submit)))
	return strings.Join(filled(out), "\n")
}

func (r reading) block(b obj) string {
	var out []string
	out = append(out, r.text(b["text"]))
	if l, ok := b["label"].(obj); ok {
		out = append(out, r.text(l))
	}
	for _, key := range []string{"fields", "elements"} {
		list, _ := b[key].([]any)
		for _, e := range list {
			out = append(out, r.element(e))
		}
	}
	for _, key := range []string{"element", "accessory", "hint", "title"} {
		if e, ok := b[key].(obj); ok {
			out = append(out, r.element(e))
		}
	}
	return strings.Join(filled(out), "\n")
}

// element is a button as [Label], a text, a field with what is in it, or rich text.
func (r reading) element(e any) string {
	o, ok := e.(obj)
	if !ok {
		return ""
	}
	switch o["type"] {
	case "mrkdwn", "plain_text":
		return r.text(o)
	case "button", "workflow_button":
		return label(r.text(o["text"]))
	case "text":
		t, _ := o["text"].(string)
		return t
	case "link":
		t, _ := o["text"].(string)
		if t == "" {
			t, _ = o["url"].(string)
		}
		return t
	case "user":
		id, _ := o["user_id"].(string)
		return "@" + r.names[id]
	case "broadcast":
		to, _ := o["range"].(string)
		return ringing + to
	case "image":
		t, _ := o["alt_text"].(string)
		return t
	}
	var out []string
	if list, ok := o["elements"].([]any); ok {
		for _, x := range list {
			out = append(out, r.element(x))
		}
		return strings.Join(filled(out), "")
	}
	initial, _ := o["initial_value"].(string)
	out = append(out, r.text(o["placeholder"]), initial)
	for _, x := range options(o) {
		out = append(out, r.text(x["text"]))
	}
	return strings.Join(filled(out), "\n")
}

func (r reading) text(t any) string {
	o, ok := t.(obj)
	if !ok {
		return ""
	}
	s, _ := o["text"].(string)
	if o["type"] == "plain_text" {
		return s
	}
	return r.mrkdwn(s)
}

func label(t string) string {
	if t == "" {
		return ""
	}
	return "[" + t + "]"
}

func filled(list []string) []string {
	var out []string
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// options of a select, radio buttons, checkboxes or overflow menu.
func options(e obj) []obj {
	var out []obj
	take := func(list any) {
		all, _ := list.([]any)
		for _, o := range all {
			if o, ok := o.(obj); ok {
				out = append(out, o)
			}
		}
	}
	take(e["options"])
	groups, _ := e["option_groups"].([]any)
	for _, g := range groups {
		if g, ok := g.(obj); ok {
			take(g["options"])
		}
	}
	return out
}

// says reports whether text contains what is wanted, in which … stands for anything.
func says(text, want string) bool {
	text = flat(text)
	for piece := range strings.SplitSeq(flat(plain(want)), "…") {
		piece = strings.TrimSpace(piece)
		at := strings.Index(text, piece)
		if at < 0 {
			return false
		}
		text = text[at+len(piece):]
	}
	return true
}

// plain takes the marks off what a story expects, so that it may be written either way.
func plain(text string) string { return marks.ReplaceAllString(text, "") }

// named reports whether a channel's name follows a pattern with * for anything.
func named(name, pattern string) bool {
	pattern = strings.TrimPrefix(pattern, "#")
	pieces := strings.Split(pattern, "*")
	if !strings.HasPrefix(name, pieces[0]) {
		return false
	}
	rest := name[len(pieces[0]):]
	if len(pieces) == 1 {
		return rest == ""
	}
	last := pieces[len(pieces)-1]
	for _, p := range pieces[1 : len(pieces)-1] {
		at := strings.Index(rest, p)
		if at < 0 {
			return false
		}
		rest = rest[at+len(p):]
	}
	return strings.HasSuffix(rest, last)
}
