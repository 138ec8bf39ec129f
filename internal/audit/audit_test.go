package audit_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/audit"
)

// The format is a promise to whoever holds an export: this file never changes, and a
// program of today reads it as long as there is Tocsin.
func TestGoldenExport(t *testing.T) {
	t.Parallel()
	p, s := theNight(t)
	got := p.export(t, s, audit.What{})
	path := filepath.Join("testdata", "export-v1.jsonl")
	if os.Getenv("TOCSIN_GENERATE_AUDIT") == "1" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the export is not the one that was promised:\n%s", got)
	}
	if r := verify(t, want, s); !r.OK() {
		t.Errorf("the golden export does not verify:\n%s", problems(r))
	}
}

func TestWholeExport(t *testing.T) {
	t.Parallel()
	p, s := theNight(t)
	for name, what := range map[string]audit.What{"all": {}, "one": {Stream: "INC-0001"}, "without text": {WithoutText: true}} {
		export := p.export(t, s, what)
		// Any key of the chain will do for the reader.
		for _, trusted := range []audit.Signer{s, signer(t, 1)} {
			r := verify(t, export, trusted)
			if !r.OK() {
				t.Errorf("%s: %s", name, problems(r))
			}
			if len(r.Erased) != 1 || r.Erased[0].By != "bob" || r.Erased[0].Why != "password pasted" || r.Erased[0].Said != "INC-0001/6" || r.Erased[0].Seq != 3 {
				t.Errorf("%s: erased: %+v", name, r.Erased)
			}
			if r.Streams[0].Lines != 6 || r.Streams[0].Signed != 6 || r.Streams[0].Heads != 2 {
				t.Errorf("%s: %+v", name, r.Streams[0])
			}
			if want := map[string]int{"all": 6, "one": 5}[name]; r.Texts != want {
				t.Errorf("%s: %d texts, want %d", name, r.Texts, want)
			}
		}
		if bytes.Contains(export, []byte("hunter2")) || what.WithoutText && bytes.Contains(export, []byte("okta")) {
			t.Errorf("%s: a text is in the export that should not be", name)
		}
	}
	r := verify(t, p.export(t, s, audit.What{}), signer(t, 9))
	if r.OK() || !strings.Contains(problems(r), "not among the 2 keys") {
		t.Errorf("with a stranger's key: %s", problems(r))
	}
}

// Whatever single byte changes, wherever it stands, is found, and its line is told. What
// the first line says is told where it stops to fit, or at the end.
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	p, s := theNight(t)
	export := p.export(t, s, audit.What{})
	dice := rand.New(rand.NewPCG(1, 2))
	masks := make([]byte, len(export))
	for i := range masks {
		masks[i] = []byte{0x20, 1, 0x80, byte(1 + dice.IntN(255))}[dice.IntN(4)] // 0x20: another case
	}
	var wg sync.WaitGroup
	for part := range 2 {
		wg.Go(func() {
			for i := part; i < len(export); i += 2 {
				bad := bytes.Clone(export)
				bad[i] ^= masks[i]
				r := verify(t, bad, s)
				line := 1 + bytes.Count(export[:i], []byte("\n"))
				if r.OK() {
					t.Errorf("byte %d, line %d: %q became %q and nobody noticed", i, line, export[i], bad[i])
				} else if line > 1 && !told(r, line) {
					t.Errorf("byte %d is in line %d, and that is not told:\n%s", i, line, problems(r))
				}
			}
		})
	}
	wg.Wait()
}

// told: a problem names the line, or the next one where a line end became something else.
func told(r audit.Report, line int) bool {
	return slices.ContainsFunc(r.Problems, func(p audit.Problem) bool { return p.Line == line || p.Line == line+1 })
}

func TestLinesDroppedSwappedAddedCut(t *testing.T) {
	t.Parallel()
	p, s := theNight(t)
	export := p.export(t, s, audit.What{})
	lines := bytes.SplitAfter(export, []byte("\n"))
	lines = lines[:len(lines)-1]
	bad := func(what string, n int, some [][]byte) {
		t.Helper()
		if r := verify(t, bytes.Join(some, nil), s); r.OK() {
			t.Errorf("line %d was %s and nobody noticed", n, what)
		}
	}
	for i := range lines {
		bad("dropped", i+1, slices.Delete(slices.Clone(lines), i, i+1))
		bad("doubled", i+1, slices.Insert(slices.Clone(lines), i, lines[i]))
		for j := range i {
			swapped := slices.Clone(lines)
			swapped[i], swapped[j] = swapped[j], swapped[i]
			bad("swapped", i+1, swapped)
		}
		bad("preceded by a foreign line", i+1, slices.Insert(slices.Clone(lines), i, []byte(`{"type":"remark"}`+"\n")))
	}
	for n := 0; n < len(export); n++ {
		if n > 300 && n < len(export)-300 && export[n-1] != '\n' && export[n] != '\n' {
			n += 12
		}
		if r := verify(t, export[:n], s); r.OK() {
			t.Errorf("cut after byte %d and nobody noticed", n)
		}
	}
	bad("followed by a line", len(lines), append(slices.Clone(lines), lines[3]))
}

