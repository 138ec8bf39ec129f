package baseline

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

func TestAProfileComesBackInPlaceOfWhatIsThere(t *testing.T) {
	b := forty(t)
	web3 := Scope{Host, "web-3"}
	raw, err := b.Export(web3)
	if err != nil {
		t.Fatal(err)
	}
	want, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	same := func(what string) {
		t.Helper()
		if got, err := b.Encode(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: it is another Book: %v", what, err)
		}
	}
	b.Observe(started("web-3", "/bin/sh", "/usr/bin/nc"), Where{Host: "web-3", Groups: []string{"web", "all"}}, monday.Add(20*day))
	if err := b.ForgetAll(web3); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.Import(raw); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.ForgetAll(Scope{Group, "web"}); err != nil { // it had learned of nc too
		t.Fatal(err)
	}
	if err := b.ForgetAll(Scope{Group, "all"}); err != nil {
		t.Fatal(err)
	}
	if want, err = b.Encode(); err != nil {
		t.Fatal(err)
	}
	for name, broken := range map[string]string{
		"no scope":      `{}`,
		"an odd thing":  `{"scope":"host/web-3","began":"2026-11-02T08:00:00Z","things":[{"facet":"program","value":"/bin/a"},{"facet":"program","value":"/bin/a"}]}`,
		"another field": `{"scope":"host/web-3","colour":"red"}`,
		"two":           string(raw) + string(raw),
	} {
		if b.Import([]byte(broken)) == nil {
			t.Errorf("%s was taken", name)
		}
		same(name)
	}
}

func TestAProfileIsRead(t *testing.T) {
	b := book(t, Rules{})
	web3, at := Scope{Host, "web-3"}, monday.Add(time.Hour)
	b.Observe(started("web-3", "/usr/sbin/nginx", "/usr/sbin/nginx"), Where{Host: "web-3"}, monday)
	p, err := b.Profile(web3, at)
	if err != nil || !p.Learns.Equal(monday.Add(14*day)) || !p.Frozen.IsZero() || len(p.Things) != 3 || !p.Things[0].Usual {
		t.Fatalf("%+v, %v", p, err)
	}
	if err := b.Freeze(web3, at); err != nil {
		t.Fatal(err)
	}
	b.Observe(started("web-3", "/usr/sbin/nginx", "/bin/sh"), Where{Host: "web-3"}, at)
	p, err = b.Profile(web3, at)
	if err != nil || !p.Learns.IsZero() || p.Frozen.IsZero() || len(p.Things) != 5 || p.Things[0].Usual || p.Things[0].Value != "/bin/sh" {
		t.Fatalf("what is new does not come first: %+v, %v", p, err)
	}
	if _, err := b.Profile(Scope{Host, "web-4"}, at); !errors.Is(err, ErrNoScope) {
		t.Error(err)
	}
}

func FuzzImport(f *testing.F) {
	f.Add([]byte(`{"scope":"host/web-3","began":"2026-11-02T08:00:00Z","last_day":20000,"things":[{"facet":"program","value":"/bin/sh","first_day":1,"last_day":2,"days":1,"count":1,"weight":65536}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b := book(t, Rules{})
		b.Observe(started("web-3", "/usr/sbin/nginx", "/usr/sbin/nginx"), Where{Host: "web-3", Groups: []string{"web"}}, monday)
		before, _ := b.Encode()
		if b.Import(raw) != nil {
			if after, _ := b.Encode(); !bytes.Equal(before, after) {
				t.Fatal("refused, and the Book is another")
			}
		}
	})
}
