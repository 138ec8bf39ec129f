package intel

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var feed = From{Source: "feed", Confidence: 60, Now: noon}

// read reads a feed past a Guard and returns what was taken, as "type value", and what
// was not, as "where: why".
func read(t *testing.T, how Reader, f From, text string) (taken []Indicator, report Report, err error) {
	t.Helper()
	g, err := NewGuard(Guarded{})
	if err != nil {
		t.Fatal(err)
	}
	report, err = how(strings.NewReader(text), f, func(in Indicator) error {
		if err := g.Judge(in); err != nil {
			return err
		}
		taken = append(taken, in)
		return nil
	})
	return taken, report, err
}

func brief(list []Indicator) (lines []string) {
	for _, in := range list {
		line := in.Type.String() + " " + in.Value
		if in.Exact {
			line += " alone"
		}
		lines = append(lines, line)
	}
	return lines
}

func skips(r Report) (lines []string) {
	for _, s := range r.Skipped {
		lines = append(lines, s.Where+": "+s.Why)
	}
	return lines
}

func expect(t *testing.T, what string, got, want []string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s:\n%s", what, d)
	}
}

func TestAnAnalystsListIsReadAsItWasPasted(t *testing.T) {
	taken, report, err := read(t, List, feed, "\uFEFF# from the call\r\n"+`
evil[.]com
hxxps://evil(.)com/%7Ea;b?x=1#frag   # stage two
<http://evil.example|evil.example>
“198.51.100[.]7”
45.12.1.0/24 ; a whole rack
2001:DB8::1
192.0.2.1:443
*.wild.example
.dot.example
büch.example
44D88612FEA8A8F36DE82E1278ABB02F
0.0.0.0 hosts.example other.example
10.0.0.1
0.0.0.0/0
two words.com
evil.com/path
hello
`)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "taken", brief(taken), []string{
		"domain evil.com alone", "url https://evil.com/~a;b?x=1", "url http://evil.example/", "ip 198.51.100.7", "cidr 45.12.1.0/24", "ip 2001:db8::1", "ip 192.0.2.1",
		"domain wild.example", "domain dot.example", "domain xn--bch-hoa.example alone", "md5 44d88612fea8a8f36de82e1278abb02f", "domain hosts.example alone", "domain other.example alone",
	})
	expect(t, "not taken", skips(report), []string{
		"line 15: 10.0.0.0/8 is private", "line 16: it is every address there is", "line 17: not a domain name",
		"line 18: a path without a scheme; a URL begins with http:// or the like", "line 19: neither address, network, domain, URL nor hash",
	})
	if report.Read != 17 || report.Taken != 13 {
		t.Errorf("%s", report)
	}
}

func TestALifeEndsWhatNamesNoEnd(t *testing.T) {
	f := feed
	f.Life, f.Below = 48*time.Hour, true
	taken, _, err := read(t, List, f, "evil.example\n")
	if err != nil || len(taken) != 1 || !taken[0].Expires.Equal(noon.Add(48*time.Hour)) || taken[0].Exact {
		t.Errorf("%+v, %v", taken, err)
	}
}

func TestALongLineIsReportedAndTheNextIsRead(t *testing.T) {
	taken, report, err := read(t, List, feed, strings.Repeat("a", 200_000)+"\nevil.example\n")
	if err != nil || len(taken) != 1 || len(report.Skipped) != 1 {
		t.Errorf("%v, %s, %v", brief(taken), report, err)
	}
}

