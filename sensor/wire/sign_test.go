package wire_test

import (
	"crypto/ed25519"
	"errors"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/tocsin-ir/tocsin/sensor/wire"
)

func TestASetIsBelievedOnlyAsItWasSigned(t *testing.T) {
	pub, key, _ := ed25519.GenerateKey(nil)
	other, _, _ := ed25519.GenerateKey(nil)
	fresh := func() *wire.Update { return wire.SignSet(key, "acme", "intel", 7, []byte("198.51.100.7")) }
	for name, c := range map[string]struct {
		key    ed25519.PublicKey
		at     string
		above  uint64
		change func(*wire.Update)
		want   error
	}{
		"as it was signed":      {key: pub, at: "acme", above: 6},
		"by somebody else":      {key: other, at: "acme", want: wire.ErrSetForged},
		"for another workspace": {key: pub, at: "umbrella", want: wire.ErrSetForged},
		"as another kind":       {key: pub, at: "acme", change: func(u *wire.Update) { u.Kind = "sigma" }, want: wire.ErrSetForged},
		"with another number":   {key: pub, at: "acme", change: func(u *wire.Update) { u.Version = 8 }, want: wire.ErrSetForged},
		"with another body":     {key: pub, at: "acme", change: func(u *wire.Update) { u.Body = []byte("192.0.2.1") }, want: wire.ErrSetBody},
		"once more":             {key: pub, at: "acme", above: 7, want: wire.ErrSetOld},
		"an older one":          {key: pub, at: "acme", above: 9, want: wire.ErrSetOld},
		"with no key pinned":    {at: "acme", want: wire.ErrSetForged},
	} {
		u := fresh()
		if c.change != nil {
			c.change(u)
		}
		if err := wire.VerifySet(c.key, c.at, c.above, u); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// A newer server says more than this one knows, and in places that this one knows nothing of.
func TestWhatIsNotKnownIsPassedOver(t *testing.T) {
	b, err := proto.Marshal(&wire.Question{Id: 3, What: wire.AskConns})
	if err != nil {
		t.Fatal(err)
	}
	b = protowire.AppendTag(b, 1234, protowire.BytesType)
	b = protowire.AppendBytes(b, []byte("of tomorrow"))
	var q wire.Question
	if err := proto.Unmarshal(b, &q); err != nil || q.GetId() != 3 || q.GetWhat() != wire.AskConns {
		t.Errorf("%v %v", &q, err)
	}
	// A message of a kind that is not known has nothing in it, and is no error.
	tomorrow := protowire.AppendTag(nil, 99, protowire.BytesType)
	tomorrow = protowire.AppendBytes(tomorrow, []byte("a new kind"))
	var down wire.Down
	if err := proto.Unmarshal(tomorrow, &down); err != nil || down.GetWhat() != nil {
		t.Errorf("%v %v", &down, err)
	}
}
