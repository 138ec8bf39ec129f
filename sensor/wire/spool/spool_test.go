package spool_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tocsin-ir/tocsin/sensor/wire/spool"
)

func open(t testing.TB, o spool.Options) *spool.Spool {
	t.Helper()
	s, err := spool.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

const exec, file = 1, 8 // kinds

func put(t testing.TB, s *spool.Spool, lane spool.Lane, kind int, n uint64, text string) {
	t.Helper()
	var of spool.Counts
	of[kind] = n
	if err := s.Append(lane, of, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func read(s *spool.Spool, lane spool.Lane) (texts []string, last uint64) {
	for {
		r, ok := s.Next(lane)
		if !ok {
			return texts, last
		}
		texts, last = append(texts, string(r.Payload)), r.Number
	}
}

func TestWhatWasNotTakenIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	s := open(t, spool.Options{Dir: dir})
	for i := range 5 {
		put(t, s, spool.Priority, exec, 2, fmt.Sprint("p", i))
		put(t, s, spool.Bulk, file, 3, fmt.Sprint("b", i))
	}
	r, _ := s.Next(spool.Priority)
	_, _ = s.Next(spool.Priority)
	s.Taken(spool.Priority, r.Number)
	s.Rewind()
	if got, _ := read(s, spool.Priority); fmt.Sprint(got) != "[p1 p2 p3 p4]" {
		t.Error("after the connection broke:", got)
	}
	id := s.ID()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, spool.Options{Dir: dir})
	if s.ID() != id {
		t.Error("the spool has another name after a restart")
	}
	st := s.Standing()
	if st.Waiting[exec] != 8 || st.Waiting[file] != 15 || st.Lost.Sum() != 0 {
		t.Errorf("after a restart: %+v", st)
	}
	got, last := read(s, spool.Priority)
	bulk, lastBulk := read(s, spool.Bulk)
	if fmt.Sprint(got, bulk) != "[p1 p2 p3 p4] [b0 b1 b2 b3 b4]" {
		t.Error("after a restart:", got, bulk)
	}
	s.Taken(spool.Priority, last)
	s.Taken(spool.Bulk, lastBulk)
	if st := s.Standing(); st.Waiting.Sum() != 0 || st.Sent[exec] != 8 || st.Sent[file] != 15 || !st.Oldest.IsZero() {
		t.Errorf("when all was taken: %+v", st)
	}
}

// The agent is killed: nothing was closed. What was written is there, and no number comes twice.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	s := open(t, spool.Options{Dir: dir})
	put(t, s, spool.Priority, exec, 1, "one")
	put(t, s, spool.Priority, exec, 1, "two")
	before, _ := s.Next(spool.Priority)
	again := open(t, spool.Options{Dir: dir})
	got, last := read(again, spool.Priority)
	if fmt.Sprint(got) != "[one two]" || last != before.Number+1 {
		t.Error(got, last)
	}
	put(t, again, spool.Priority, exec, 1, "three")
	if r, _ := again.Next(spool.Priority); r.Number <= last+1 {
		t.Errorf("number %d may have been used before the power went", r.Number)
	}
}

