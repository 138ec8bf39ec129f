package intel

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// jsonWalk goes through JSON that may be larger than memory, without building it: the
// members of the outer objects are walked, and what a caller wants is decoded piece by
// piece.
type jsonWalk struct {
	dec   *json.Decoder
	in    *bounded
	depth int
}

const maxDepth = 16 // of what is walked; encoding/json bounds what is decoded

func walkJSON(r io.Reader, most, piece int64) *jsonWalk {
	in := bound(r, most, piece)
	return &jsonWalk{dec: json.NewDecoder(in), in: in}
}

var errShape = errors.New("the JSON does not have the shape of this kind of feed")

// members calls for each member of the object that comes next. The call consumes the value.
func (w *jsonWalk) members(each func(name string) error) error {
	return w.inside('{', func() error {
		tok, err := w.dec.Token()
		if err != nil {
			return err
		}
		name, ok := tok.(string)
		if !ok {
			return errShape
		}
		return each(name)
	})
}

// items calls for each item of the array that comes next. The call consumes the item.
func (w *jsonWalk) items(each func() error) error { return w.inside('[', each) }

func (w *jsonWalk) inside(open json.Delim, each func() error) error {
	if w.depth++; w.depth > maxDepth {
		return errShape
	}
	tok, err := w.dec.Token()
	if err != nil {
		return err
	}
	if tok != open {
		return errShape
	}
	for w.dec.More() {
		w.in.next()
		if err := each(); err != nil {
			return err
		}
	}
	w.depth--
	_, err = w.dec.Token()
	return err
}

// pass reads over a value.
func (w *jsonWalk) pass() error {
	var raw json.RawMessage
	return w.dec.Decode(&raw)
}

// end wants nothing more to come.
func (w *jsonWalk) end() error {
	if _, err := w.dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the end of the JSON")
	}
	return nil
}

// jsonError names the step and hides nothing: the text of encoding/json holds offsets
// and single characters, no content worth hiding.
func jsonError(what string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("read %s: it ends too early: %w", what, io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("read %s: %w", what, err)
}
