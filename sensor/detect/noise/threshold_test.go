package noise

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var agreed = Thresholds{
	ByLevel:     map[Level]Ask{Medium: Entry, High: Link, Critical: Declare},
	ByTechnique: map[string]Ask{"T1059": Declare, "T1059.006": Entry, "T1595": Nothing},
	Severity:    map[Level]string{High: "P2", Critical: "P1"},
	MinJudged:   10, MinPercent: 20, Spread: 5,
}

func groupOf(level Level, hosts []string, techniques ...string) Group {
	g := Group{ID: "1", Level: level, Hosts: hosts, Techniques: techniques, Rules: []RuleCount{{"sigma/x", 3}}, Count: 3}
	for _, h := range hosts {
		g.Entities = append(g.Entities, "host/"+h)
	}
	return g
}

func TestWhatAGroupAsks(t *testing.T) {
	poor := func(string) Precision { return Precision{Rule: "sigma/x", Raised: 50, RightMark: 1, FalseMark: 19} }
	good := func(string) Precision { return Precision{Rule: "sigma/x", RightMark: 19, FalseMark: 1} }
	inc := []Open{{ID: "INC-1", Entities: []string{"host/web-3"}, At: noon}, {ID: "INC-2", Entities: []string{"host/web-3", "host/db-1"}, At: noon.Add(-time.Hour)},
		{ID: "INC-3", Entities: []string{"host/web-3"}, At: noon.Add(time.Hour)}, {ID: "DRILL-1", Entities: []string{"host/web-3", "host/db-1", "host/x"}, Drill: true}}
	one, two := []string{"web-3"}, []string{"db-1", "web-3"}
	for _, c := range []struct {
		what    string
		g       Group
		was     Asked
		open    []Open
		figures func(string) Precision
		ask     Ask // Nothing: nothing more is asked
		inc     string
		why     string
	}{
		{"too low", groupOf(Low, one), Asked{}, nil, nil, Nothing, "", ""},
		{"medium", groupOf(Medium, one), Asked{}, nil, nil, Entry, "", "level medium"},
		{"medium again", groupOf(Medium, one), Asked{What: Entry, Level: Medium}, nil, nil, Nothing, "", ""},
		{"medium, and something is open", groupOf(Medium, one), Asked{}, inc, nil, Entry, "", "level medium"},
		{"high, nothing open", groupOf(High, one), Asked{}, nil, nil, Entry, "", "level high"},
		{"high, several open: the youngest of those that share as much", groupOf(High, one), Asked{}, inc, nil, Link, "INC-3", "level high; INC-3 is open on host/web-3"},
		{"high, and one shares more", groupOf(High, two), Asked{}, inc, nil, Link, "INC-2", "level high; INC-2 is open on host/db-1"},
		{"critical", groupOf(Critical, one), Asked{}, nil, nil, Declare, "", "level critical"},
		{"critical, and an incident is open", groupOf(Critical, one), Asked{}, inc, nil, Link, "INC-3", "level critical; INC-3 is open on host/web-3"},
		{"critical, asked and not answered yet", groupOf(Critical, one), Asked{What: Declare, Level: Critical}, nil, nil, Nothing, "", ""},
		{"critical, answered", groupOf(Critical, one), Asked{What: Declare, Level: Critical, Incident: "INC-9"}, nil, nil, Nothing, "", ""},
		{"it gets worse", groupOf(Critical, one, "T1486"), Asked{What: Declare, Level: Critical, Incident: "INC-9"}, nil, nil, Entry, "INC-9", "it got worse: level critical"},
		{"a technique, by its parent", groupOf(Low, one, "T1059.004"), Asked{}, nil, nil, Declare, "", "technique T1059.004"},
		{"a sub-technique of its own", groupOf(Low, one, "T1059.006"), Asked{}, nil, nil, Entry, "", "technique T1059.006"},
		{"on five hosts", groupOf(Medium, []string{"a", "b", "c", "d", "e"}), Asked{}, nil, nil, Declare, "", "it is on 5 hosts"},
		{"on five hosts, but low", groupOf(Low, []string{"a", "b", "c", "d", "e"}), Asked{}, nil, nil, Nothing, "", ""},
		{"a rule nobody believes", groupOf(Critical, one), Asked{}, nil, poor, Entry, "", "level critical, but sigma/x raised 50 signals; of 20 judged, 1 real (5 %)"},
		{"a rule that is believed", groupOf(Critical, one), Asked{}, nil, good, Declare, "", "level critical"},
	} {
		got, now, ok := agreed.Judge(c.g, c.was, c.open, c.figures)
		if ok != (c.ask != Nothing) || ok && (got.Ask != c.ask || got.Incident != c.inc || got.Why != c.why) {
			t.Errorf("%s: %v %+v", c.what, ok, got)
		}
		if got.Ask == Declare && c.g.Level == Critical && got.Severity != "P1" {
			t.Errorf("%s: severity %q", c.what, got.Severity)
		}
		if _, _, again := agreed.Judge(c.g, now, c.open, c.figures); again {
			t.Errorf("%s: it asks twice", c.what)
		}
	}
	drill := groupOf(Critical, one)
	drill.Drill = true
	drill.Entities = []string{"drill:host/web-3"}
	if got, _, _ := agreed.Judge(drill, Asked{}, inc, nil); got.Ask != Link || got.Incident != "DRILL-1" {
		t.Errorf("a drill: %+v", got)
	}
	if got, _, _ := agreed.Judge(groupOf(High, two), Asked{}, inc, nil); len(got.Also) != 2 {
		t.Errorf("the others are not named: %+v", got)
	}
}

