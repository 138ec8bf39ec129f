package sigma

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// maxVariants bounds what modifiers and placeholders may make of one value.
const maxVariants = 4_096

// modifiers are the words after a field's name, in the order they are applied.
// https://github.com/SigmaHQ/sigma-specification, "Sigma Modifiers", version 2.1.0
var modifiers = []string{"contains", "startswith", "endswith", "all", "cased", "exists", "neq", "windash", "re", "i", "m", "s",
	"base64", "base64offset", "wide", "utf16", "utf16le", "utf16be", "lt", "lte", "gt", "gte", "cidr", "expand", "fieldref",
	"minute", "hour", "day", "week", "month", "year"}

// mods is what a field's modifiers amount to.
type mods struct {
	change []string // those that make another text of the text, in their order
	all    bool
	cased  bool
	not    bool
	kind   string // how the value is to be taken: "", re, exists, cidr, fieldref, number
	flags  string // of re
	op     op     // of number
	part   timePart
	how    op // of fieldref
}

var timeParts = map[string]timePart{"minute": minute, "hour": hour, "day": day, "week": week, "month": month, "year": year}

var comparisons = map[string]op{"lt": less, "lte": atMost, "gt": more, "gte": atLeast}

// readMods reads the modifiers of a field and says what does not go together.
func readMods(words []string, at part) mods {
	var m mods
	kind := func(k string) {
		if m.kind != "" && m.kind != k {
			at.wrong("", "%s and %s do not go together", m.kind, k)
		}
		m.kind = k
	}
	for i, w := range words {
		switch w {
		case "all":
			m.all = true
		case "cased":
			m.cased = true
		case "neq":
			m.not = true
		case "contains", "startswith", "endswith", "windash", "base64", "base64offset", "wide", "utf16", "utf16le", "utf16be", "expand":
			m.change = append(m.change, w)
		case "re", "exists", "cidr", "fieldref":
			kind(w)
		case "i", "m", "s":
			if m.kind != "re" || words[i-1] != "re" && strings.Trim(words[i-1], "ims") != "" {
				at.wrong("write |re|"+w, "%s has a meaning after re only", w)
			}
			m.flags += w
		case "lt", "lte", "gt", "gte":
			kind("number")
			if m.op = comparisons[w]; i > 0 && comparisons[words[i-1]] != 0 {
				at.wrong("", "%s and %s do not go together", words[i-1], w)
			}
		case "minute", "hour", "day", "week", "month", "year":
			if kind("number"); m.part != whole {
				at.wrong("", "one part of a date at a time")
			}
			m.part = timeParts[w]
		default:
			at.wrong(didYouMean(w, modifiers), "the modifier %q is not known", w)
		}
	}
	m.together(at)
	return m
}

func (m *mods) together(at part) {
	switch m.kind {
	case "":
		return
	case "number":
		if m.op == 0 {
			m.op = equal
		}
	case "fieldref":
		m.fieldref(at)
		return
	}
	if m.kind == "re" && len(m.change) == 1 && m.change[0] == "expand" {
		return
	}
	if len(m.change) > 0 {
		at.wrong("", "%s and %s do not go together", m.kind, m.change[0])
	}
	if m.cased && m.kind != "re" {
		at.wrong("", "%s and cased do not go together", m.kind)
	}
}

// fieldref may be combined with one word that says how the two fields compare.
func (m *mods) fieldref(at part) {
	for _, c := range m.change {
		switch {
		case m.how == is && c == "contains":
			m.how = has
		case m.how == is && c == "startswith":
			m.how = begins
		case m.how == is && c == "endswith":
			m.how = ends
		default:
			at.wrong("", "fieldref and %s do not go together", c)
		}
	}
	m.change = nil
}

// texts applies the modifiers that change a text, one after the other.
func (c *compiler) texts(m mods, raw string, at part) []pattern {
	list := []pattern{parsePattern(raw)}
	if len(m.change) > 0 && m.change[0] == "expand" {
		list = nil
		for _, t := range c.expand(raw, at) {
			list = append(list, parsePattern(t))
		}
	}
	for i, change := range m.change {
		if change == "expand" {
			if i > 0 {
				at.wrong("write it first", "expand comes before what changes the value")
			}
			continue
		}
		var next []pattern
		for _, p := range list {
			made, err := changed(p, change)
			if err != nil {
				at.wrong("", "%s", err)
				return nil
			}
			if next = append(next, made...); len(next) > maxVariants {
				at.wrong("", "the modifiers make more than %d values of this one", maxVariants)
				return nil
			}
		}
		list = next
	}
	return list
}

func changed(p pattern, by string) ([]pattern, error) {
	switch by {
	case "contains":
		return []pattern{p.before().after()}, nil
	case "startswith":
		return []pattern{p.after()}, nil
	case "endswith":
		return []pattern{p.before()}, nil
	case "wide", "utf16le":
		return []pattern{p.pieces(func(s string) string { return wide(s, binary.LittleEndian) })}, nil
	case "utf16be":
		return []pattern{p.pieces(func(s string) string { return wide(s, binary.BigEndian) })}, nil
	case "utf16":
		q := p.pieces(func(s string) string { return wide(s, binary.LittleEndian) })
		return []pattern{append(pattern{{kind: plain, text: "\xff\xfe"}}, q...).joined()}, nil
	case "windash":
		return dashes(p)
	}
	t, ok := p.plainText()
	if !ok {
		return nil, fmt.Errorf("a value with wildcards cannot be encoded by %s", by)
	}
	if by == "base64" {
		return one(base64.StdEncoding.EncodeToString([]byte(t))), nil
	}
	return offsets(t), nil
}

