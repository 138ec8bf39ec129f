package incident

import "testing"

// Stored bytes that somebody damaged are an error, never a panic, and what decodes
// encodes again.
func FuzzDecodeEvent(f *testing.F) {
	for kind := range eventBook.byKind {
		f.Add(kind, 1, `{}`)
	}
	f.Add("declared", 1, `{"id":"INC-0042","title":{"ref":"ab"},"severity":1,"type":"x","codename":"y","plan":"z"}`)
	f.Add("kept", 1, `{"text":{"ref":5}}`)
	f.Fuzz(func(t *testing.T, kind string, v int, data string) {
		e, err := DecodeEvent(kind, v, []byte(data))
		if err != nil {
			return
		}
		if _, _, _, err := EncodeEvent(e); err != nil {
			t.Fatalf("%T decoded but does not encode: %v", e, err)
		}
		_ = Apply(State{}, Recorded{Stream: "INC-0042", Seq: 1, Event: e})
	})
}
