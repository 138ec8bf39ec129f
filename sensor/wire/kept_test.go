package wire_test

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// What is kept is the message that is sent, whoever reads or wrote it.
func TestASetIsKeptAsItIsSent(t *testing.T) {
	u := &wire.Update{Kind: "intel", Version: 1 << 60, Body: bytes.Repeat([]byte("x"), 1000), Sha256: []byte{1, 2}, Signature: []byte{3}}
	parts, err := wire.Kept(u)
	if err != nil {
		t.Fatal(err)
	}
	var as wire.Update
	if err := proto.Unmarshal(bytes.Join(parts, nil), &as); err != nil || !proto.Equal(u, &as) {
		t.Error(err, &as)
	}
	earlier, err := proto.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := wire.ReadKept(earlier); err != nil || !proto.Equal(u, got) {
		t.Error(err, got)
	}
}

// A file that somebody wrote into is an error, or what protobuf reads in it.
func FuzzReadKept(f *testing.F) {
	parts, _ := wire.Kept(&wire.Update{Kind: "intel", Version: 7, Body: []byte("body"), Sha256: []byte{1}})
	f.Add(bytes.Join(parts, nil))
	f.Add([]byte{0x1a, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := wire.ReadKept(b)
		var as wire.Update
		if other := proto.Unmarshal(b, &as); (other == nil) != (err == nil) {
			t.Fatalf("%v, and protobuf says %v", err, other)
		} else if err == nil && !proto.Equal(&as, got) && !bytes.Equal(as.GetBody(), got.GetBody()) {
			t.Fatalf("%v, and protobuf says %v", got, &as)
		}
	})
}
