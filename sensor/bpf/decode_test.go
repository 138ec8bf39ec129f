package bpf

import (
	"errors"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

func raw[T record](v T, text string) []byte {
	size := int(unsafe.Sizeof(v))
	b := make([]byte, size, size+len(text))
	copy(b, unsafe.Slice((*byte)(unsafe.Pointer(&v)), size))
	return append(b, text...)
}

func head(k event.Kind) eyesHead {
	return eyesHead{Kind: uint8(k), Tgid: 7, Seq: 1, Comm: [16]byte{'x'}}
}

func TestDecodeRefusesWhatDoesNotAddUp(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing":                       nil,
		"half a head":                   make([]byte, 40),
		"no kind":                       raw(eyesHead{}, ""),
		"a kind that there is not":      raw(eyesHead{Kind: 200}, ""),
		"a time before the host began":  raw(eyesHead{Kind: 2, At: 1 << 63}, ""),
		"an exec without its part":      raw(head(event.Exec), ""),
		"a path longer than the record": raw(eyesExec{Head: head(event.Exec), Exe: 10}, "/bin"),
		"arguments beyond the end":      raw(eyesExec{Head: head(event.Exec), Exe: 4, Args: 4096}, "/bin"),
		"DNS longer than its room":      raw(eyesDns{Head: head(event.DNS), Bytes: 5000}, ""),
		"a second path beyond the end":  raw(eyesFileOp{Head: head(event.File), Path: 4, To: 1}, "/bin"),
	} {
		if _, err := Decode(b, time.Time{}); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDecodeExec(t *testing.T) {
	e, err := Decode(raw(eyesExec{Head: head(event.Exec), Exe: 9, Asked: 3, Args: 7, Dir: 2, ArgsLen: 7}, "/bin/cat\x00./\x00a\x00\x00b c\x00/\x00"), time.Unix(100, 0))
	if err != nil {
		t.Fatal(err)
	}
	if p := e.Process; p.Exe != "/bin/cat" || p.Dir != "/" || len(p.Args) != 3 || p.Args[1] != "" || p.Args[2] != "b c" || e.Exec.Asked != "./" {
		t.Errorf("%+v %+v", e.Process, e.Exec)
	}
}

// Port 53 with something else on it is told without a name.
func TestDNSThatIsNone(t *testing.T) {
	x := eyesDns{Head: head(event.DNS), Bytes: 4, Family: 4, Port: 53}
	copy(x.Message[:], "GET ")
	e, err := Decode(raw(x, ""), time.Time{})
	if err != nil || e.DNS == nil || e.DNS.Name != "" {
		t.Errorf("%+v %v", e.DNS, err)
	}
}

func FuzzDecode(f *testing.F) {
	q := dnsmessage.Message{Header: dnsmessage.Header{Response: true}, Questions: []dnsmessage.Question{{
		Name: dnsmessage.MustNewName("a.example."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
	packed, err := q.Pack()
	if err != nil {
		f.Fatal(err)
	}
	d := eyesDns{Head: head(event.DNS), Bytes: uint32(len(packed))}
	copy(d.Message[:], packed)
	d.Head.Flags = flagAnswer
	f.Add(raw(d, ""))
	f.Add(raw(eyesExec{Head: head(event.Exec), Exe: 5, Asked: 2, Args: 4, Dir: 2}, "/bin\x00x\x00a\x00b\x00/\x00"))
	f.Add(raw(eyesExit{Head: head(event.Exit), Code: 0x700}, ""))
	f.Add(raw(eyesNet{Head: head(event.Connect), Family: 6, Proto: 6}, ""))
	f.Add(raw(eyesFileOp{Head: head(event.File), Path: 5, To: 5}, "/a/b\x00/c/d\x00"))
	f.Add(raw(eyesPriv{Head: head(event.Privilege)}, ""))
	f.Add(raw(eyesCall{Head: head(event.MemWrite), Name: 3}, "12\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Decode(b, time.Unix(0, 0))
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("%v", err)
			}
			return
		}
		parts := 0
		for _, is := range []bool{e.Exec != nil, e.Exit != nil, e.Net != nil, e.DNS != nil, e.File != nil, e.Priv != nil, e.Sys != nil} {
			if is {
				parts++
			}
		}
		if parts != 1 || e.Kind == event.Unknown {
			t.Fatalf("%s with %d parts", e.Kind, parts)
		}
		n := len(e.Process.Exe) + len(e.Process.Dir)
		for _, a := range e.Process.Args {
			n += len(a)
		}
		if n > len(b) {
			t.Fatalf("%d bytes of text out of a record of %d", n, len(b))
		}
	})
}

func BenchmarkDecodeExec(b *testing.B) {
	exe, asked, args, dir := "/usr/bin/tool\x00", "./tool\x00", "tool\x00--alpha\x00beta\x00gamma=delta\x00", "/root\x00"
	rec := raw(eyesExec{Head: head(event.Exec), Exe: uint16(len(exe)), Asked: uint16(len(asked)), Args: uint16(len(args)), Dir: uint16(len(dir))},
		exe+asked+args+dir)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(rec, time.Unix(0, 0)); err != nil {
			b.Fatal(err)
		}
	}
}