// Somebody with the database, and the server then exports and signs what it finds.
func TestAttacksOnTheDatabase(t *testing.T) {
	t.Parallel()
	const id = "INC-0001"
	for name, c := range map[string]struct {
		attack func(p *paper)
		says   string
	}{
		"a line changed":           {func(p *paper) { p.lines[id][3].Actor = "mallory" }, "line 4 of INC-0001 was changed"},
		"a line dropped":           {func(p *paper) { p.lines[id] = slices.Delete(p.lines[id], 3, 4) }, "line 5 of INC-0001 does not follow line 3"},
		"lines swapped":            {func(p *paper) { p.lines[id][3], p.lines[id][4] = p.lines[id][4], p.lines[id][3] }, "does not follow"},
		"history rewritten":        {func(p *paper) { p.rewrite(id, 2, func(l *audit.Line) { l.Actor = "mallory" }) }, "line 3 of INC-0001 is not the one that was signed: the record was rewritten"},
		"the tail cut":             {func(p *paper) { p.lines[id] = p.lines[id][:4] }, "INC-0001 is cut: this head was signed over line 6, and the last one here is line 4"},
		"the incident gone":        {func(p *paper) { delete(p.lines, id) }, "INC-0001 is cut"},
		"a head moved":             {func(p *paper) { p.heads[id][0].Seq = 2 }, "the signature of this head is forged"},
		"a head of another stream": {func(p *paper) { h := p.heads["hold:host:web-1"][0]; h.Stream = id; p.heads[id][1] = h }, "forged"},
		"a key slipped in":         {func(p *paper) { p.keys[0].Public = p.keys[1].Public }, "does not sign for itself"},
		"a text changed":           {func(p *paper) { p.change("dump.bin", "cat.bin") }, "is not the one that line 4 of INC-0001 speaks of"},
		"a text lost":              {func(p *paper) { p.lose("dump.bin") }, "a text that line 4 of INC-0001 speaks of is not here"},
		"an erased text restored":  {func(p *paper) { p.restore(id, "password is hunter2") }, "was redacted by bob"},
	} {
		t.Run(name, func(t *testing.T) {
			p, s := theNight(t)
			c.attack(p)
			r := verify(t, p.export(t, s, audit.What{}), signer(t, 1))
			if r.OK() || !strings.Contains(problems(r), c.says) {
				t.Errorf("want %q, got:\n%s", c.says, problems(r))
			}
		})
	}
}

// An attacker with the database and without the key cannot have a line signed that
// does not follow from the last head.
func TestOnlyWhatFollowsIsSigned(t *testing.T) {
	t.Parallel()
	const id = "INC-0001"
	for name, c := range map[string]struct {
		attack func(p *paper)
		says   string
	}{
		"rewritten before the head": {func(p *paper) { p.rewrite(id, 2, func(l *audit.Line) { l.Actor = "mallory" }) }, "line 7 does not follow"},
		"changed since the head":    {func(p *paper) { p.lines[id][6].Actor = "mallory" }, "line 7 was changed"},
		"dropped since the head":    {func(p *paper) { p.lines[id] = slices.Delete(p.lines[id], 6, 7) }, "line 7 does not follow"},
		"with a head of one's own": {func(p *paper) {
			p.rewrite(id, 2, func(l *audit.Line) { l.Actor = "mallory" })
			p.heads[id][1].Hash = p.lines[id][5].Hash
		}, "line 6, is forged"},
	} {
		t.Run(name, func(t *testing.T) {
			p, s := theNight(t)
			p.write(id, "alice", "phase_set", `{"from":"a","to":"b"}`)
			p.write(id, "alice", "phase_set", `{"from":"b","to":"c"}`)
			p.write("hold:host:web-1", "alice", "hold_ended", `{}`)
			c.attack(p)
			heads, err := audit.Sign(t.Context(), p, space, s, "", t0.Add(time.Hour))
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), id) {
				t.Errorf("want %q, got %v", c.says, err)
			}
			if len(heads) != 1 || heads[0].Stream != "hold:host:web-1" {
				t.Errorf("the other stream was not signed: %+v", heads)
			}
		})
	}
}

