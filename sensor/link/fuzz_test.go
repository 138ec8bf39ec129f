package link

import (
	"context"
	"crypto/ed25519"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/tocsin-ir/tocsin/sensor/memory"
	"github.com/tocsin-ir/tocsin/sensor/wire"
	"github.com/tocsin-ir/tocsin/sensor/wire/spool"
)

// Whatever a server says, the agent stays up, installs nothing that is not signed, and obeys nothing.
func FuzzWhatAServerSays(f *testing.F) {
	pub, key, _ := ed25519.GenerateKey(nil)
	for _, down := range []*wire.Down{
		{What: &wire.Down_Welcome{Welcome: &wire.Welcome{Window: 1 << 30, ClockMs: -1 << 62, Settings: &wire.Settings{Profile: "loud", Forward: []string{"exec", "of tomorrow"}}}}},
		{What: &wire.Down_Taken{Taken: &wire.Taken{Number: 1 << 63}}},
		{What: &wire.Down_Order{Order: &wire.Order{Envelope: []byte("TSD1"), Slow: true}}},
		{What: &wire.Down_Question{Question: &wire.Question{Id: 1, What: wire.AskHunt, Kind: wire.HuntIP, Subject: "::/0", Most: -1}}},
		{What: &wire.Down_Question{Question: &wire.Question{Id: 2, What: wire.AskTail, ToMs: time.Now().Add(time.Minute).UnixMilli()}}},
		{What: &wire.Down_Question{Question: &wire.Question{Id: 3, What: wire.AskTimeline, FromMs: 1 << 62, ToMs: -1 << 62, Kinds: []string{""}}}},
		{What: &wire.Down_Enough{Enough: &wire.Enough{Id: 2}}},
		{What: &wire.Down_Update{Update: wire.SignSet(key, "umbrella", "intel", 1, []byte("x"))}},
		{What: &wire.Down_Update{Update: &wire.Update{Kind: "intel", Version: 2, Base: []byte("x"), Size: 1}}},
		{What: &wire.Down_Part{Part: &wire.Part{Part: []byte("x")}}},
		{What: &wire.Down_Ping{Ping: &wire.Ping{SentUs: 1}}},
	} {
		b, err := proto.Marshal(down)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	sp, err := spool.Open(spool.Options{Dir: f.TempDir()})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = sp.Close() })
	f.Fuzz(func(t *testing.T, b []byte) {
		var down wire.Down
		if proto.Unmarshal(b, &down) != nil {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		l, err := New(Config{Dir: t.TempDir(), Identity: &Identity{Workspace: "acme", Pinned: pub}, Spool: sp, Memory: memory.New(memory.Options{Proc: t.TempDir(), Root: t.TempDir()}),
			Install: map[string]func([]byte) error{"intel": func([]byte) error { t.Error("installed"); return nil }},
			Change:  map[string]func([]byte) ([]byte, error){"intel": func(b []byte) ([]byte, error) { t.Error("tried"); return b, nil }}})
		if err != nil {
			t.Fatal(err)
		}
		c := &talk{Link: l, out: make(chan *wire.Up, 64), orders: make(chan *wire.Order, 1), slow: make(chan struct{}, 2), news: make(chan *wire.Update, 16), window: 1,
			answered: map[uint64]context.CancelFunc{}, room: make(chan struct{}, 1), changed: make(chan struct{}, 1)}
		for range 3 {
			if err := c.hear(ctx, &down); err != nil {
				t.Error(err)
			}
		}
		select {
		case o := <-c.orders:
			if d := c.do(ctx, o).GetDone(); d.GetRefused() == nil {
				t.Errorf("%+v", d)
			}
		default:
		}
		for len(c.news) > 0 {
			if got := c.install(<-c.news, true); got.GetTrouble() == "" {
				t.Errorf("%+v", got)
			}
		}
	})
}

// Whoever writes into the folder of the identity gets an error out of it, or a whole identity.
func FuzzIdentity(f *testing.F) {
	dir := f.TempDir()
	_, key, _ := ed25519.GenerateKey(nil)
	id := &Identity{Server: "x:1", Agent: "a", Pinned: make([]byte, 32), Certificate: []byte{1}, Key: key}
	if err := id.save(dir); err != nil {
		f.Fatal(err)
	}
	a, _ := readBounded(dir + "/" + identityName)
	b, _ := readBounded(dir + "/" + certName)
	f.Add(a, b)
	f.Add([]byte("{}"), []byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		dir := t.TempDir()
		if replace(dir+"/"+identityName, a) != nil || replace(dir+"/"+certName, b) != nil {
			t.Fatal("write")
		}
		if got, err := Load(dir); err == nil && (len(got.Key) != ed25519.PrivateKeySize || len(got.Pinned) != ed25519.PublicKeySize) {
			t.Errorf("%+v", got)
		}
	})
}
