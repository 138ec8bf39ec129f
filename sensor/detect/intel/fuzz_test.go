package intel

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// reading runs a Reader on anything: it ends, what it takes is clean and stays what it
// is, goes into a Set, and can be shown in one line.
func reading(f *testing.F, how Reader) {
	f.Fuzz(func(t *testing.T, text []byte) {
		var b Builder
		report, err := how(bytes.NewReader(text), feed, func(in Indicator) error {
			again, err := in.Clean()
			if err != nil || again != in {
				t.Fatalf("not clean: %+v, then %+v, %v", in, again, err)
			}
			if strings.ContainsAny(in.Value+in.Why+in.Source+in.Ref, "\n\r\x1b") || !utf8.ValidString(in.Value+in.Why) {
				t.Fatalf("cannot be shown: %+v", in)
			}
			return b.Add(in)
		})
		if err == nil && report.Taken > 0 && b.Len() != report.Taken {
			t.Fatalf("%d taken, %d counted", b.Len(), report.Taken)
		}
		s := b.Set()
		if back, err := Decode(s.Encode(nil)); err != nil || back.Digest() != s.Digest() {
			t.Fatalf("what was read does not come back: %v", err)
		}
	})
}

func FuzzList(f *testing.F) {
	f.Add([]byte("evil[.]com\n198.51.100.0/24 # x\nhxxp://a.example/%61?b#c\n0.0.0.0 a.example"))
	f.Add([]byte("<http://evil.com|evil.com>\r\n*.büch.example\n[2001:db8::1]:443"))
	reading(f, List)
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("value,type,confidence,expires,tlp,why,ref,scope\nevil.example,domain,5,2030-01-01,red,\"a,b\",1,below\n"))
	f.Add([]byte("# sha256;dst_ip\n\"ab;198.51.100.7:80"))
	reading(f, CSV)
}

func FuzzMISP(f *testing.F) {
	f.Add([]byte(`{"Event":{"info":"x","Attribute":[{"uuid":"u","type":"domain|ip","value":"a.example|198.51.100.7","to_ids":1,"Tag":[{"name":"tlp:red"}]}],"Object":[{"Attribute":[]}]}}`))
	f.Add([]byte(`{"response":[[{"Event":{}}]]}`))
	reading(f, MISP)
}

func FuzzSTIX(f *testing.F) {
	f.Add([]byte(`{"type":"bundle","objects":[{"type":"indicator","id":"indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f","pattern":"[ipv4-addr:value = '198.51.100.7' OR file:hashes.'SHA-256' IN ('ab')]","valid_until":"2030-01-01T00:00:00Z","confidence":5}]}`))
	reading(f, STIX)
}

func FuzzPattern(f *testing.F) {
	f.Add("[ipv4-addr:value ISSUBSET '198.51.100.0/24'] OR ([url:value IN ('a','b\\'c')] REPEATS 5 TIMES)")
	f.Add("[file:hashes.'SHA-1' = 'a' AND (file:hashes.MD5 = 'b') OR NOT x:y[*].z != t'2020']")
	f.Fuzz(func(t *testing.T, pattern string) {
		found, why := parsePattern(pattern)
		if len(found) == 0 && len(why) == 0 {
			t.Fatal("a pattern vanished without a reason")
		}
	})
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"5f6dd4c2-8f70-4ab8-9bd7-6c7b0a000001":{"info":"x","timestamp":1700000000}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		events, err := MISPManifest(bytes.NewReader(text))
		for _, e := range events {
			if _, ok := uuid(strings.ToLower(e.UUID)); !ok || err != nil {
				t.Fatalf("%+v, %v", e, err)
			}
		}
	})
}

func FuzzURL(f *testing.F) {
	f.Add("hTTp://u:p@Evil.example:080/%7e/%2F?q=%41#f")
	f.Add("ftp://[2001:DB8::1%25eth0]:21/\\..\\x")
	f.Fuzz(func(t *testing.T, s string) {
		clean, host, ok := appendURL(nil, s, true)
		if !ok {
			return
		}
		again, _, ok := appendURL(nil, string(clean), true)
		if !ok || !bytes.Equal(clean, again) {
			t.Fatalf("%q became %q became %q", s, clean, again)
		}
		if host.from >= host.to || host.to > len(clean) {
			t.Fatalf("the host of %q is at %v", clean, host)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(build(f, watched).Encode(nil))
	f.Add((&Set{}).Encode(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Decode(bytes.Clone(b))
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(s.Encode(nil), b) {
			t.Fatal("two forms of the same Set")
		}
	})
}

func FuzzDecodeDelta(f *testing.F) {
	f.Add(Diff(build(f, watched[:6]), build(f, watched[2:])).Encode(nil))
	base := build(f, watched[:6])
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := DecodeDelta(bytes.Clone(b))
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(d.Encode(nil), b) {
			t.Fatal("two forms of the same change")
		}
		d.From = base.Digest() // and as if it had been made for this one
		_, _ = d.Apply(base)
	})
}

// FuzzMatch asks with hostile names, hashes and arguments.
func FuzzMatch(f *testing.F) {
	s := build(f, watched)
	f.Add("curl http://files.example/x.sh?a=1;id", "a.evil.example")
	f.Fuzz(func(t *testing.T, arg, name string) {
		e := started(arg, name)
		e.Exec.SHA256, e.Exec.MD5 = name, arg
		for _, h := range s.Match(nil, &e, noon) {
			if r := h.Reason(&e); strings.ContainsAny(r, "\n\x1b") || strings.Contains(r, "http://") {
				t.Fatalf("cannot be shown: %q", r)
			}
			if _, err := json.Marshal(h.Indicator()); err != nil {
				t.Fatal(err)
			}
		}
	})
}
