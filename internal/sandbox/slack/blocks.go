package slack

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Block Kit, judged. Limits: https://docs.slack.dev/reference/block-kit/blocks and
// the page of each element. Lengths are in runes.

type surface int

const (
	onMessage surface = 1 << iota
	onModal
	onHome
)

const (
	maxBlocks     = 50  // in a message
	maxViewBlocks = 100 // in a modal or home tab
	maxID         = 255 // block_id, action_id, callback_id, external_id
	maxBlocksText = 13_200
	maxURL        = 3000
)

// judge collects what is wrong, each with a pointer to the place, as Slack does.
type judge struct {
	on       surface
	problems []string
	ids      map[string]bool // block ids seen
	inputs   int
	focused  int
}

const maxProblems = 20

func (j *judge) wrong(at, format string, args ...any) {
	if len(j.problems) < maxProblems {
		j.problems = append(j.problems, "[ERROR] "+fmt.Sprintf(format, args...)+" [json-pointer:"+at+"]")
	}
}

// judgeBlocks returns the blocks of a message with missing block ids filled in, or
// invalid_blocks with what is wrong.
func judgeBlocks(list []any, on surface) ([]any, error) {
	j := &judge{on: on, ids: map[string]bool{}}
	out, ok := j.blocks("/blocks", list)
	if !ok {
		return nil, no("invalid_blocks_format")
	}
	if len(j.problems) > 0 {
		return nil, &refused{"invalid_blocks", obj{
			"errors": j.problems, "response_metadata": obj{"messages": j.problems},
		}}
	}
	return out, nil
}

// blocks judges a list. ok is false when it holds something that is no object.
func (j *judge) blocks(at string, list []any) (out []any, ok bool) {
	most := maxBlocks
	if j.on != onMessage {
		most = maxViewBlocks
	}
	if len(list) > most {
		j.wrong(at, "no more than %d items allowed", most)
		list = list[:most]
	}
	for i, v := range list {
		b, isObject := v.(obj)
		if !isObject {
			return nil, false
		}
		out = append(out, j.block(fmt.Sprintf("%s/%d", at, i), b))
	}
	return out, true
}

// places says on which surfaces a block may stand.
var places = map[string]surface{
	"section": onMessage | onModal | onHome, "divider": onMessage | onModal | onHome,
	"image": onMessage | onModal | onHome, "context": onMessage | onModal | onHome,
	"actions": onMessage | onModal | onHome, "header": onMessage | onModal | onHome,
	"input": onMessage | onModal | onHome, "rich_text": onMessage | onModal | onHome,
	"video": onMessage | onModal | onHome, "markdown": onMessage, "table": onMessage,
}

func (j *judge) block(at string, b obj) obj {
	kind, _ := b["type"].(string)
	where, known := places[kind]
	if !known || where&j.on == 0 {
		j.wrong(at, "unsupported type: %s", kind)
		return b
	}
	id := j.str(at, b, "block_id", 0, maxID)
	switch {
	case id == "":
		b = withID(b, "block_id")
	case j.ids[id]:
		j.wrong(at+"/block_id", "`block_id` must be unique; %q is used more than once", id)
	}
	j.ids[id] = true
	switch kind {
	case "section":
		return j.section(at, b)
	case "divider":
		j.only(at, b)
	case "header":
		j.only(at, b, "text", "level")
		j.text(at+"/text", b["text"], 1, 150, plainOnly)
	case "image":
		j.only(at, b, "image_url", "slack_file", "alt_text", "title")
		j.image(at, b)
		if b["title"] != nil {
			j.text(at+"/title", b["title"], 1, 2000, plainOnly)
		}
	case "context":
		j.only(at, b, "elements")
		j.context(at, b)
	case "actions":
		j.only(at, b, "elements")
		return j.elements(at, b, 25)
	case "input":
		return j.input(at, b)
	case "rich_text":
		j.only(at, b, "elements")
		j.richText(at, b)
	case "markdown":
		j.only(at, b, "text")
		j.str(at, b, "text", 1, 12_000)
	case "video":
		for _, key := range []string{"video_url", "thumbnail_url", "alt_text"} {
			j.str(at, b, key, 1, maxURL)
		}
		j.text(at+"/title", b["title"], 1, 199, plainOnly)
	case "table":
		j.only(at, b, "rows", "column_settings")
		j.list(at+"/rows", b["rows"], 1, 100)
	}
	return b
}

func (j *judge) section(at string, b obj) obj {
	j.only(at, b, "text", "fields", "accessory", "expand")
	if b["text"] == nil && b["fields"] == nil {
		j.wrong(at, "must provide either `text` or `fields`")
	}
	if b["text"] != nil {
		j.text(at+"/text", b["text"], 1, 3000, anyText)
	}
	if b["fields"] != nil {
		for i, f := range j.list(at+"/fields", b["fields"], 1, 10) {
			j.text(fmt.Sprintf("%s/fields/%d", at, i), f, 1, 2000, anyText)
		}
	}
	if b["accessory"] == nil {
		return b
	}
	e := j.element(at+"/accessory", b["accessory"], inSection, map[string]bool{})
	return with(b, "accessory", e)
}

func (j *judge) context(at string, b obj) {
	for i, v := range j.list(at+"/elements", b["elements"], 1, 10) {
		here := fmt.Sprintf("%s/elements/%d", at, i)
		o, _ := v.(obj)
		if o["type"] == "image" {
			j.only(here, o, "image_url", "slack_file", "alt_text")
			j.image(here, o)
			continue
		}
		j.text(here, v, 1, 3000, anyText) // Slack documents no limit; the section's holds
	}
}