// Heads kept elsewhere show what somebody with database and heads could hide.
func TestAnchor(t *testing.T) {
	t.Parallel()
	p, s := theNight(t)
	p.write("INC-0001", "mallory", "noted", `{}`)
	p.sign(t, s, t0.Add(time.Minute))
	var file bytes.Buffer
	for _, id := range []string{"INC-0001", "hold:host:web-1"} {
		if err := audit.WriteAnchor(&file, p.heads[id]); err != nil {
			t.Fatal(err)
		}
	}
	file.WriteString(`{"type":"he`) // the machine stopped
	anchor, err := audit.ReadAnchor(&file)
	if err != nil || len(anchor) != 4 {
		t.Fatalf("%d heads, %v", len(anchor), err)
	}
	if r := verify(t, p.export(t, s, audit.What{}), s, anchor...); !r.OK() {
		t.Fatal(problems(r))
	}
	if r := verify(t, p.export(t, s, audit.What{Stream: "INC-0001"}), s, anchor...); !r.OK() {
		t.Fatal(problems(r))
	}
	p.lines["INC-0001"], p.heads["INC-0001"] = p.lines["INC-0001"][:6], p.heads["INC-0001"][:2]
	delete(p.lines, "hold:host:web-1")
	delete(p.heads, "hold:host:web-1")
	export := p.export(t, s, audit.What{})
	if r := verify(t, export, s); !r.OK() {
		t.Fatalf("without the anchor there is nothing to see: %s", problems(r))
	}
	said := problems(verify(t, export, s, anchor...))
	for _, want := range []string{"INC-0001 is cut: line 7 has a head in the anchor file", "hold:host:web-1 has a head in the anchor file and is gone"} {
		if !strings.Contains(said, want) {
			t.Errorf("want %q, got:\n%s", want, said)
		}
	}
}

// A key that took over from one that was lost is believed by those who have it, not by
// those who have an earlier one: anybody with the database could have added it.
func TestALostKey(t *testing.T) {
	t.Parallel()
	p, lost := theNight(t)
	s := signer(t, 3)
	if err := audit.Begin(t.Context(), p, space, s, t0.Add(time.Minute)); err == nil {
		t.Error("a key that follows nothing signs")
	}
	if err := audit.TakeOver(t.Context(), p, space, s, t0.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if err := audit.TakeOver(t.Context(), p, space, lost, t0.Add(time.Minute)); err == nil {
		t.Error("a key of long ago took over")
	}
	p.write("INC-0001", "alice", "noted", `{}`)
	p.sign(t, s, t0.Add(time.Minute))
	export := p.export(t, s, audit.What{})
	if r := verify(t, export, s); !r.OK() || r.Streams[0].Heads != 3 {
		t.Errorf("with the key that took over: %s", problems(r))
	}
	for _, earlier := range []audit.Signer{lost, signer(t, 1)} {
		if r := verify(t, export, earlier); r.OK() || !strings.Contains(problems(r), "is not signed by the one before it") {
			t.Errorf("with an earlier key: %s", problems(r))
		}
	}
}

// A text that two incidents share was redacted in one: the other's export says so.
func TestErasedElsewhere(t *testing.T) {
	t.Parallel()
	p, s := theNight(t)
	p.write("INC-0002", "alice", "took_merged", `{"title":?}`, "shared")
	ref := audit.Refs(p.lines["INC-0002"][0].Data)[0]
	p.write("INC-0001", "bob", "redacted", `{"seq":1,"refs":["`+ref+`"],"why":"a name"}`)
	delete(p.texts, ref)
	p.sign(t, s, t0.Add(time.Minute))
	r := verify(t, p.export(t, s, audit.What{Stream: "INC-0002"}), s)
	if !r.OK() || len(r.Erased) != 1 || !r.Erased[0].Cited || r.Erased[0].Said != "INC-0001/7" {
		t.Errorf("%+v\n%s", r.Erased, problems(r))
	}
}

func (p *paper) change(text, to string) {
	for ref, t := range p.texts {
		if string(t.Text) == text {
			t.Text = []byte(to)
			p.texts[ref] = t
		}
	}
}

func (p *paper) lose(text string) {
	for ref, t := range p.texts {
		if string(t.Text) == text {
			delete(p.texts, ref)
		}
	}
}

func (p *paper) restore(stream, text string) {
	q := newPaper()
	q.write(stream, "", "", "?", text)
	for ref, t := range q.texts {
		p.texts[ref] = t
	}
}
