package slack

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// where an element stands.
type spot int

const (
	inSection spot = 1 << iota
	inActions
	inInput
)

const maxConfirmText = 300

var (
	dateShape = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
	timeShape = regexp.MustCompile(`^([01]\d|2[0-3]):[0-5]\d$`)
)

// elementRule is what Slack knows of one kind of element.
type elementRule struct {
	spots   spot
	fields  []string // besides type, action_id, confirm and focus_on_load
	options int      // most options; 0: it has none
	groups  bool     // option_groups allowed
	bare    bool     // no placeholder, no focus
}

var (
	everywhere = inSection | inActions | inInput
	multi      = []string{"placeholder", "max_selected_items"}
)

var elementRules = map[string]elementRule{
	"button":                     {spots: inSection | inActions, fields: []string{"text", "url", "value", "style", "accessibility_label"}, bare: true},
	"workflow_button":            {spots: inSection | inActions, fields: []string{"text", "workflow", "style", "accessibility_label"}, bare: true},
	"overflow":                   {spots: inSection | inActions, options: 5, bare: true},
	"checkboxes":                 {spots: everywhere, fields: []string{"initial_options"}, options: 10},
	"radio_buttons":              {spots: everywhere, fields: []string{"initial_option"}, options: 10},
	"static_select":              {spots: everywhere, fields: []string{"placeholder", "initial_option"}, options: 100, groups: true},
	"external_select":            {spots: everywhere, fields: []string{"placeholder", "initial_option", "min_query_length"}},
	"users_select":               {spots: everywhere, fields: []string{"placeholder", "initial_user"}},
	"conversations_select":       {spots: everywhere, fields: []string{"placeholder", "initial_conversation", "default_to_current_conversation", "response_url_enabled", "filter"}},
	"channels_select":            {spots: everywhere, fields: []string{"placeholder", "initial_channel", "response_url_enabled"}},
	"multi_static_select":        {spots: everywhere, fields: append(multi[:2:2], "initial_options"), options: 100, groups: true},
	"multi_external_select":      {spots: everywhere, fields: append(multi[:2:2], "initial_options", "min_query_length")},
	"multi_users_select":         {spots: everywhere, fields: append(multi[:2:2], "initial_users")},
	"multi_conversations_select": {spots: everywhere, fields: append(multi[:2:2], "initial_conversations", "default_to_current_conversation", "filter")},
	"multi_channels_select":      {spots: everywhere, fields: append(multi[:2:2], "initial_channels")},
	"datepicker":                 {spots: everywhere, fields: []string{"placeholder", "initial_date"}},
	"timepicker":                 {spots: everywhere, fields: []string{"placeholder", "initial_time", "timezone"}},
	"datetimepicker":             {spots: inActions | inInput, fields: []string{"initial_date_time"}},
	"plain_text_input":           {spots: inInput, fields: []string{"placeholder", "initial_value", "multiline", "min_length", "max_length", "dispatch_action_config"}},
	"email_text_input":           {spots: inInput, fields: []string{"placeholder", "initial_value", "dispatch_action_config"}},
	"url_text_input":             {spots: inInput, fields: []string{"placeholder", "initial_value", "dispatch_action_config"}},
	"number_input":               {spots: inInput, fields: []string{"placeholder", "initial_value", "is_decimal_allowed", "min_value", "max_value", "dispatch_action_config"}},
	"rich_text_input":            {spots: inInput, fields: []string{"placeholder", "initial_value", "dispatch_action_config"}},
	"file_input":                 {spots: inInput, fields: []string{"filetypes", "max_files"}},
	"image":                      {spots: inSection, fields: []string{"image_url", "slack_file", "alt_text"}, bare: true},
}

func (j *judge) element(at string, v any, where spot, seen map[string]bool) any {
	e, isObject := v.(obj)
	if !isObject {
		j.wrong(at, "missing required field or not an object: element expected")
		return v
	}
	kind, _ := e["type"].(string)
	rule, known := elementRules[kind]
	if !known || rule.spots&where == 0 {
		j.wrong(at, "unsupported type: %s", kind)
		return e
	}
	fields := append(slices.Clone(rule.fields), "action_id")
	if where != inInput {
		fields = append(fields, "confirm")
	}
	if !rule.bare {
		fields = append(fields, "focus_on_load")
	}
	if rule.options > 0 {
		fields = append(fields, "options")
	}
	if rule.groups {
		fields = append(fields, "option_groups")
	}
	j.only(at, e, fields...)
	if kind == "image" {
		j.image(at, e)
		return e
	}
	e = j.actionID(at, e, seen)
	j.common(at, e)
	switch kind {
	case "button", "workflow_button":
		j.button(at, e)
	case "plain_text_input":
		j.textInput(at, e)
	case "number_input":
		if _, given := e["is_decimal_allowed"].(bool); !given {
			j.wrong(at, "missing required field: is_decimal_allowed")
		}
	}
	if rule.options > 0 {
		j.options(at, e, rule)
	}
	return e
}

func (j *judge) actionID(at string, e obj, seen map[string]bool) obj {
	id := j.str(at, e, "action_id", 0, maxID)
	if id == "" {
		return withID(e, "action_id")
	}
	if seen[id] {
		j.wrong(at+"/action_id", "`action_id` %q already exists in this block", id)
	}
	seen[id] = true
	return e
}