func (j *judge) elements(at string, b obj, most int) obj {
	seen := map[string]bool{}
	var out []any
	for i, v := range j.list(at+"/elements", b["elements"], 1, most) {
		out = append(out, j.element(fmt.Sprintf("%s/elements/%d", at, i), v, inActions, seen))
	}
	return with(b, "elements", out)
}

func (j *judge) input(at string, b obj) obj {
	j.inputs++
	j.only(at, b, "label", "element", "dispatch_action", "hint", "optional")
	j.text(at+"/label", b["label"], 1, 2000, plainOnly)
	if b["hint"] != nil {
		j.text(at+"/hint", b["hint"], 1, 2000, plainOnly)
	}
	j.bool(at, b, "optional")
	j.bool(at, b, "dispatch_action")
	return with(b, "element", j.element(at+"/element", b["element"], inInput, map[string]bool{}))
}

func (j *judge) image(at string, b obj) {
	j.str(at, b, "alt_text", 1, 2000)
	if b["slack_file"] == nil {
		link := j.str(at, b, "image_url", 1, maxURL)
		if u, err := url.Parse(link); link != "" && (err != nil || u.Host == "") {
			j.wrong(at+"/image_url", "must be a valid URL")
		}
	}
}

func (j *judge) richText(at string, b obj) {
	kinds := []string{"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"}
	for i, v := range j.list(at+"/elements", b["elements"], 1, 1000) {
		here := fmt.Sprintf("%s/elements/%d", at, i)
		o, _ := v.(obj)
		if kind, _ := o["type"].(string); !slices.Contains(kinds, kind) {
			j.wrong(here+"/type", "unsupported type: %s", kind)
			continue
		}
		j.list(here+"/elements", o["elements"], 0, 10_000)
	}
}

type textKinds int

const (
	anyText textKinds = iota
	plainOnly
)

// text judges a text object.
func (j *judge) text(at string, v any, least, most int, kinds textKinds) {
	o, isObject := v.(obj)
	if !isObject {
		j.wrong(at, "missing required field or not an object: text object expected")
		return
	}
	switch kind := o["type"]; {
	case kind == "plain_text":
		j.only(at, o, "text", "emoji")
		j.bool(at, o, "emoji")
	case kind == "mrkdwn" && kinds == anyText:
		j.only(at, o, "text", "verbatim")
		j.bool(at, o, "verbatim")
	default:
		j.wrong(at+"/type", "unsupported text type: %v", kind)
	}
	j.str(at, o, "text", least, most)
}

// str judges a string of least to most runes; absent is fine where least is 0.
func (j *judge) str(at string, o obj, key string, least, most int) string {
	v, present := o[key]
	str, isText := v.(string)
	n := utf8.RuneCountInString(str)
	switch {
	case !present && least == 0:
	case !present:
		j.wrong(at, "missing required field: %s", key)
	case !isText:
		j.wrong(at+"/"+key, "must be a string")
	case n < least:
		j.wrong(at+"/"+key, "must be more than %d characters", least-1)
	case n > most:
		j.wrong(at+"/"+key, "must be less than %d characters", most+1)
	}
	return str
}

func (j *judge) bool(at string, o obj, key string) bool {
	v, present := o[key]
	b, isBool := v.(bool)
	if present && !isBool {
		j.wrong(at+"/"+key, "must be a boolean")
	}
	return b
}

func (j *judge) list(at string, v any, least, most int) []any {
	l, isList := v.([]any)
	switch {
	case !isList:
		j.wrong(at, "missing required field or not an array")
	case len(l) < least:
		j.wrong(at, "no fewer than %d items allowed", least)
	case len(l) > most:
		j.wrong(at, "no more than %d items allowed", most)
		return l[:most]
	}
	return l
}

// only refuses fields Slack does not know; type, block_id are known everywhere.
func (j *judge) only(at string, o obj, keys ...string) {
	for _, k := range sortedKeys(o) {
		if k != "type" && k != "block_id" && !slices.Contains(keys, k) {
			j.wrong(at, "invalid additional property: %s", k)
		}
	}
}

func (j *judge) match(at string, o obj, key string, shape *regexp.Regexp) {
	v, present := o[key]
	str, isText := v.(string)
	if present && (!isText || !shape.MatchString(str)) {
		j.wrong(at+"/"+key, "has a malformed value")
	}
}

// with returns a copy of o with one field set: what the app sent stays as it was.
func with(o obj, key string, v any) obj {
	out := make(obj, len(o)+1)
	for k, old := range o {
		out[k] = old
	}
	out[key] = v
	return out
}

func withID(o obj, key string) obj { return with(o, key, random(5)) }

// blocksText counts the runes of all texts in the blocks.
func blocksText(v any) (n int) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			n += blocksText(x)
		}
	case obj:
		for k, x := range v {
			if str, isText := x.(string); isText && k == "text" {
				n += utf8.RuneCountInString(str)
				continue
			}
			n += blocksText(x)
		}
	}
	return n
}

// plainText is what a notification would show of a text object.
func plainText(v any) string {
	o, _ := v.(obj)
	str, _ := o["text"].(string)
	return strings.TrimSpace(str)
}