func one(t string) []pattern { return []pattern{{{kind: plain, text: t}}} }

// joined puts plain pieces that follow each other into one.
func (p pattern) joined() pattern {
	var out pattern
	for _, x := range p {
		if last := len(out) - 1; last >= 0 && x.kind == plain && out[last].kind == plain {
			out[last].text += x.text
			continue
		}
		out = append(out, x)
	}
	return out
}

func wide(s string, order binary.AppendByteOrder) string {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = order.AppendUint16(out, u)
	}
	return string(out)
}

// offsets are the three forms a text takes inside a longer one that is encoded, without
// the characters that depend on its neighbours.
func offsets(t string) []pattern {
	start, end := [3]int{0, 2, 3}, [3]int{0, 3, 2}
	var list []pattern
	for i := range 3 {
		e := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", i) + t))
		if from, to := start[i], len(e)-end[(len(t)+i)%3]; from < to {
			list = append(list, one(e[from:to])...)
		}
	}
	return list
}

var dashForms = []string{"-", "/", "\u2013", "\u2014", "\u2015"}

// dashes makes every form of a value whose flags begin with a dash or with something
// that Windows takes for one. A dash inside a word is no flag.
func dashes(p pattern) ([]pattern, error) {
	list := []pattern{{}}
	add := func(x piece) {
		for i := range list {
			list[i] = append(list[i][:len(list[i]):len(list[i])], x)
		}
	}
	for _, x := range p {
		if x.kind != plain {
			add(x)
			continue
		}
		from, before := 0, rune(' ')
		for i, r := range x.text {
			_, n := utf8.DecodeRuneInString(x.text[i:])
			next, _ := utf8.DecodeRuneInString(x.text[i+n:])
			if strings.ContainsRune("-/\u2013\u2014\u2015", r) && !isWord(before) && isWord(next) {
				add(piece{kind: plain, text: x.text[from:i]})
				if len(list)*len(dashForms) > maxVariants {
					return nil, fmt.Errorf("windash makes more than %d values of this one", maxVariants)
				}
				var more []pattern
				for _, q := range list {
					for _, d := range dashForms {
						more = append(more, append(q[:len(q):len(q)], piece{kind: plain, text: d}))
					}
				}
				list, from = more, i+n
			}
			before = r
		}
		add(piece{kind: plain, text: x.text[from:]})
	}
	for i := range list {
		list[i] = list[i].joined()
	}
	return list, nil
}

func isWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) && r != utf8.RuneError || unicode.IsDigit(r)
}

// expand puts what the pipeline knows in the place of %names%.
func (c *compiler) expand(raw string, at part) []string {
	list, rest := []string{""}, raw
	for {
		i := strings.IndexByte(rest, '%')
		if i < 0 {
			break
		}
		if i > 0 && rest[i-1] == '\\' { // a percent sign that means itself
			list, rest = suffixed(list, rest[:i-1]+"%"), rest[i+1:]
			continue
		}
		end := strings.IndexByte(rest[i+1:], '%')
		if end <= 0 {
			list, rest = suffixed(list, rest[:i+1]), rest[i+1:]
			continue
		}
		name := rest[i+1 : i+1+end]
		values := c.options.Placeholders[name]
		if len(values) == 0 {
			at.wrong("give it values in the file of placeholders", "nobody says what %%%s%% stands for", name)
			return nil
		}
		if len(list)*len(values) > maxVariants {
			at.wrong("", "the placeholders make more than %d values of this one", maxVariants)
			return nil
		}
		c.expanded(name, values)
		list = suffixed(list, rest[:i])
		var more []string
		for _, l := range list {
			for _, v := range values {
				more = append(more, l+v)
			}
		}
		list, rest = more, rest[i+end+2:]
	}
	return suffixed(list, rest)
}

func suffixed(list []string, s string) []string {
	for i := range list {
		list[i] += s
	}
	return list
}

// maxExpr bounds a regular expression, in bytes. RE2 takes time in proportion to the
// expression and the text, so that no expression can stop a sensor.
const maxExpr = 8_192

func regex(raw, flags string, at part) (atom, bool) {
	if len(raw) > maxExpr {
		at.wrong("", "a regular expression of more than %d bytes", maxExpr)
		return atom{}, false
	}
	text := raw
	if flags != "" {
		text = "(?" + flags + ")" + raw
	}
	re, err := regexp.Compile(text)
	if err != nil {
		at.wrong("Sigma's expressions have no look-around and no references back", "the regular expression cannot be used: %s",
			strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		return atom{}, false
	}
	return atom{op: expr, said: raw, re: re}, true
}

func cidr(raw string, at part) (atom, bool) {
	net, err := netip.ParsePrefix(raw)
	if err != nil {
		ip, err := netip.ParseAddr(raw)
		if err != nil {
			at.wrong("write it as 10.0.0.0/8 or fd00::/8", "%q is no network", raw)
			return atom{}, false
		}
		net = netip.PrefixFrom(ip, ip.BitLen())
	}
	if net.Addr().Is4In6() && net.Bits() >= 96 {
		net = netip.PrefixFrom(net.Addr().Unmap(), net.Bits()-96)
	}
	return atom{op: inNet, said: raw, net: net.Masked()}, true
}

func number(raw string, m mods, at part) (atom, bool) {
	n, err := strconv.ParseFloat(raw, 64)
	if err != nil || n != n {
		at.wrong("", "%q is no number", raw)
		return atom{}, false
	}
	return atom{op: m.op, said: raw, num: n, part: m.part}, true
}
