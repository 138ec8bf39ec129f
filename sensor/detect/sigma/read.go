package sigma

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// docKind is what a document is.
type docKind uint8

const (
	isRule docKind = iota
	isCorrelation
	isFilter
)

// written is a document that has been read and not yet joined with the others.
type written struct {
	kind docKind
	rule *Rule
	top  part // for problems that joining finds

	cond    *node          // of a rule or a filter
	counts  *correlationOf // of a correlation
	filters []ref          // of a filter: the rules it is for
	any     bool           // of a filter: it is for every rule of its log source
	text    []byte         // what decides what it matches, for the digest
}

// ref is a rule that another document names.
type ref struct {
	name string
	at   part
}

var (
	uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	dateForm = regexp.MustCompile(`^\d{4}-(0[1-9]|1[012])-(0[1-9]|[12]\d|3[01])$`)
	tagForm  = regexp.MustCompile(`^[a-z0-9_-]+\.[a-z0-9._-]+$`)
)

// known are the keys of the specification. Others are allowed ("arbitrary custom
// fields"), but one that is nearly a known key is taken for a slip of the finger.
var known = []string{"title", "id", "name", "related", "taxonomy", "status", "description", "license", "references", "author",
	"date", "modified", "logsource", "detection", "fields", "falsepositives", "level", "tags", "scope", "correlation", "filter"}

// read is one document; nil when there is something wrong with it.
func (c *compiler) read(d document) *written {
	r := &reading{document: d}
	w := c.document(r)
	c.problems = append(c.problems, r.problems...)
	if r.broken {
		return nil
	}
	return w
}

func (c *compiler) document(r *reading) *written {
	top, ok := r.top()
	if !ok {
		return nil
	}
	rule := &Rule{File: r.file, Line: top.line}
	w := &written{rule: rule, top: top, text: r.text}
	body := keys{}
	for _, p := range top.pairs() {
		if !rule.take(p) {
			body[p.key] = p
		}
	}
	if rule.Title == "" && !r.broken {
		top.wrong("", "the title is missing")
	}
	switch {
	case body.has("correlation"):
		w.kind, w.counts = isCorrelation, body["correlation"].value.correlation()
		rule.Correlation = w.counts.said()
		body.refuse("detection", "filter", "logsource")
	case body.has("filter"):
		w.kind = isFilter
		rule.takeSource(top, body)
		c.filter(w, body["filter"].value)
		body.refuse("detection")
	case body.has("detection"):
		rule.takeSource(top, body)
		w.cond = c.detection(body["detection"].value, nil)
	case body.has("action"):
		body["action"].at.wrong("write each rule out in full", "collections by action: are no longer part of Sigma")
	default:
		top.wrong("a rule has detection:, a correlation has correlation:, a filter has filter:", "nothing here says what to look for")
	}
	return w
}

// keys are those of a document that decide what it matches.
type keys map[string]pair

func (k keys) has(key string) bool { _, ok := k[key]; return ok }

func (k keys) refuse(names ...string) {
	for _, n := range names {
		if p, ok := k[n]; ok {
			p.at.wrong("put it into a document of its own", "%s: does not go together with what else is here", n)
		}
	}
}