func TestATableIsReadByItsNames(t *testing.T) {
	taken, report, err := read(t, CSV, feed, `# a feed of somebody
# "Type","IOC_Value","Confidence","Expires","TLP","Comment","ID","Extra"
domain,evil.example,80,2026-12-01,amber,"C2, ""second""",7,x
ip:port,198.51.100.7:443,,1798761600,,,,
sha256,nothex,,,,,,
email,a@b.example,,,,,,
domain,old.example,,2020-01-01,,,,
domain,sure.example,101,,,,,
domain,odd.example,,,mauve,,,
# a comment
,,,,,,,
`)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "taken", brief(taken), []string{"domain evil.example alone", "ip 198.51.100.7", "domain odd.example alone"})
	first := taken[0]
	if first.Confidence != 80 || first.TLP != Amber || first.Why != `C2, "second"` || first.Ref != "7" || !first.Expires.Equal(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", first)
	}
	if taken[2].TLP != Red {
		t.Error("a label that cannot be read is not held closely")
	}
	expect(t, "not taken", skips(report), []string{
		"line 5: not a sha256 hash: that has 64 hexadecimal digits", "line 6: the type email cannot be matched", "line 7: it expired on 1 Jan 2020",
		"line 8: its confidence is no number from 0 to 100", "line 11: the row holds no value",
	})
	if report.Other["column extra"] != 1 {
		t.Errorf("the column that was passed over is not named: %v", report.Other)
	}

	taken, _, err = read(t, CSV, feed, "date;domain;dst_ip;sha1\n1;a.example;198.51.100.7;\n2;;;"+strings.Repeat("ab", 20)+"\n")
	expect(t, "columns named after types", brief(taken), []string{"domain a.example alone", "ip 198.51.100.7", "sha1 " + strings.Repeat("ab", 20)})
	if err != nil {
		t.Error(err)
	}
	if _, _, err := read(t, CSV, feed, "a,b\n1,2\n"); err == nil {
		t.Error("a table without a value was read")
	}
}

func TestMISPIsReadAsItsAuthorsMeantIt(t *testing.T) {
	text := `{"Event":{"uuid":"5f6dd4c2-8f70-4ab8-9bd7-6c7b0a000001","info":"Ransom crew","Orgc":{"name":"CERT"},"Tag":[{"name":"tlp:green"}],
	"Attribute":[
	 {"uuid":"00000000-0000-4000-8000-000000000001","type":"ip-dst|port","value":"198.51.100.7|443","to_ids":true,"comment":"beacon"},
	 {"uuid":"00000000-0000-4000-8000-000000000002","type":"domain","value":"evil.example","to_ids":"1","Tag":[{"name":"tlp:amber+strict"}]},
	 {"uuid":"00000000-0000-4000-8000-000000000003","type":"hostname","value":"c2.evil.example","to_ids":true},
	 {"uuid":"00000000-0000-4000-8000-000000000004","type":"domain|ip","value":"both.example|198.51.100.8","to_ids":true},
	 {"uuid":"00000000-0000-4000-8000-000000000005","type":"text","value":"hello","to_ids":false},
	 {"uuid":"00000000-0000-4000-8000-000000000006","type":"ip-src","value":"198.51.100.9","to_ids":false},
	 {"uuid":"00000000-0000-4000-8000-000000000007","type":"ip-src","value":"198.51.100.10","to_ids":true,"deleted":true},
	 {"uuid":"00000000-0000-4000-8000-000000000008","type":"filename|md5","value":"only-a-name","to_ids":true},
	 {"uuid":"00000000-0000-4000-8000-000000000009","type":"ip-dst","value":"8.8.8.8","to_ids":true}],
	"Object":[{"name":"file","Attribute":[{"uuid":"00000000-0000-4000-8000-00000000000a","type":"filename|sha256","value":"x|` + strings.Repeat("ab", 32) + `","to_ids":1}]}]}}`
	for _, wrapped := range []string{text, `{"response":[` + text + `]}`, `[` + text + `]`} {
		taken, report, err := read(t, MISP, feed, wrapped)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, "taken", brief(taken), []string{"ip 198.51.100.7", "domain evil.example", "domain c2.evil.example alone", "ip 198.51.100.8", "domain both.example", "sha256 " + strings.Repeat("ab", 32)})
		if taken[0].Why != "Ransom crew; beacon" || taken[0].TLP != Green || taken[1].TLP != AmberStrict || taken[0].Ref != "00000000-0000-4000-8000-000000000001" {
			t.Errorf("%+v", taken[:2])
		}
		expect(t, "not taken", skips(report), []string{
			"00000000-0000-4000-8000-000000000005: the type text cannot be matched",
			"00000000-0000-4000-8000-000000000006: its author does not mean it for detection (to_ids is false)",
			"00000000-0000-4000-8000-000000000007: its author deleted it",
			"00000000-0000-4000-8000-000000000008: the two values of its type are not there",
			"00000000-0000-4000-8000-000000000009: it takes in 8.8.8.8, the public resolver of Google",
		})
	}
	taken, _, err := read(t, MISP, feed, `{"response":{"Attribute":[{"uuid":"00000000-0000-4000-8000-000000000001","type":"url","value":"http://evil.example/x","to_ids":true,"Event":{"info":"found by search"}}]}}`)
	if err != nil || len(taken) != 1 || taken[0].Why != "found by search" {
		t.Errorf("%+v, %v", taken, err)
	}
}

