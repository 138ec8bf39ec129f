package sigma

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// rule is a rule of one detection, for anything.
func rule(detection string) string {
	return "title: t\nid: 5d9b5bd0-7a4c-4b55-9c3e-0d6f4d3ea0a1\nlogsource:\n    product: test\ndetection:\n" + detection
}

func compiles(t testing.TB, text string, o Options) *Set {
	t.Helper()
	set, problems := Compile([]File{{"rule.yml", []byte(text)}}, o)
	for _, p := range problems {
		if !p.Warning {
			t.Fatalf("%s\n%s", p, text)
		}
	}
	return set
}

// fires says whether a rule fires for a record written as JSON.
func fires(t testing.TB, set *Set, record string) bool {
	t.Helper()
	var fields map[string]any
	d := json.NewDecoder(strings.NewReader(record))
	d.UseNumber()
	if err := d.Decode(&fields); err != nil {
		t.Fatal(err, record)
	}
	r := NewRecord(LogSource{Product: "test"}, fields)
	return len(NewEngine(set, Limits{}).JudgeRecord(r, noon, nil)) > 0
}

// Each line of the specification's text on values, once with what it matches and once
// with what it does not.
func TestValues(t *testing.T) {
	for _, c := range []struct {
		name, detection string
		yes, no         []string
	}{
		{"letter case does not count", `    s: {a: 'Value'}`, []string{`{"a":"vALUE"}`}, []string{`{"a":"values"}`, `{"b":"value"}`}},
		{"cased", `    s: {a|cased: 'Value'}`, []string{`{"a":"Value"}`}, []string{`{"a":"value"}`}},
		{"cased, anywhere", `    s: {a|contains|cased: 'Val'}`, []string{`{"a":"xValue"}`}, []string{`{"a":"xvalue"}`}},
		{"Kelvin is a K", `    s: {a: 'k'}`, []string{`{"a":"K"}`, `{"a":"K"}`}, nil},
		{"a number is its text", `    s: {a: 4625}`, []string{`{"a":4625}`, `{"a":"4625"}`}, []string{`{"a":46250}`}},
		{"a truth is its text", `    s: {a: true}`, []string{`{"a":true}`, `{"a":"true"}`}, []string{`{"a":false}`}},
		{"star", `    s: {a: 'x*z'}`, []string{`{"a":"xz"}`, `{"a":"x\ny z"}`}, []string{`{"a":"xzy"}`}},
		{"mark", `    s: {a: 'x?z'}`, []string{`{"a":"xyz"}`, `{"a":"xäz"}`}, []string{`{"a":"xz"}`, `{"a":"xyyz"}`}},
		{"escaped star", `    s: {a: 'x\*z'}`, []string{`{"a":"x*z"}`}, []string{`{"a":"xyz"}`}},
		{"backslash, then star", `    s: {a: 'x\\*'}`, []string{`{"a":"x\\yz"}`}, []string{`{"a":"xyz"}`}},
		{"three backslashes and a star", `    s: {a: 'x\\\*'}`, []string{`{"a":"x\\*"}`}, []string{`{"a":"x\\y"}`}},
		{"one backslash is one", `    s: {a: 'c:\dir'}`, []string{`{"a":"c:\\dir"}`}, nil},
		{"two are one", `    s: {a: 'c:\\dir'}`, []string{`{"a":"c:\\dir"}`}, []string{`{"a":"c:\\\\dir"}`}},
		{"four are two", `    s: {a: 'c\\\\d'}`, []string{`{"a":"c\\\\d"}`}, []string{`{"a":"c\\d"}`}},
		{"contains", `    s: {a|contains: 'mid'}`, []string{`{"a":"amidst"}`}, []string{`{"a":"amd"}`}},
		{"contains all", `    s: {a|contains|all: [one, two]}`, []string{`{"a":"two one"}`}, []string{`{"a":"one"}`}},
		{"startswith", `    s: {a|startswith: 'pre'}`, []string{`{"a":"Prefix"}`, `{"a":"PRE"}`}, []string{`{"a":"a pre"}`, `{"a":"pr"}`}},
		{"endswith", `    s: {a|endswith: '\end'}`, []string{`{"a":"the\\end"}`, `{"a":"\\END"}`}, []string{`{"a":"end"}`}},
		{"any of a list", `    s: {a: [x, y]}`, []string{`{"a":"y"}`}, []string{`{"a":"z"}`}},
		{"any value of a field", `    s: {a: x}`, []string{`{"a":["w","x"]}`}, []string{`{"a":["w"]}`}},
		{"empty", `    s: {a: ''}`, []string{`{"a":""}`}, []string{`{}`, `{"a":null}`, `{"a":"x"}`}},
		{"null", `    s: {a: null}`, []string{`{}`, `{"a":null}`}, []string{`{"a":""}`}},
		{"exists", `    s: {a|exists: true}`, []string{`{"a":""}`, `{"a":null}`}, []string{`{}`}},
		{"exists not", `    s: {a|exists: false}`, []string{`{}`}, []string{`{"a":null}`}},
		{"neq", `    s: {a|neq: [x, y]}`, []string{`{"a":"z"}`, `{}`}, []string{`{"a":"Y"}`}},
		{"neq number", `    s: {a|neq: 5}`, []string{`{"a":6}`}, []string{`{"a":5}`}},
		{"lt gte", `    s: {a|gte: 5, b|lt: 1.5}`, []string{`{"a":5,"b":1}`, `{"a":"5.0","b":-3}`}, []string{`{"a":4,"b":1}`, `{"a":5,"b":1.5}`, `{"a":"five","b":0}`}},
		{"lte gt", `    s: {a|lte: 5, b|gt: 1}`, []string{`{"a":5,"b":2}`}, []string{`{"a":6,"b":2}`, `{"a":5,"b":1}`}},
		{"re", `    s: {a|re: 'x[0-9]{2}$'}`, []string{`{"a":"yx12"}`}, []string{`{"a":"X12"}`, `{"a":"x12 "}`}},
		{"re i", `    s: {a|re|i: '^X[0-9]'}`, []string{`{"a":"x1"}`}, []string{`{"a":" x1"}`}},
		{"re m", `    s: {a|re|m: '^x$'}`, []string{`{"a":"a\nx\nb"}`}, []string{`{"a":"a\nxb"}`}},
		{"re s", `    s: {a|re|s: 'x.y'}`, []string{`{"a":"x\ny"}`}, []string{`{"a":"xy"}`}},
		{"re without s", `    s: {a|re: 'x.y'}`, nil, []string{`{"a":"x\ny"}`}},
		{"base64", `    s: {a|base64: 'foo'}`, []string{`{"a":"Zm9v"}`}, []string{`{"a":"xZm9v"}`}},
		{"base64offset", `    s: {a|base64offset|contains: 'foobar'}`, []string{`{"a":"eA Zm9vYmFy"}`, `{"a":"eGZvb2Jhcg=="}`, `{"a":"eHhmb29iYXI="}`}, []string{`{"a":"Zm9v"}`}},
		{"wide base64", `    s: {a|wide|base64offset|contains: 'ping'}`, []string{`{"a":"cABpAG4AZwA="}`}, []string{`{"a":"cGluZw=="}`}},
		{"utf16le", `    s: {a|utf16le: 'ab'}`, []string{`{"a":"a\u0000b\u0000"}`}, []string{`{"a":"ab"}`}},
		{"utf16be", `    s: {a|utf16be: 'ab'}`, []string{`{"a":"\u0000a\u0000b"}`}, nil},
		{"utf16 base64", `    s: {a|utf16|base64: 'ab'}`, []string{`{"a":"//5hAGIA"}`}, nil},
		{"windash", `    s: {a|windash|contains: ' -enc'}`, []string{`{"a":"x /enc"}`, `{"a":"x -enc"}`, `{"a":"x –enc"}`, `{"a":"x —enc"}`, `{"a":"x ―enc"}`}, []string{`{"a":"x enc"}`}},
		{"windash leaves words", `    s: {a|windash: '-a-b'}`, []string{`{"a":"/a-b"}`}, []string{`{"a":"-a/b"}`}},
		{"cidr", `    s: {a|cidr: [10.0.0.0/8, 'fd00::/8']}`, []string{`{"a":"10.1.2.3"}`, `{"a":"fd00::1"}`, `{"a":"::ffff:10.1.2.3"}`}, []string{`{"a":"11.0.0.1"}`, `{"a":"ten"}`}},
		{"fieldref", `    s: {a|fieldref: b}`, []string{`{"a":"X","b":"x"}`}, []string{`{"a":"x","b":"y"}`, `{"a":"x"}`, `{}`}},
		{"fieldref neq", `    s: {a|fieldref|neq: b}`, []string{`{"a":"x","b":"y"}`}, []string{`{"a":"x","b":"x"}`}},
		{"fieldref startswith", `    s: {a|fieldref|startswith: b}`, []string{`{"a":"/tmp/x","b":"/tmp"}`}, []string{`{"a":"/var","b":"/tmp"}`}},
		{"hour", `    s: {a|hour: 3}`, []string{`{"a":"2026-11-25T03:14:15Z"}`, `{"a":"2026-11-25 03:14:15.125"}`, `{"a":"2026-11-25T03:00:00+02:00"}`}, []string{`{"a":"2026-11-25T04:14:15Z"}`, `{"a":"3"}`}},
		{"hour compared", `    s: {a|hour|gte: 22}`, []string{`{"a":"2026-11-25T23:14:15Z"}`}, []string{`{"a":"2026-11-25T21:59:59Z"}`}},
		{"minute day week month year", `    s: {a|minute: 14, b|day: 25, c|week: 48, d|month: 11, e|year: 2026}`,
			[]string{`{"a":"2026-11-25T23:14:15Z","b":"2026-11-25","c":"2026-11-25","d":"2026-11-25","e":"2026-11-25"}`}, nil},
		{"keywords", `    s: [evil, 'sp ace']`, []string{`{"x":{"y":"an EVIL thing"}}`, `{"z":["a","sp ace"]}`}, []string{`{"x":"ev il"}`}},
		{"keywords, all", `    s: {'|all': [evil, thing]}`, []string{`{"x":"evil","y":"thing"}`}, []string{`{"x":"evil"}`}},
		{"keywords with wildcards", `    s: ['ev*l']`, []string{`{"x":"an evil"}`}, []string{`{"x":"live"}`}},
		{"keywords by expression", `    s: {'|re': 'e[uv]il'}`, []string{`{"x":"euil"}`}, []string{`{"x":"Evil"}`}},
		{"list of maps", `    s: [{a: 1, b: 2}, {c: 3}]`, []string{`{"a":1,"b":2}`, `{"c":3}`}, []string{`{"a":1}`}},
		{"dots", `    s: {process.name: sh}`, []string{`{"process":{"name":"sh"}}`, `{"process.name":"sh"}`}, []string{`{"process":"sh"}`}},
		{"many values", `    s: {a|contains: [one, two, three, four, five, six, seven, 'w*d']}`, []string{`{"a":"xsevenx"}`, `{"a":"wild"}`}, []string{`{"a":"eight"}`}},
		{"many exact values", `    s: {a: [1, 2, 3, 4, 5, 6, 7]}`, []string{`{"a":"7"}`}, []string{`{"a":"77"}`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := compiles(t, rule(c.detection+"\n    condition: s\n"), Options{})
			for _, r := range c.yes {
				if !fires(t, set, r) {
					t.Errorf("did not fire for %s", r)
				}
			}
			for _, r := range c.no {
				if fires(t, set, r) {
					t.Errorf("fired for %s", r)
				}
			}
		})
	}
}

