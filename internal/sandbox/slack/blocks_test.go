package slack

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func x(n int) string { return strings.Repeat("x", n) }

func many(n int, one string) string {
	all := make([]string, n)
	for i := range all {
		all[i] = strings.ReplaceAll(one, "%d", fmt.Sprint(i))
	}
	return strings.Join(all, ",")
}

const (
	divider = `{"type":"divider"}`
	button  = `{"type":"button","action_id":"b%d","text":{"type":"plain_text","text":"go"}}`
	option  = `{"text":{"type":"plain_text","text":"o%d"},"value":"v%d"}`
)

func plain(n int) string { return `{"type":"plain_text","text":"` + x(n) + `"}` }

func mrkdwn(n int) string { return `{"type":"mrkdwn","text":"` + x(n) + `"}` }

func section(rest string) string { return `{"type":"section",` + rest + `}` }

func accessory(e string) string { return section(`"text":` + mrkdwn(1) + `,"accessory":` + e) }

func actions(es string) string { return `{"type":"actions","elements":[` + es + `]}` }

func input(e string) string {
	return `{"type":"input","label":{"type":"plain_text","text":"l"},"element":` + e + `}`
}

// Each limit, one step on either side of it.
func TestBlockLimits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		on      surface
		ok, bad string
	}{
		"blocks of a message":  {onMessage, many(50, divider), many(51, divider)},
		"blocks of a modal":    {onModal, many(100, divider), many(101, divider)},
		"section text":         {onMessage, section(`"text":` + mrkdwn(3000)), section(`"text":` + mrkdwn(3001))},
		"section without text": {onMessage, section(`"fields":[` + mrkdwn(1) + `]`), section(`"expand":true`)},
		"fields":               {onMessage, section(`"fields":[` + many(10, mrkdwn(2000)) + `]`), section(`"fields":[` + many(11, mrkdwn(1)) + `]`)},
		"field text":           {onMessage, section(`"fields":[` + mrkdwn(2000) + `]`), section(`"fields":[` + mrkdwn(2001) + `]`)},
		"empty text":           {onMessage, section(`"text":` + mrkdwn(1)), section(`"text":` + mrkdwn(0))},
		"header":               {onMessage, `{"type":"header","text":` + plain(150) + `}`, `{"type":"header","text":` + plain(151) + `}`},
		"header is plain":      {onMessage, `{"type":"header","text":` + plain(1) + `}`, `{"type":"header","text":` + mrkdwn(1) + `}`},
		"context elements":     {onMessage, `{"type":"context","elements":[` + many(10, mrkdwn(1)) + `]}`, `{"type":"context","elements":[` + many(11, mrkdwn(1)) + `]}`},
		"actions":              {onMessage, actions(many(25, button)), actions(many(26, button))},
		"action ids unique":    {onMessage, actions(many(2, button)), actions(button + "," + button)},
		"block ids unique":     {onMessage, `{"type":"divider","block_id":"a"},{"type":"divider","block_id":"b"}`, `{"type":"divider","block_id":"a"},{"type":"divider","block_id":"a"}`},
		"block id":             {onMessage, `{"type":"divider","block_id":"` + x(255) + `"}`, `{"type":"divider","block_id":"` + x(256) + `"}`},
		"button text":          {onMessage, actions(`{"type":"button","text":` + plain(75) + `}`), actions(`{"type":"button","text":` + plain(76) + `}`)},
		"button value":         {onMessage, actions(`{"type":"button","text":` + plain(1) + `,"value":"` + x(2000) + `"}`), actions(`{"type":"button","text":` + plain(1) + `,"value":"` + x(2001) + `"}`)},
		"button style":         {onMessage, actions(`{"type":"button","text":` + plain(1) + `,"style":"danger"}`), actions(`{"type":"button","text":` + plain(1) + `,"style":"default"}`)},
		"unknown field":        {onMessage, divider, `{"type":"divider","colour":"red"}`},
		"unknown block":        {onMessage, divider, `{"type":"banner"}`},
		"markdown in a modal":  {onModal, divider, `{"type":"markdown","text":"x"}`},
		"select options":       {onMessage, accessory(`{"type":"static_select","options":[` + many(100, option) + `]}`), accessory(`{"type":"static_select","options":[` + many(101, option) + `]}`)},
		"option text":          {onMessage, accessory(`{"type":"static_select","options":[{"value":"v","text":` + plain(75) + `}]}`), accessory(`{"type":"static_select","options":[{"value":"v","text":` + plain(76) + `}]}`)},
		"overflow":             {onMessage, accessory(`{"type":"overflow","options":[` + many(5, option) + `]}`), accessory(`{"type":"overflow","options":[` + many(6, option) + `]}`)},
		"initial option":       {onMessage, accessory(`{"type":"static_select","options":[` + option + `],"initial_option":` + option + `}`), accessory(`{"type":"static_select","options":[` + many(1, option) + `],"initial_option":` + option + `}`)},
		"text input place":     {onModal, input(`{"type":"plain_text_input"}`), accessory(`{"type":"plain_text_input"}`)},
		"button in an input":   {onModal, actions(`{"type":"button","text":` + plain(1) + `}`), input(`{"type":"button","text":` + plain(1) + `}`)},
		"lengths of input":     {onModal, input(`{"type":"plain_text_input","min_length":1,"max_length":3000}`), input(`{"type":"plain_text_input","max_length":3001}`)},
		"number input":         {onModal, input(`{"type":"number_input","is_decimal_allowed":false}`), input(`{"type":"number_input"}`)},
		"date":                 {onModal, input(`{"type":"datepicker","initial_date":"2026-03-01"}`), input(`{"type":"datepicker","initial_date":"1.3.2026"}`)},
		"confirm":              {onMessage, actions(`{"type":"button","text":` + plain(1) + `,"confirm":{"title":` + plain(100) + `,"text":` + mrkdwn(300) + `,"confirm":` + plain(30) + `,"deny":` + plain(30) + `}}`), actions(`{"type":"button","text":` + plain(1) + `,"confirm":{"title":` + plain(1) + `,"text":` + plain(1) + `,"confirm":` + plain(31) + `,"deny":` + plain(1) + `}}`)},
		"image":                {onMessage, `{"type":"image","alt_text":"a","image_url":"https://example.com/i.png"}`, `{"type":"image","image_url":"https://example.com/i.png"}`},
		"rich text":            {onMessage, `{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[]}]}`, `{"type":"rich_text","elements":[{"type":"section"}]}`},
	} {
		for want, text := range map[string]string{"": c.ok, "invalid_blocks": c.bad} {
			var list []any
			if err := json.Unmarshal([]byte("["+text+"]"), &list); err != nil {
				t.Fatalf("%s: %v in %s", name, err, text)
			}
			_, err := judgeBlocks(list, c.on)
			got := ""
			if r, is := errors.AsType[*refused](err); is {
				got = r.code
			}
			if got != want {
				t.Errorf("%s: %q, want %q (%v)", name, got, want, raw(errMore(err)))
			}
		}
	}
}