func TestAManifestListsItsEvents(t *testing.T) {
	events, err := MISPManifest(strings.NewReader(`{"5f6dd4c2-8f70-4ab8-9bd7-6c7b0a000002":{"info":"later","Orgc":{"name":"CERT"},"timestamp":"1700000100"},
	 "5f6dd4c2-8f70-4ab8-9bd7-6c7b0a000001":{"info":"first","timestamp":1700000000}}`))
	if err != nil || len(events) != 2 || events[0].Info != "first" || events[1].Org != "CERT" {
		t.Errorf("%+v, %v", events, err)
	}
	if _, err := MISPManifest(strings.NewReader(`{"../../etc/passwd":{"timestamp":"1"}}`)); err == nil {
		t.Error("a path was taken for the name of an event")
	}
}

// Every way in ends: with the bound of a feed, with what is no feed, with one cut off.
func TestWhatIsNoFeedIsSaid(t *testing.T) {
	for name, how := range map[string]Reader{"stix": STIX, "misp": MISP} {
		for _, text := range []string{"", "{", "[", "null", `"x"`, `{"a":1}`, `{"type":"bundle","objects":[{"type":"indicator"`, `{"Event":{}} trailing`, `{"type":"report","objects":[]}`} {
			if _, _, err := read(t, how, feed, text); err == nil {
				t.Errorf("%s read %q", name, text)
			}
		}
	}
	if _, _, err := read(t, STIX, From{}, "{}"); err == nil {
		t.Error("a feed without a name was read")
	}
	var endless zeros
	if _, err := io.Copy(io.Discard, bound(&endless, 1<<20, 0)); !errors.Is(err, ErrTooLong) {
		t.Errorf("a feed without an end: %v", err)
	}
	if n, err := io.Copy(io.Discard, bound(strings.NewReader("1234"), 4, 0)); n != 4 || err != nil {
		t.Errorf("a feed just short enough: %d, %v", n, err)
	}
}

// A quotation mark that is never closed, or an object without end, is not gathered in
// memory until the feed ends.
func TestOneEntryHasABound(t *testing.T) {
	long := strings.Repeat("aaaaaaaa", maxPiece/8+100_000)
	for name, c := range map[string]struct {
		how  Reader
		text string
	}{
		"csv":  {CSV, "value,why\nevil.example,\"" + long},
		"stix": {STIX, `{"type":"bundle","objects":[{"type":"x"},{"type":"indicator","id":"` + long},
	} {
		_, report, err := read(t, c.how, feed, c.text)
		if !errors.Is(err, errPiece) {
			t.Errorf("%s: %s, %v", name, report, err)
		}
	}
	one := `{"type":"note","content":"` + strings.Repeat("a", maxPiece/3) + `"}`
	many := strings.Repeat(one+",", 5) + one // together they may be longer
	if _, report, err := read(t, STIX, feed, `{"type":"bundle","objects":[`+many+`]}`); err != nil || report.Read != 6 {
		t.Errorf("%s, %v", report, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestAFullBuilderEndsTheReading(t *testing.T) {
	var b Builder
	b.Max = 3
	g, _ := NewGuard(Guarded{})
	var lines strings.Builder
	for i := range 10 {
		fmt.Fprintf(&lines, "n%d.example\n", i)
	}
	report, err := Load(List, strings.NewReader(lines.String()), feed, g, &b)
	if !errors.Is(err, ErrFull) || b.Len() != 3 || report.Taken != 3 {
		t.Errorf("%v, %s", err, report)
	}
}

func TestManySkipsAreCounted(t *testing.T) {
	_, report, err := read(t, List, feed, strings.Repeat("nonsense\n", maxSkips+5))
	if err != nil || len(report.Skipped) != maxSkips || report.More != 5 || report.Read != maxSkips+5 {
		t.Errorf("%s, %v", report, err)
	}
	if !slices.Contains(strings.Fields(report.String()), "10005") {
		t.Error(report.String())
	}
}