func TestPlaceholders(t *testing.T) {
	text := rule("    s:\n        a|expand: '%Servers%'\n        b|expand|contains: 'x-%n%-\\%5'\n    condition: s\n")
	set := compiles(t, text, Options{Placeholders: map[string][]string{"Servers": {"srv*", "db1"}, "n": {"1", "2"}}})
	for record, want := range map[string]bool{
		`{"a":"srv7","b":"ax-2-%5b"}`: true, `{"a":"db1","b":"x-1-%5"}`: true, `{"a":"db2","b":"x-1-%5"}`: false, `{"a":"db1","b":"x-3-%5"}`: false,
	} {
		if got := fires(t, set, record); got != want {
			t.Errorf("%s: %v", record, got)
		}
	}
	_, problems := Compile([]File{{"rule.yml", []byte(text)}}, Options{})
	if len(problems) == 0 || !strings.Contains(problems[0].String(), "nobody says what %Servers% stands for") {
		t.Error(problems)
	}
}

func TestConditions(t *testing.T) {
	selections := "    a: {a: 1}\n    b: {b: 1}\n    sel_x: {x: 1}\n    sel_y: {y: 1}\n    _own: {o: 1}\n"
	for _, c := range []struct {
		condition, record string
		want              bool
	}{
		{"a and b", `{"a":1,"b":1}`, true}, {"a and b", `{"a":1}`, false},
		{"a or b and sel_x", `{"a":1}`, true}, {"(a or b) and sel_x", `{"a":1}`, false},
		{"not a and b", `{"b":1}`, true}, {"not (a and b)", `{"a":1}`, true}, {"not not a", `{"a":1}`, true},
		{"1 of sel_*", `{"y":1}`, true}, {"all of sel_*", `{"y":1}`, false}, {"ALL OF sel_*", `{"x":1,"y":1}`, true},
		{"1 of them", `{"o":1}`, false}, {"1 of them", `{"b":1}`, true}, {"1 of _*", `{"o":1}`, true}, {"any of sel_*", `{"x":1}`, true},
		{"a and not 1 of sel_*", `{"a":1}`, true}, {"a and not 1 of sel_*", `{"a":1,"x":1}`, false}, {"AND_not", ``, false},
	} {
		if c.record == "" {
			continue
		}
		set := compiles(t, rule(selections+"    condition: "+c.condition+"\n"), Options{})
		if got := fires(t, set, c.record); got != c.want {
			t.Errorf("%s of %s: %v", c.condition, c.record, got)
		}
	}
	set := compiles(t, rule(selections+"    condition: [a, b]\n"), Options{})
	if !fires(t, set, `{"b":1}`) || fires(t, set, `{"x":1}`) {
		t.Error("a list of conditions is any of them")
	}
}