func errMore(err error) obj {
	r, _ := errors.AsType[*refused](err)
	if r == nil {
		return nil
	}
	return r.more
}

func TestViewLimits(t *testing.T) {
	t.Parallel()
	modal := func(title int, rest string) string {
		return `{"type":"modal","title":` + plain(title) + `,"blocks":[` + divider + `]` + rest + `}`
	}
	for name, c := range map[string]struct{ text, want string }{
		"plain":              {modal(24, ""), ""},
		"title":              {modal(25, ""), "invalid_arguments"},
		"submit":             {modal(1, `,"submit":`+plain(25)), "invalid_arguments"},
		"private_metadata":   {modal(1, `,"private_metadata":"`+x(3000)+`"`), ""},
		"metadata too long":  {modal(1, `,"private_metadata":"`+x(3001)+`"`), "invalid_arguments"},
		"callback_id":        {modal(1, `,"callback_id":"`+x(256)+`"`), "invalid_arguments"},
		"input wants submit": {`{"type":"modal","title":` + plain(1) + `,"blocks":[` + input(`{"type":"plain_text_input"}`) + `]}`, "invalid_arguments"},
		"home as a modal":    {`{"type":"home","blocks":[]}`, "invalid_arguments"},
		"too large":          {modal(1, `,"callback_id":"`+x(maxView)+`"`), "view_too_large"},
	} {
		var v any
		if err := json.Unmarshal([]byte(c.text), &v); err != nil {
			t.Fatal(err)
		}
		_, err := judgeView(v, true, onModal)
		got := ""
		if r, is := errors.AsType[*refused](err); is {
			got = r.code
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestTextIsEscapedOnce(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a < b & c":                     "a &lt; b &amp; c",
		"<@U1> <https://x.y|z> <!here>": "<@U1> <https://x.y|z> <!here>",
		"&amp; &lt;":                    "&amp; &lt;",
		"<script>":                      "&lt;script&gt;",
		"<<@U1>":                        "&lt;<@U1>",
		"<":                             "&lt;",
	} {
		if got := escapeLoose(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// Whatever blocks come, they are judged without a panic, in bounds, and what was
// accepted is accepted again with the ids that were filled in.
func FuzzBlocks(f *testing.F) {
	f.Add("[" + section(`"text":`+mrkdwn(3)) + "," + actions(many(3, button)) + "]")
	f.Add("[" + accessory(`{"type":"static_select","options":[`+many(2, option)+`]}`) + "]")
	f.Add(`[{"type":"rich_text","elements":[null,3]},{"type":"context","elements":[{"type":"image"}]}]`)
	f.Add("[" + input(`{"type":"plain_text_input","min_length":-1}`) + "]")
	f.Fuzz(func(t *testing.T, text string) {
		var list []any
		if json.Unmarshal([]byte(text), &list) != nil {
			return
		}
		for _, on := range []surface{onMessage, onModal, onHome} {
			out, err := judgeBlocks(list, on)
			if err != nil {
				if r, is := errors.AsType[*refused](err); !is || len(r.more) > 0 && len(raw(r.more)) == 0 {
					t.Fatalf("odd refusal %v", err)
				}
				continue
			}
			if _, err := judgeBlocks(out, on); err != nil {
				t.Fatalf("accepted, then refused: %v", errMore(err))
			}
			blocksText(out)
			elementsOf(out)
		}
	})
}

func FuzzEscape(f *testing.F) {
	f.Add("<@U1> & <x>")
	f.Fuzz(func(t *testing.T, text string) {
		once := escapeLoose(text)
		if twice := escapeLoose(once); twice != once {
			t.Fatalf("%q, then %q", once, twice)
		}
		richText("1.1", once)
	})
}