// common judges the fields many elements share.
func (j *judge) common(at string, e obj) {
	if e["placeholder"] != nil {
		j.text(at+"/placeholder", e["placeholder"], 1, 150, plainOnly)
	}
	if c, present := e["confirm"]; present {
		j.confirm(at+"/confirm", c)
	}
	if j.bool(at, e, "focus_on_load") {
		if j.focused++; j.focused > 1 {
			j.wrong(at+"/focus_on_load", "only one element may have `focus_on_load`")
		}
	}
	j.match(at, e, "initial_date", dateShape)
	j.match(at, e, "initial_time", timeShape)
	if n, isNumber := e["initial_date_time"].(float64); e["initial_date_time"] != nil && (!isNumber || n < 1e9 || n >= 1e10) {
		j.wrong(at+"/initial_date_time", "must be a unix time of 10 digits")
	}
	if n, isNumber := e["max_selected_items"].(float64); e["max_selected_items"] != nil && (!isNumber || n < 1) {
		j.wrong(at+"/max_selected_items", "must be greater than 0")
	}
}

func (j *judge) button(at string, e obj) {
	j.text(at+"/text", e["text"], 1, 75, plainOnly)
	j.str(at, e, "value", 0, 2000)
	j.str(at, e, "accessibility_label", 0, 75)
	if link := j.str(at, e, "url", 0, maxURL); link != "" {
		if u, err := url.Parse(link); err != nil || u.Scheme == "" {
			j.wrong(at+"/url", "must be a valid URL")
		}
	}
	if s, present := e["style"]; present && s != "primary" && s != "danger" {
		j.wrong(at+"/style", "must be one of: primary, danger")
	}
}

func (j *judge) textInput(at string, e obj) {
	least, most := 0.0, 3000.0
	if n, present := e["min_length"]; present {
		f, isNumber := n.(float64)
		if !isNumber || f < 0 || f > 3000 {
			j.wrong(at+"/min_length", "must be between 0 and 3000")
		}
		least = f
	}
	if n, present := e["max_length"]; present {
		f, isNumber := n.(float64)
		if !isNumber || f < 1 || f > 3000 {
			j.wrong(at+"/max_length", "must be between 1 and 3000")
		}
		most = f
	}
	if least > most {
		j.wrong(at+"/max_length", "must not be less than min_length")
	}
	j.str(at, e, "initial_value", 0, int(max(1, most)))
	j.bool(at, e, "multiline")
}

// confirm judges a confirmation dialog.
func (j *judge) confirm(at string, v any) {
	o, isObject := v.(obj)
	if !isObject {
		j.wrong(at, "must be an object")
		return
	}
	j.only(at, o, "title", "text", "confirm", "deny", "style")
	j.text(at+"/title", o["title"], 1, 100, plainOnly)
	j.text(at+"/text", o["text"], 1, maxConfirmText, anyText)
	j.text(at+"/confirm", o["confirm"], 1, 30, plainOnly)
	j.text(at+"/deny", o["deny"], 1, 30, plainOnly)
	if s, present := o["style"]; present && s != "primary" && s != "danger" {
		j.wrong(at+"/style", "must be one of: primary, danger")
	}
}

func (j *judge) options(at string, e obj, rule elementRule) {
	kind, _ := e["type"].(string)
	var values []string
	read := func(at string, v any) {
		for i, o := range j.list(at, v, 1, rule.options) {
			values = append(values, j.option(fmt.Sprintf("%s/%d", at, i), o, kind))
		}
	}
	_, plain := e["options"]
	groups, grouped := e["option_groups"]
	switch {
	case plain && grouped:
		j.wrong(at, "only one of options and option_groups may be given")
	case grouped && rule.groups:
		for i, v := range j.list(at+"/option_groups", groups, 1, 100) {
			here := fmt.Sprintf("%s/option_groups/%d", at, i)
			g, _ := v.(obj)
			j.only(here, g, "label", "options")
			j.text(here+"/label", g["label"], 1, 75, plainOnly)
			read(here+"/options", g["options"])
		}
	default:
		read(at+"/options", e["options"])
	}
	initial, _ := e["initial_options"].([]any)
	if one := e["initial_option"]; one != nil {
		initial = append(slices.Clone(initial), one)
	}
	for _, v := range initial {
		o, _ := v.(obj)
		if val, _ := o["value"].(string); !slices.Contains(values, val) {
			j.wrong(at, "initial option %q is none of the options", val)
		}
	}
}

func (j *judge) option(at string, v any, of string) (value string) {
	o, isObject := v.(obj)
	if !isObject {
		j.wrong(at, "must be an object")
		return ""
	}
	j.only(at, o, "text", "value", "description", "url")
	kinds := plainOnly
	if strings.HasPrefix(of, "radio") || of == "checkboxes" {
		kinds = anyText
	}
	j.text(at+"/text", o["text"], 1, 75, kinds)
	if o["description"] != nil {
		j.text(at+"/description", o["description"], 1, 75, kinds)
	}
	if _, hasURL := o["url"]; hasURL {
		if of != "overflow" {
			j.wrong(at, "invalid additional property: url")
		}
		j.str(at, o, "url", 1, maxURL)
	}
	return j.str(at, o, "value", 1, 150)
}