// A host's exec is seen by rules written for Sysmon, for auditd, and for the sensor itself.
func TestEventsAreSeenAsRecords(t *testing.T) {
	shell := event.Event{Kind: event.Exec, At: noon, Host: "web-3",
		Process: event.Process{Key: event.Key{PID: 10}, Exe: "/usr/bin/bash", Args: []string{"bash", "-c", "id; uname -a"}, Dir: "/tmp", UID: 0},
		Parent:  event.Process{Key: event.Key{PID: 9}, Exe: "/usr/sbin/nginx", Args: []string{"nginx", "-g", "daemon off;"}},
		Exec:    &event.ExecOf{Asked: "/bin/bash", Memfd: true}}
	failed := shell
	failed.Exec = &event.ExecOf{Asked: "/bin/bash", Result: -13}
	call := event.Event{Kind: event.Connect, At: noon, Process: shell.Process, Net: &event.NetOf{Proto: "tcp", Name: "evil.example",
		Local: netip.MustParseAddrPort("10.0.0.1:40000"), Remote: netip.MustParseAddrPort("[::ffff:192.0.2.7]:4444")}}
	move := event.Event{Kind: event.File, At: noon, Process: shell.Process, File: &event.FileOf{Op: "rename", Path: "/tmp/x", To: "/etc/cron.d/x", Mode: 0o100644}}
	asked := event.Event{Kind: event.DNS, At: noon, Process: shell.Process, DNS: &event.DNSOf{Name: "c2.example", Type: "TXT", Answer: true, Code: 3,
		Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.9")}}}
	hold := event.Event{Kind: event.Ptrace, At: noon, Process: shell.Process, Sys: &event.SystemOf{Call: "ptrace", Target: event.Process{Key: event.Key{PID: 1}, Exe: "/usr/sbin/sshd"}, Arg: 16}}
	for _, c := range []struct {
		name, source, selection string
		of                      event.Event
		want                    bool
	}{
		{"Sysmon", "category: process_creation\n    product: linux", "{Image|endswith: /bash, CommandLine: 'bash -c id; uname -a', CurrentDirectory: /tmp, User: root, ParentImage: /usr/sbin/nginx, ParentCommandLine|contains: daemon, LogonId: 0, Computer: WEB-3}", shell, true},
		{"Sysmon, by category alone", "category: process_creation", "{Image|endswith: /bash}", shell, true},
		{"Windows", "category: process_creation\n    product: windows", "{Image|endswith: /bash}", shell, false},
		{"a failed exec creates nothing", "category: process_creation\n    product: linux", "{Image|endswith: /bash}", failed, false},
		{"auditd EXECVE", "product: linux\n    service: auditd", "{type: EXECVE, a0: bash, a1: -c, a2|startswith: id, argc: 3}", shell, true},
		{"auditd SYSCALL", "product: linux\n    service: auditd", "{type: SYSCALL, SYSCALL: execve, exe|endswith: /bash, success: 'yes', uid: 0}", shell, true},
		{"auditd, failed", "product: linux\n    service: auditd", "{type: SYSCALL, success: 'no', exit: -13}", failed, true},
		{"auditd, one record at a time", "product: linux\n    service: auditd", "{type: SYSCALL, a0: bash}", shell, false},
		{"auditd PATH", "product: linux\n    service: auditd", "{type: PATH, name: /etc/cron.d/x, nametype: CREATE, mode: '0100644'}", move, true},
		{"auditd PATH, the old name", "product: linux\n    service: auditd", "{type: PATH, name: /tmp/x, nametype: DELETE}", move, true},
		{"auditd SOCKADDR", "product: linux\n    service: auditd", "{type: SOCKADDR, laddr: 192.0.2.7, lport: 4444}", call, true},
		{"the sensor's names", "category: process_creation\n    product: linux", "{exec.memfd: true, process.uid: 0, parent.exe|endswith: nginx}", shell, true},
		{"the sensor's service", "product: linux\n    service: tocsin", "{kind: ptrace, sys.target.exe|endswith: /sshd, sys.arg: 16}", hold, true},
		{"process access", "category: process_access\n    product: linux", "{TargetImage|endswith: /sshd, SourceImage|endswith: /bash}", hold, true},
		{"network", "category: network_connection\n    product: linux", "{DestinationIp|cidr: 192.0.2.0/24, DestinationPort: 4444, Initiated: 'true', DestinationHostname|endswith: .example, SourcePort: 40000}", call, true},
		{"files", "category: file_event\n    product: linux", "{TargetFilename|startswith: /etc/cron.d/, SourceFilename: /tmp/x}", move, true},
		{"nothing was deleted", "category: file_delete\n    product: linux", "{TargetFilename|contains: /}", move, false},
		{"names", "category: dns_query\n    product: linux", "{QueryName|endswith: .example, QueryResults: 192.0.2.9, record_type: TXT, QueryStatus: 3}", asked, true},
		{"names, the network's way", "category: dns", "{query: c2.example, answer: 192.0.2.9}", asked, true},
		{"keywords of a product", "product: linux", "[uname -a]", shell, true},
		{"keywords of auditd", "product: linux\n    service: auditd", "[EXECVE]", shell, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := compiles(t, "title: t\nlogsource:\n    "+c.source+"\ndetection:\n    s: "+c.selection+"\n    condition: s\n", Options{})
			found := NewEngine(set, Limits{}).Judge(&c.of, noon, nil)
			if got := len(found) == 1; got != c.want || len(found) > 1 {
				t.Errorf("fired %d times; %s", len(found), Explain(set, set.Rules()[0], &c.of))
			}
		})
	}
}
