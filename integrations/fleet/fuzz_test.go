package fleet_test

import (
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/tocsin-ir/tocsin/integrations/fleet"
	"github.com/tocsin-ir/tocsin/integrations/fleet/fleettest"
	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// Whatever a host says, the server stays up, stays within bounds, and believes it about itself only.
func FuzzWhatAHostSays(f *testing.F) {
	for _, up := range []*wire.Up{
		{What: &wire.Up_Hello{Hello: &wire.Hello{Host: "web-3", Sets: []*wire.Installed{{Kind: "intel", Version: 1}}, Kinds: []string{"host.isolate"}}}},
		{What: &wire.Up_Batch{Batch: &wire.Batch{Priority: true, Number: 1, Events: [][]byte{[]byte(`{"kind":"exec","host":"web-3","rule":"r","process":{"exe":"/bin/sh"}}`)}}}},
		{What: &wire.Up_Done{Done: &wire.Done{Envelope: make([]byte, 32), Receipt: []byte("{}")}}},
		{What: &wire.Up_Answer{Answer: &wire.Answer{Id: 1, Rows: [][]byte{[]byte("{}")}, Last: true}}},
		{What: &wire.Up_Pong{Pong: &wire.Pong{SentUs: 1, CameUs: -1 << 62, WentUs: 1 << 62}}},
		{What: &wire.Up_Health{Health: []byte(`{"kinds":{"exec":{"seen":1}},"trouble":["x"]}`)}},
		{What: &wire.Up_Notice{Notice: []byte(`{"say":"x"}`)}},
		{What: &wire.Up_Installed{Installed: &wire.Installed{Kind: "sigma"}}},
	} {
		b, err := proto.Marshal(up)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	book := fleettest.NewBook()
	a, other := fleet.Agent{ID: "a", Host: "web-3", Machine: machine("web-3")}, fleet.Agent{ID: "b", Host: "db-1", Machine: machine("db-1")}
	book.Agented["a"], book.Agented["b"] = a, other
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := fleet.New(t.Context(), fleet.Config{Workspace: "acme", Book: book, Directives: orderKey, Authority: authorityKey, Names: []string{"x"}})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			s.Hear(t.Context(), a, b)
		}
		h, _ := s.Host("web-3")
		if text, err := json.Marshal(h); err != nil || !utf8.Valid(text) || len(h.Trouble) > 32 || len(h.Sets) > 8 || len(h.Notices) > 20 {
			t.Errorf("%+v %v", h, err)
		}
		if db, _ := s.Host("db-1"); db.Received != (fleet.Received{}) || !db.Seen.Equal(time.Time{}) {
			t.Errorf("it spoke of another host: %+v", db)
		}
	})
}