func TestBulkGivesWayAndEveryLossIsCounted(t *testing.T) {
	s := open(t, spool.Options{Dir: t.TempDir(), Limit: 64 << 10, Segment: 8 << 10})
	text := string(bytes.Repeat([]byte("x"), 1000))
	var wroteExec, wroteFile uint64
	for range 50 {
		put(t, s, spool.Bulk, file, 7, text)
		wroteFile += 7
	}
	for range 58 { // more than both lanes together have room for
		put(t, s, spool.Priority, exec, 3, text)
		wroteExec += 3
	}
	st := s.Standing()
	if st.Lost[exec] != 0 || st.Waiting[exec] != wroteExec {
		t.Errorf("the priority lane lost something while there was bulk: %+v", st)
	}
	if st.Waiting[file]+st.Lost[file] != wroteFile || st.Lost[file] == 0 {
		t.Errorf("bulk: %d wait, %d are lost, %d were written", st.Waiting[file], st.Lost[file], wroteFile)
	}
	var of spool.Counts
	of[file] = 7
	for range 3 {
		if err := s.Append(spool.Bulk, of, []byte(text)); err == nil {
			wroteFile += 7
			continue
		}
		wroteFile += 7 // refused is lost, and counted
	}
	for range 40 { // and now the oldest of the priority lane go
		put(t, s, spool.Priority, exec, 3, text)
		wroteExec += 3
	}
	st = s.Standing()
	if st.Waiting[exec]+st.Lost[exec] != wroteExec || st.Lost[exec] == 0 || st.Waiting[file]+st.Lost[file] != wroteFile || st.Bytes > 64<<10 {
		t.Errorf("%+v, wrote %d and %d", st, wroteExec, wroteFile)
	}
	r, _ := s.Next(spool.Priority)
	if r.LostBefore != st.Lost[exec] {
		t.Errorf("%d were lost before it, and it says %d", st.Lost[exec], r.LostBefore)
	}
}

func TestWhatWasUnderWayWhenItWasGivenUpIsNotLost(t *testing.T) {
	s := open(t, spool.Options{Dir: t.TempDir(), Limit: 16 << 10, Segment: 4 << 10})
	text := string(bytes.Repeat([]byte("x"), 1000))
	put(t, s, spool.Priority, exec, 1, text)
	r, _ := s.Next(spool.Priority)
	for range 40 {
		put(t, s, spool.Priority, exec, 1, text)
	}
	lost := s.Standing().Lost[exec]
	s.Taken(spool.Priority, r.Number)
	if st := s.Standing(); st.Lost[exec] != lost-1 || st.Sent[exec] != 1 || st.Sent[exec]+st.Lost[exec]+st.Waiting[exec] != 41 {
		t.Errorf("%+v; %d were lost before", st, lost)
	}
}

// Somebody writes into the files: what cannot be read is counted, the rest is read.
func TestDamaged(t *testing.T) {
	for name, harm := range map[string]func(b []byte) []byte{
		"a byte is another":    func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"the end is torn off":  func(b []byte) []byte { return b[:len(b)-3] },
		"a length is too long": func(b []byte) []byte { b[0] = 0xff; return b },
		"something follows":    func(b []byte) []byte { return append(b, "and more"...) },
		"it is empty":          func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, spool.Options{Dir: dir, Limit: 1 << 20, Segment: 4 << 10})
			for i := range 6 {
				put(t, s, spool.Priority, exec, 1, fmt.Sprintf("%d%s", i, bytes.Repeat([]byte("x"), 1500)))
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			files, _ := filepath.Glob(filepath.Join(dir, "p-*"))
			b, err := os.ReadFile(files[1])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(files[1], harm(b), 0o600); err != nil {
				t.Fatal(err)
			}
			s = open(t, spool.Options{Dir: dir})
			got, _ := read(s, spool.Priority)
			if len(got) < 4 || got[0][0] != '0' || got[len(got)-1][0] != '5' {
				t.Errorf("%d records can be read", len(got))
			}
			if st := s.Standing(); st.Unreadable == 0 && len(got) < 6 && name != "it is empty" {
				t.Errorf("%+v", st)
			}
			put(t, s, spool.Priority, exec, 1, "after")
			if got, _ := read(s, spool.Priority); fmt.Sprint(got) != "[after]" {
				t.Error("what came after:", got)
			}
		})
	}
}

