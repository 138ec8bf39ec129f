package intel

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// STIX reads a bundle (STIX 2.1, 8), or a TAXII envelope, object by object. Of each indicator
// the alternatives of its pattern that can be matched are taken; what cannot be is
// reported with the indicator's id and the reason. A domain means that name alone, as
// the standard has it, unless From.Below says otherwise.
func STIX(r io.Reader, f From, take func(Indicator) error) (Report, error) {
	t, err := start(f, take)
	if err != nil {
		return Report{}, err
	}
	w := walkJSON(r, MaxFeed, maxPiece)
	known := false
	err = w.members(func(name string) error {
		switch name {
		case "type":
			var kind string
			if err := w.dec.Decode(&kind); err != nil || kind != "bundle" {
				return errShape
			}
			known = true
			return nil
		case "objects":
			known = true
			return w.items(func() error {
				var raw json.RawMessage
				if err := w.dec.Decode(&raw); err != nil {
					return err
				}
				t.object(raw)
				return t.full
			})
		}
		return w.pass()
	})
	switch {
	case t.full != nil:
		return t.report, t.full
	case err == nil && !known:
		err = errShape
	case err == nil:
		err = w.end()
	}
	if err != nil {
		return t.report, jsonError("the STIX bundle", err)
	}
	return t.report, nil
}

// STIXObjects reads objects that are in memory, as a page of a TAXII collection.
func STIXObjects(objects []json.RawMessage, f From, take func(Indicator) error) (Report, error) {
	t, err := start(f, take)
	if err != nil {
		return Report{}, err
	}
	for _, raw := range objects {
		if t.object(raw); t.full != nil {
			break
		}
	}
	return t.report, t.full
}

type stixObject struct {
	Type        string   `json:"type"`
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Pattern     string   `json:"pattern"`
	PatternType string   `json:"pattern_type"`
	ValidFrom   string   `json:"valid_from"`
	ValidUntil  string   `json:"valid_until"`
	Revoked     bool     `json:"revoked"`
	Confidence  *int     `json:"confidence"`
	Markings    []string `json:"object_marking_refs"`
}

// markings are the ids under which the labels are known (STIX 2.1, 7.2.1.4; for TLP 2.0
// the OASIS common objects, extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d).
var markings = map[string]TLP{
	"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": Clear,
	"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": Green,
	"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": Amber,
	"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": Red,
	"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": Clear,
	"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": Green,
	"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": Amber,
	"marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": AmberStrict,
	"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": Red,
}

func (t *taking) object(raw json.RawMessage) {
	t.report.Read++
	var o stixObject
	if err := json.Unmarshal(raw, &o); err != nil {
		// The id alone may still be readable.
		var named struct{ Type, ID string }
		_ = json.Unmarshal(raw, &named)
		t.skip(named.ID, named.Type, "the object cannot be read: a field is not of the kind the standard gives it")
		return
	}
	if o.Type != "indicator" {
		t.other(o.Type)
		return
	}
	base, err := t.stixBase(o)
	if err != nil {
		t.skip(o.ID, o.Pattern, err.Error())
		return
	}
	found, unmatched := parsePattern(o.Pattern)
	for _, why := range unmatched {
		t.skip(o.ID, o.Pattern, why)
	}
	for _, f := range found {
		in := base
		in.Type, in.Value = f.is, f.value
		in.Exact = f.is == Domain && !t.from.Below
		t.one(o.ID, in)
	}
}

// stixBase is what an indicator says besides its pattern, or why it does not count now.
func (t *taking) stixBase(o stixObject) (Indicator, error) {
	in := Indicator{Ref: o.ID, Why: o.Name, Confidence: t.from.Confidence}
	if in.Why == "" {
		in.Why = o.Description
	}
	switch {
	case o.Revoked:
		return in, errors.New("its author revoked it")
	case o.PatternType != "" && o.PatternType != "stix":
		return in, fmt.Errorf("its pattern is in the language %s", tidy(o.PatternType, 32))
	case len(o.Pattern) > maxPattern:
		return in, fmt.Errorf("its pattern is longer than %d KiB", maxPattern>>10)
	}
	if o.Confidence != nil {
		if *o.Confidence < 0 || *o.Confidence > 100 {
			return in, errors.New("its confidence is not between 0 and 100")
		}
		in.Confidence = uint8(*o.Confidence)
	}
	if o.ValidFrom != "" {
		from, err := time.Parse(time.RFC3339Nano, o.ValidFrom)
		if err != nil {
			return in, errors.New("valid_from is no time")
		}
		if from.After(t.from.Now) {
			return in, fmt.Errorf("it counts from %s only", from.UTC().Format("2 Jan 2006 15:04 MST"))
		}
	}
	if o.ValidUntil != "" {
		until, err := time.Parse(time.RFC3339Nano, o.ValidUntil)
		if err != nil {
			return in, errors.New("valid_until is no time")
		}
		in.Expires = until
	}
	for _, m := range o.Markings {
		in.TLP = max(in.TLP, markings[strings.ToLower(m)])
	}
	return in, nil
}

// What a path of a pattern is matched as. dst_ref and src_ref may lead to an address or
// a name: the value tells.
var stixPaths = map[string][]Type{
	"ipv4-addr:value":               {CIDR},
	"ipv6-addr:value":               {CIDR},
	"domain-name:value":             {Domain},
	"url:value":                     {URL},
	"network-traffic:dst_ref.value": {CIDR, Domain},
	"network-traffic:src_ref.value": {CIDR, Domain},
}

// Where a pattern speaks of the content of a file that is a program.
var stixHashes = []string{"file:hashes.", "process:image_ref.hashes.", "process:binary_ref.hashes."}

// pathTypes says what a path is matched as; nil when it cannot be.
func pathTypes(path string) []Type {
	if types, ok := stixPaths[path]; ok {
		return types
	}
	for _, p := range stixHashes {
		name, ok := strings.CutPrefix(path, p)
		if !ok {
			continue
		}
		switch strings.ToUpper(strings.ReplaceAll(name, "-", "")) {
		case "MD5":
			return []Type{MD5}
		case "SHA1":
			return []Type{SHA1}
		case "SHA256":
			return []Type{SHA256}
		}
	}
	return nil
}

// term is one alternative of a pattern.
type term struct {
	is    Type
	value string
}

// termsOf turns one comparison into what can be matched, or says why it cannot.
func termsOf(path, op string, values []string) ([]term, string) {
	types := pathTypes(path)
	if types == nil {
		return nil, fmt.Sprintf("%s is nothing that can be matched", tidy(path, 96))
	}
	net := slices.Contains(types, CIDR)
	switch {
	case op == "=" || op == "==" || op == "IN":
	case op == "ISSUBSET" && net:
	case op == "LIKE" && !slices.ContainsFunc(values, func(v string) bool { return strings.ContainsAny(v, "%_") }):
	default:
		return nil, fmt.Sprintf("the comparison %s on %s cannot be matched", op, tidy(path, 96))
	}
	var terms []term
	for _, v := range values {
		is := types[0]
		if _, err := prefixOf(v); net && err != nil && len(types) > 1 {
			is = types[1]
		}
		terms = append(terms, term{is, v})
	}
	return terms, ""
}
