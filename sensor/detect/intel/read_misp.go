package intel

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// MISP reads an event, a search result with events or attributes, or a list of events
// (MISP core format, draft-dulaunoy-misp-core-format). An attribute is taken when its
// author marked it for detection (to_ids) and it was not deleted. A domain takes in what
// is below it, a hostname does not: that is how MISP tells them apart.
func MISP(r io.Reader, f From, take func(Indicator) error) (Report, error) {
	t, err := start(f, take)
	if err != nil {
		return Report{}, err
	}
	w := walkJSON(r, maxDocument, 0)
	m := &mispReading{t}
	if err := m.document(w); err != nil {
		if t.full != nil {
			return t.report, t.full
		}
		return t.report, jsonError("the MISP feed", err)
	}
	return t.report, t.full
}

type mispReading struct{ *taking }

func (m *mispReading) document(w *jsonWalk) error {
	var raw json.RawMessage
	if err := w.dec.Decode(&raw); err != nil {
		return err
	}
	if err := w.end(); err != nil {
		return err
	}
	return m.any(raw, 0)
}

// any finds events and attributes in the wrappings that MISP puts around them.
func (m *mispReading) any(raw json.RawMessage, depth int) error {
	if depth > 4 {
		return errShape
	}
	if len(raw) > 0 && raw[0] == '[' {
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil {
			return err
		}
		for _, item := range list {
			if err := m.any(item, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	var doc struct {
		Event     *mispEvent      `json:"Event"`
		Response  json.RawMessage `json:"response"`
		Attribute []mispAttribute `json:"Attribute"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return err
	}
	switch {
	case doc.Event != nil:
		m.event(*doc.Event)
	case doc.Response != nil:
		return m.any(doc.Response, depth+1)
	case doc.Attribute != nil:
		m.event(mispEvent{Attribute: doc.Attribute})
	default:
		return errShape
	}
	return m.full
}

type mispTag struct {
	Name string `json:"name"`
}

type mispEvent struct {
	UUID string `json:"uuid"`
	Info string `json:"info"`
	Orgc struct {
		Name string `json:"name"`
	} `json:"Orgc"`
	Tag       []mispTag       `json:"Tag"`
	Attribute []mispAttribute `json:"Attribute"`
	Object    []struct {
		Name      string          `json:"name"`
		Deleted   bool            `json:"deleted"`
		Attribute []mispAttribute `json:"Attribute"`
	} `json:"Object"`
}

type mispAttribute struct {
	UUID    string    `json:"uuid"`
	Type    string    `json:"type"`
	Value   string    `json:"value"`
	Comment string    `json:"comment"`
	ToIDs   mispFlag  `json:"to_ids"`
	Deleted mispFlag  `json:"deleted"`
	Tag     []mispTag `json:"Tag"`
	Event   struct {
		Info string `json:"info"`
	} `json:"Event"`
}

// mispFlag is a boolean that older exports write as 0, 1, "0" or "1".
type mispFlag bool

func (f *mispFlag) UnmarshalJSON(b []byte) error {
	switch s := strings.Trim(string(b), `"`); s {
	case "true", "1":
		*f = true
	case "false", "0", "", "null":
		*f = false
	default:
		return errors.New("a flag is true or false")
	}
	return nil
}

func (m *mispReading) event(e mispEvent) {
	for _, a := range e.Attribute {
		m.attribute(e, a)
	}
	for _, o := range e.Object {
		for _, a := range o.Attribute {
			a.Deleted = a.Deleted || mispFlag(o.Deleted)
			m.attribute(e, a)
		}
	}
}

// How MISP's types are matched. A composite has two values, and which of them counts.
var mispTypes = map[string]struct {
	is    Type
	part  int // 1 and 2: of a composite; 0: the whole
	exact bool
}{
	"ip-src": {is: CIDR}, "ip-dst": {is: CIDR}, "ip-src|port": {is: CIDR, part: 1}, "ip-dst|port": {is: CIDR, part: 1},
	"domain": {is: Domain}, "hostname": {is: Domain, exact: true}, "hostname|port": {is: Domain, part: 1, exact: true}, "domain|ip": {is: Domain, part: 1},
	"url": {is: URL}, "uri": {is: URL}, "link": {is: URL},
	"md5": {is: MD5}, "sha1": {is: SHA1}, "sha256": {is: SHA256},
	"filename|md5": {is: MD5, part: 2}, "filename|sha1": {is: SHA1, part: 2}, "filename|sha256": {is: SHA256, part: 2},
	"malware-sample": {is: MD5, part: 2},
}

func (m *mispReading) attribute(e mispEvent, a mispAttribute) {
	m.report.Read++
	how, known := mispTypes[a.Type]
	switch {
	case !known:
		m.skip(a.UUID, a.Value, fmt.Sprintf("the type %s cannot be matched", tidy(a.Type, 48)))
		return
	case bool(a.Deleted):
		m.skip(a.UUID, a.Value, "its author deleted it")
		return
	case !bool(a.ToIDs):
		m.skip(a.UUID, a.Value, "its author does not mean it for detection (to_ids is false)")
		return
	}
	in := Indicator{Type: how.is, Value: a.Value, Exact: how.exact, Confidence: m.from.Confidence, Ref: a.UUID, TLP: mispTLP(e.Tag, a.Tag), Why: mispWhy(e, a)}
	if how.part > 0 {
		first, second, two := strings.Cut(a.Value, "|")
		if !two {
			m.skip(a.UUID, a.Value, "the two values of its type are not there")
			return
		}
		in.Value = first
		if how.part == 2 {
			in.Value = second
		}
		if a.Type == "domain|ip" {
			both := in
			both.Type, both.Value, both.Exact = CIDR, second, false
			m.one(a.UUID, both)
		}
	}
	m.one(a.UUID, in)
}

func mispWhy(e mispEvent, a mispAttribute) string {
	info := e.Info
	if info == "" {
		info = a.Event.Info
	}
	switch {
	case info == "":
		return a.Comment
	case a.Comment == "":
		return info
	}
	return info + "; " + a.Comment
}

// mispTLP is the strictest label of the attribute and its event.
func mispTLP(lists ...[]mispTag) TLP {
	strictest := Unmarked
	for _, tags := range lists {
		for _, tag := range tags {
			if strings.HasPrefix(strings.ToLower(tag.Name), "tlp:") {
				if label, ok := tlpNamed(tag.Name); ok {
					strictest = max(strictest, label)
				} else {
					strictest = Red // a label that cannot be read is taken for the strictest
				}
			}
		}
	}
	return strictest
}

// FeedEvent is one event that a MISP feed offers; its file is UUID + ".json" beside the
// manifest.
type FeedEvent struct {
	UUID string
	Info string
	Org  string
	At   time.Time // when it was last changed
}

const maxManifest = 200_000 // events

// MISPManifest reads a feed's manifest.json and returns its events, the oldest change
// first. An entry whose name is no UUID is an error: the name becomes part of an address.
func MISPManifest(r io.Reader) ([]FeedEvent, error) {
	var raw map[string]struct {
		Info string `json:"info"`
		Orgc struct {
			Name string `json:"name"`
		} `json:"Orgc"`
		Timestamp json.RawMessage `json:"timestamp"`
	}
	w := walkJSON(r, maxDocument, 0)
	if err := w.dec.Decode(&raw); err != nil {
		return nil, jsonError("the manifest", err)
	}
	if err := w.end(); err != nil {
		return nil, jsonError("the manifest", err)
	}
	if len(raw) > maxManifest {
		return nil, fmt.Errorf("read the manifest: more than %d events", maxManifest)
	}
	var events []FeedEvent
	for _, id := range slices.Sorted(maps.Keys(raw)) {
		if _, ok := uuid(strings.ToLower(id)); !ok {
			return nil, fmt.Errorf("read the manifest: %q is no UUID", tidy(id, 64))
		}
		e := raw[id]
		at, err := timeOf(strings.Trim(string(e.Timestamp), `"`))
		if err != nil {
			return nil, fmt.Errorf("read the manifest: event %s has no time", id)
		}
		events = append(events, FeedEvent{UUID: id, Info: tidy(e.Info, maxWhy), Org: tidy(e.Orgc.Name, maxSource), At: at})
	}
	slices.SortStableFunc(events, func(a, b FeedEvent) int { return a.At.Compare(b.At) })
	return events, nil
}