func TestAFileIsHarmedWhileItIsRead(t *testing.T) {
	dir := t.TempDir()
	s := open(t, spool.Options{Dir: dir})
	for range 4 {
		put(t, s, spool.Priority, exec, 5, "some text")
	}
	first, _ := s.Next(spool.Priority)
	files, _ := filepath.Glob(filepath.Join(dir, "p-*"))
	if err := os.Truncate(files[0], 60); err != nil {
		t.Fatal(err)
	}
	if r, ok := s.Next(spool.Priority); ok {
		t.Errorf("read %+v out of nothing", r)
	}
	put(t, s, spool.Priority, exec, 5, "after")
	r, ok := s.Next(spool.Priority)
	if !ok || string(r.Payload) != "after" || r.LostBefore != 15 {
		t.Errorf("%+v %v", r, ok)
	}
	s.Taken(spool.Priority, r.Number)
	if st := s.Standing(); st.Sent[exec] != 10 || st.Lost[exec] != 15 || st.Waiting[exec] != 0 {
		t.Errorf("%+v; the first was %d", st, first.Number)
	}
}

// The disk is full: bulk goes, the priority lane is kept, and nothing is half written.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		skip(t, "a small disk takes root")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		skip(t, "mount a small disk: "+err.Error())
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	s := open(t, spool.Options{Dir: filepath.Join(dir, "spool"), Limit: 64 << 20, Segment: 16 << 10})
	text := string(bytes.Repeat([]byte("x"), 3000))
	var files, execs uint64
	for range 200 {
		var of spool.Counts
		of[file] = 1
		_ = s.Append(spool.Bulk, of, []byte(text))
		files++
	}
	for range 20 {
		var of spool.Counts
		of[exec] = 1
		if err := s.Append(spool.Priority, of, []byte(text)); err != nil {
			t.Error("the priority lane found no room:", err)
		}
		execs++
	}
	st := s.Standing()
	if st.Waiting[exec] != execs || st.Waiting[file]+st.Lost[file] != files || st.Lost[file] == 0 {
		t.Errorf("%+v", st)
	}
	got, _ := read(s, spool.Priority)
	if len(got) != int(execs) || st.Unreadable != 0 {
		t.Errorf("%d of %d can be read", len(got), execs)
	}
}

func skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("TOCSIN_TEST_REQUIRE_ALL") == "1" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// Whatever lies in the folder, the spool opens, ends, and takes what is given to it.
func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	s := open(f, spool.Options{Dir: dir})
	put(f, s, spool.Priority, exec, 1, "one")
	put(f, s, spool.Priority, exec, 1, "two")
	_ = s.Close()
	files, _ := filepath.Glob(filepath.Join(dir, "p-*"))
	seg, _ := os.ReadFile(files[0])
	state, _ := os.ReadFile(filepath.Join(dir, "state.json"))
	f.Add(seg, state)
	f.Add([]byte{}, []byte("{}"))
	f.Add(seg[:20], []byte(`{"done":[18446744073709551615,0]}`))
	f.Fuzz(func(t *testing.T, seg, state []byte) {
		dir := t.TempDir()
		for name, b := range map[string][]byte{"p-0000000000000001.seg": seg, "b-zz.seg": seg, "state.json": state} {
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, err := spool.Open(spool.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		_, _ = read(s, spool.Priority)
		_, _ = read(s, spool.Bulk)
		var of spool.Counts
		of[exec] = 1
		if err := s.Append(spool.Priority, of, []byte("new")); err != nil {
			t.Fatal(err)
		}
		if got, _ := read(s, spool.Priority); len(got) != 1 || got[0] != "new" {
			t.Errorf("read %q", got)
		}
	})
}

func BenchmarkAppendAndTake(b *testing.B) {
	s := open(b, spool.Options{Dir: b.TempDir()})
	var of spool.Counts
	of[exec] = 10
	payload := bytes.Repeat([]byte("x"), 8<<10)
	b.SetBytes(int64(len(payload)))
	for b.Loop() {
		if err := s.Append(spool.Priority, of, payload); err != nil {
			b.Fatal(err)
		}
		r, _ := s.Next(spool.Priority)
		s.Taken(spool.Priority, r.Number)
	}
}
