package audit

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

// term is a key and the time it signed in, unix milliseconds.
type term struct {
	Key
	until int64
}

func (v *verifying) key(b []byte) {
	k, ok := as[keyLine](v, b)
	if !ok {
		return
	}
	if v.keysRead {
		v.wrong("the keys stand before the streams")
		return
	}
	before := Key{}
	if n := len(v.keys); n > 0 {
		before = v.keys[n-1]
	}
	said := k.statement(v.Workspace, before)
	switch {
	case !verified(k.Public, k.BySelf, said) || !isKeyID(k.Key):
		v.wrong("key %s does not sign for itself, or was changed", k.ID)
	case k.Prev != before.ID || k.At < before.At:
		v.wrong("key %s does not follow the key before it", k.ID)
	case k.ByPrev != "" && !verified(before.Public, k.ByPrev, said):
		v.wrong("key %s is not signed by the key before it", k.ID)
	case slices.ContainsFunc(v.keys, func(o Key) bool { return o.ID == k.ID }):
		v.wrong("key %s is here twice", k.ID)
	default:
		v.keys = append(v.keys, k.Key)
	}
}

func isKeyID(k Key) bool {
	public, err := hex.DecodeString(k.Public)
	return err == nil && k.ID == KeyID(public)
}

// trust believes the reader's key, those before it, for each key signs itself together
// with the one before, and those after it as long as each is signed by the one before.
// A key that took over from one that was lost is not: to believe it the reader must
// have it, or a later one, from somebody.
func (v *verifying) trust() {
	if v.keysRead {
		return
	}
	v.keysRead = true
	end := 1 + slices.IndexFunc(v.keys, func(k Key) bool { return k.Public == v.public })
	if end == 0 {
		v.problem(0, "the public key that was given is not among the %s of the export, so nobody vouches for what is signed here", count(int64(len(v.keys)), "key"))
		return
	}
	for end < len(v.keys) && v.keys[end].ByPrev != "" {
		end++
	}
	if end < len(v.keys) {
		v.problem(0, "key %s is not signed by the one before it, so the key that was given does not vouch for it", v.keys[end].ID)
	}
	for i, k := range v.keys[:end] {
		until := int64(math.MaxInt64)
		if i+1 < len(v.keys) {
			until = v.keys[i+1].At
		}
		v.terms[k.ID] = term{k, until}
	}
}

// anchored compares the export with heads that were kept elsewhere.
func (v *verifying) anchored() {
	for i, h := range v.anchor {
		t, known := v.terms[h.Key]
		if !known || !verified(t.Public, h.Signature, h.statement(v.Workspace)) {
			v.problem(0, "head %d of the anchor file, of %s, is not signed by a key of this export", i+1, h.Stream)
			continue
		}
		if !slices.Contains(v.header.streams(), h.Stream) {
			if v.header.All {
				v.problem(0, "%s has a head in the anchor file and is gone from the record", h.Stream)
			}
			continue
		}
		switch have, ok := v.hashes[place{h.Stream, h.Seq}]; {
		case !ok:
			v.problem(0, "%s is cut: line %d has a head in the anchor file and is not here", h.Stream, h.Seq)
		case have != h.Hash:
			v.problem(0, "line %d of %s is not the one that the anchor file speaks of: the record was rewritten", h.Seq, h.Stream)
		}
	}
}

// WriteAnchor writes heads as they stand in an export, to be kept elsewhere.
func WriteAnchor(w io.Writer, heads []Head) error {
	for _, h := range heads {
		b, err := encode(headLine{"head", h})
		if err == nil {
			_, err = w.Write(b)
		}
		if err != nil {
			return fmt.Errorf("anchor heads: %w", err)
		}
	}
	return nil
}

// ReadAnchor reads what WriteAnchor wrote. A last line without its end is passed
// over: the machine stopped while it was written.
func ReadAnchor(r io.Reader) ([]Head, error) {
	var out []Head
	lines := bufio.NewReaderSize(r, 1<<16)
	for n := 1; ; n++ {
		b, err := readLine(lines)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		var h headLine
		if err == nil {
			err = json.Unmarshal(b, &h)
		}
		if err == nil && h.Type != "head" {
			err = errors.New("it is not a head")
		}
		if err != nil {
			return nil, fmt.Errorf("read line %d of the anchor file: %w", n, err)
		}
		out = append(out, h.Head)
	}
}