func TestThresholdsThatMakeNoSense(t *testing.T) {
	if err := agreed.Check(); err != nil {
		t.Error(err)
	}
	for _, th := range []Thresholds{{ByLevel: map[Level]Ask{9: Entry}}, {ByLevel: map[Level]Ask{Low: 9}}, {ByTechnique: map[string]Ask{"t1": Entry}}, {ByTechnique: map[string]Ask{"T1": 9}}, {MinPercent: 101}, {Spread: -1}} {
		if th.Check() == nil {
			t.Errorf("%+v", th)
		}
	}
}

// As a group grows, whatever is open meanwhile: it never declares twice, never declares
// while an incident is open on the same thing, never mixes drills with what is real, and
// what it asks never falls.
func TestAGroupAsksOnceForEachStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := groupOf(Informational, []string{"a"})
		g.Drill = rapid.Bool().Draw(t, "drill")
		var was Asked
		declared := 0
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			g.Level = max(g.Level, Level(rapid.IntRange(1, 5).Draw(t, "level")))
			if rapid.IntRange(0, 3).Draw(t, "technique") == 0 {
				g.Techniques = append(g.Techniques, rapid.SampledFrom([]string{"T1059", "T1059.006", "T1595", "T1486"}).Draw(t, "name"))
			}
			var open []Open
			for _, id := range rapid.SliceOfN(rapid.SampledFrom([]string{"1", "2", "3"}), 0, 3).Draw(t, "open") {
				open = append(open, Open{ID: id, Entities: []string{rapid.SampledFrom([]string{"host/a", "host/b"}).Draw(t, "on")}, Drill: rapid.Bool().Draw(t, "of a drill")})
			}
			c, now, ok := agreed.Judge(g, was, open, nil)
			shares := sharing(g, open)
			switch {
			case ok && c.Ask == Nothing, !ok && c.Ask != Nothing:
				t.Fatalf("%v %+v", ok, c)
			case c.Ask == Declare && len(shares) > 0:
				t.Fatalf("declared although %+v is open", shares)
			case c.Ask == Link && (len(shares) == 0 || was.Incident != ""):
				t.Fatalf("linked to %+v", c)
			case now.What < was.What && was.Incident == "" && now.What != Link:
				t.Fatalf("%+v fell to %+v", was, now)
			}
			if c.Ask == Declare {
				if declared++; declared > 1 {
					t.Fatal("declared twice")
				}
			}
			was = now
			if c.Ask == Declare && rapid.Bool().Draw(t, "answered") {
				was.Incident = "NEW"
			}
		}
	})
}