// take reads a key that describes the rule; it says no to one that decides what it matches.
func (r *Rule) take(p pair) bool {
	v := p.value
	switch p.key {
	case "title":
		r.Title = v.oneLine(256)
	case "id":
		r.ID = v.oneLine(256)
		if r.ID != "" && !uuidForm.MatchString(r.ID) {
			v.warn("", "the id is no UUID")
		}
	case "name":
		r.Name = v.oneLine(256)
	case "related":
		r.Related = v.related()
	case "taxonomy":
		if r.Taxonomy = v.oneLine(256); r.Taxonomy != "sigma" && r.Taxonomy != "" {
			v.wrong("translate the rule into the taxonomy sigma", "the taxonomy %q is not known here", r.Taxonomy)
		}
	case "status":
		r.Status = v.oneOf("status", "stable", "test", "experimental", "deprecated", "unsupported")
		if r.Status == "unsupported" {
			v.wrong("", "the rule says of itself that it cannot be used (status: unsupported)")
		}
	case "description":
		r.Description = v.prose(65_535)
	case "license":
		r.License = v.oneLine(256)
	case "references":
		r.References = v.lines(4_000)
	case "author":
		r.Author = v.prose(4_000)
	case "date":
		r.Date = v.date()
	case "modified":
		r.Modified = v.date()
	case "fields":
		r.Fields = v.lines(256)
	case "falsepositives":
		r.FalsePositives = v.lines(4_000)
	case "level":
		r.Level = Level(max(0, slices.Index(levelNames, v.oneOf("level", levelNames[1:]...))))
	case "tags":
		r.Tags = v.tags()
	case "scope":
		r.Scope = v.lines(256)
	case "logsource", "detection", "correlation", "filter", "action":
		return false
	default:
		if near := nearest(p.key, known); near != "" {
			p.at.warn("did you mean "+near+"?", "the key %q says nothing to Sigma", p.key)
		}
	}
	return true
}

func (r *Rule) takeSource(top part, body keys) {
	p, ok := body["logsource"]
	if !ok {
		top.wrong("", "the logsource is missing")
		return
	}
	names := 0
	for _, f := range p.value.pairs() {
		switch f.key {
		case "category":
			r.Source.Category = f.value.source()
		case "product":
			r.Source.Product = f.value.source()
		case "service":
			r.Source.Service = f.value.source()
		case "definition":
			r.Definition = f.value.prose(65_535)
			continue
		default:
			if near := nearest(f.key, []string{"category", "product", "service", "definition"}); near != "" {
				f.at.wrong("did you mean "+near+"?", "the key %q says nothing in a logsource", f.key)
			}
			continue
		}
		names++
	}
	if names == 0 && !p.value.r.broken {
		p.at.wrong("name a category, a product or a service", "the logsource is empty")
	}
}

// source is lower case, as the specification wants it: another spelling would match no record.
func (p part) source() string {
	s := p.oneLine(256)
	if low := strings.ToLower(s); low != s {
		p.warn("write "+low, "log sources are written in lower case")
		return low
	}
	return s
}

func (p part) oneLine(limit int) string {
	t := strings.TrimSpace(p.prose(limit))
	if strings.ContainsAny(t, "\n\r") {
		p.wrong("", "one line is wanted here")
	}
	return t
}

func (p part) prose(limit int) string {
	if p.isNull() {
		return ""
	}
	t, _ := p.scalar()
	if utf8.RuneCountInString(t) > limit {
		p.wrong("", "longer than %d characters", limit)
		return ""
	}
	return strings.TrimSpace(t)
}

// lines is a list of texts; one text may stand for a list of one.
func (p part) lines(limit int) []string {
	if p.isNull() {
		return nil
	}
	var list []string
	for _, i := range p.items() {
		if t := i.prose(limit); t != "" {
			list = append(list, t)
		}
	}
	return list
}

func (p part) oneOf(what string, words ...string) string {
	t, ok := p.scalar()
	if ok && !slices.Contains(words, t) {
		p.wrong(didYouMean(t, words), "%q is no %s", t, what)
		return ""
	}
	return t
}

func (p part) date() string {
	t := p.oneLine(40)
	if t != "" && !dateForm.MatchString(t) {
		p.warn("write it as 2026-11-25", "%q is no date", t)
	}
	return t
}

func (p part) tags() []string {
	list := p.lines(256)
	for i, t := range list {
		if !tagForm.MatchString(t) {
			p.items()[i].warn("write it as attack.t1059", "%q is no tag", t)
			list[i] = strings.ToLower(t)
		}
	}
	return list
}

func (p part) related() []Related {
	var list []Related
	for _, i := range p.items() {
		var r Related
		for _, f := range i.pairs() {
			switch f.key {
			case "id":
				r.ID = f.value.oneLine(256)
			case "type":
				r.Type = f.value.oneOf("kind of relation", "derived", "obsolete", "merged", "renamed", "similar")
			default:
				f.at.wrong("", "a relation has id and type, not %q", f.key)
			}
		}
		list = append(list, r)
	}
	return list
}
