package pagerduty_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/integrations/pagerduty"
	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
)

func TestARungWithAPolicyPagesOnceHoweverOftenItIsTried(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	task := c.task(incident.Rung{Policy: c.policy.ID, Urgency: "high"})
	taken := c.taken(task)
	if names(taken.People) != "[alice]" || taken.Page != "17" || taken.Vendor.Key != "INC-0042/17/2" || taken.Vendor.Incident == "" || taken.Vendor.URL == "" {
		t.Fatalf("taken: %+v", taken)
	}
	task.Attempt = 2
	if again := c.taken(task); again.Vendor.Incident != taken.Vendor.Incident {
		t.Fatal("the second try found another incident")
	}
	in := c.only()
	if in.Title != "[INC-0042] P1 okta session theft" || in.Priority != "P1" || in.ConferenceURL != "https://chat.example/C1" {
		t.Fatalf("incident: %+v", in)
	}
}

func TestAnAnswerThatIsLostDoesNotPageTwice(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	once := func(r *fault.Rule) { r.Times = 1 }
	c.breaks("POST /incidents", fault.Ambiguous, once)
	task := c.task(incident.Rung{Policy: c.policy.ID})
	if _, err := c.perform(task); err == nil || incident.IsGivenUp(err) {
		t.Fatalf("lost answer: %v", err)
	}
	if len(c.told) != 1 || names(c.told[0].People) != "[alice]" {
		t.Fatalf("told: %+v", c.told)
	}
	task.Attempt = 2
	c.taken(task)
	c.only()
}

func TestAKeyThatIsTakenIsLookedUp(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	task := c.task(incident.Rung{Policy: c.policy.ID})
	first := c.taken(task)
	// The same attempt number again: a worker that lost its lease after the answer.
	if again := c.taken(task); again.Vendor != first.Vendor {
		t.Fatalf("got %+v, want %+v", again.Vendor, first.Vendor)
	}
	c.only()
}

func TestWithoutAPriorityOfThatNameThePageStillGoes(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.taken(c.task(incident.Rung{Policy: c.policy.ID, Priority: "Sev Nonsense"})) // the sandbox refuses "priority":null
	if in := c.only(); in.Priority != "" {
		t.Fatalf("priority %q", in.Priority)
	}
}

func TestARungWithAServiceGoesThroughEvents(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	task := c.task(incident.Rung{Service: "security", Schedule: c.schedule.ID, People: []incident.Person{{ID: "carol", Slack: "UCAROL"}}})
	taken := c.taken(task)
	if names(taken.People) != "[alice carol]" {
		t.Fatalf("people %s", names(taken.People))
	}
	in := c.only()
	if taken.Vendor.Incident != in.ID || in.AlertKeys[0] != "INC-0042/17/2" {
		t.Fatalf("%+v is not %+v", taken.Vendor, in)
	}
	task.Attempt = 2
	c.taken(task)
	c.only()
}

func TestAResolvedPageIsNotOpenedAgainByASecondTry(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	task := c.task(incident.Rung{Service: "security"})
	taken := c.taken(task)
	c.ok(c.server.Resolve(c.alice.ID, taken.Vendor.Incident))
	task.Attempt = 2
	c.taken(task)
	c.only()
}

func TestConfidentialIncidentsAndDrillsShowAsSuch(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	task := c.task(incident.Rung{Policy: c.policy.ID})
	task.State.Private, task.State.Drill = true, true
	task.State.Type = "insider"
	c.taken(task)
	in := c.only()
	if in.Title != "DRILL [INC-0042] P1 quiet heron (confidential)" {
		t.Fatalf("title %q", in.Title)
	}
	for _, leak := range []string{"okta", "insider"} {
		if strings.Contains(in.Details+in.Title, leak) {
			t.Fatalf("%q leaks in %q", leak, in.Details)
		}
	}
}

func TestALongTitleIsCutByRunes(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	task := c.task(incident.Rung{Service: "security"})
	task.State.Title = incident.Seal(strings.Repeat("漏洩\n", 2000))
	c.taken(task)
	if n := len([]rune(c.only().Title)); n != 1024 {
		t.Fatalf("%d runes", n)
	}
}

func TestSomebodyExcludedIsNeverRung(t *testing.T) {
	t.Parallel()
	for _, rung := range []string{"policy", "second level of the policy", "service and schedule", "service alone"} {
		t.Run(rung, func(t *testing.T) {
			t.Parallel()
			c := newCompany(t)
			r := incident.Rung{Service: "security", Schedule: c.schedule.ID}
			// Known to the plan as mallory, and in PagerDuty by alice's user.
			who := incident.Person{ID: "mallory", PagerDuty: c.alice.ID, Name: incident.Seal("Mallory")}
			switch rung {
			case "policy":
				r = incident.Rung{Policy: c.policy.ID}
			case "second level of the policy":
				r = incident.Rung{Policy: c.policy.ID}
				who.PagerDuty = c.bob.ID
			case "service alone":
				r.Schedule = ""
			}
			task := c.task(r)
			task.State.People[who.ID] = incident.Part{Person: who, Excluded: true}
			got, err := c.perform(task)
			c.ok(err)
			skipped, ok := got.(incident.PageSkipped)
			if !ok || len(c.server.Incidents()) != 0 {
				t.Fatalf("got %#v, PagerDuty has %d", got, len(c.server.Incidents()))
			}
			for _, name := range []string{"mallory", "alice", "bob", c.alice.ID} {
				if strings.Contains(strings.ToLower(skipped.Why), strings.ToLower(name)) {
					t.Fatalf("the reason names them: %q", skipped.Why)
				}
			}
		})
	}
}

// While nobody is excluded, a page does not wait for who is on call; who that is comes
// with the answer all the same.
func TestNobodyExcludedIsPagedWhileTheRotaIsLookedUp(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.breaks("GET /oncalls", fault.Latency, func(r *fault.Rule) { r.Delay = time.Second })
	answer := make(chan incident.Command, 1)
	go func() {
		got, err := c.perform(c.task(incident.Rung{Service: "security", Schedule: c.schedule.ID}))
		if err != nil {
			t.Error(err)
		}
		answer <- got
	}()
	for len(c.server.Incidents()) == 0 {
		select {
		case got := <-answer:
			t.Fatalf("the answer came before the page: %#v", got)
		case <-time.After(time.Millisecond):
		}
	}
	select {
	case got := <-answer:
		t.Fatalf("the answer came before it was known who is on call: %#v", got)
	default:
	}
	if taken, ok := (<-answer).(incident.PageTaken); !ok || names(taken.People) != "[alice]" {
		t.Fatalf("%#v", taken)
	}
	c.only()
}

func TestARungOfPeopleOnlyLeavesOutTheExcluded(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	r := incident.Rung{People: []incident.Person{{ID: "dave"}, {ID: "mallory"}}}
	task := c.task(r)
	task.State.People["mallory"] = incident.Part{Person: incident.Person{ID: "mallory"}, Excluded: true}
	taken := c.taken(task)
	if names(taken.People) != "[dave]" || taken.Vendor != (incident.VendorRef{}) {
		t.Fatalf("%+v", taken)
	}
	r.People = r.People[1:]
	task.Effect = incident.Page{Page: "17", Rung: r}
	got, err := c.perform(task)
	c.ok(err)
	if _, ok := got.(incident.PageSkipped); !ok {
		t.Fatalf("got %#v", got)
	}
}

func TestOnePersonIsPagedByName(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.conf.RESTService = c.room.ID
	var err error
	c.pager, err = pagerduty.New(c.conf)
	c.ok(err)
	task := c.task(incident.Rung{})
	task.Effect = incident.Page{Page: "17", To: "bob"}
	task.State.People["bob"] = incident.Part{Person: incident.Person{ID: "bob", PagerDuty: c.bob.ID}}
	taken := c.taken(task)
	in := c.only()
	if names(taken.People) != "[bob]" || taken.Vendor.Incident != in.ID || len(in.Assigned) != 1 || in.Assigned[0].ID != c.bob.ID {
		t.Fatalf("%+v %+v", taken, in.Assigned)
	}
}

func TestOnePersonWithoutPagerDutyIsLeftToADirectMessage(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	task := c.task(incident.Rung{})
	task.Effect = incident.Page{Page: "17", To: "dave", Rung: incident.Rung{People: []incident.Person{{ID: "dave", Slack: "UDAVE"}}}}
	if taken := c.taken(task); names(taken.People) != "[dave]" || taken.Vendor != (incident.VendorRef{}) || len(c.server.Incidents()) != 0 {
		t.Fatalf("%+v", taken)
	}
	// With a policy in the ladder its service carries the page, assigned to bob alone.
	task.State.Paging.Ladder.Rungs = []incident.Rung{{Policy: c.policy.ID}}
	task.Effect = incident.Page{Page: "17", To: "bob", Rung: incident.Rung{People: []incident.Person{{ID: "bob", PagerDuty: c.bob.ID}}}}
	c.taken(task)
	if in := c.only(); len(in.Assigned) != 1 || in.Assigned[0].ID != c.bob.ID {
		t.Fatalf("%+v", in)
	}
	task.State.People["bob"] = incident.Part{Person: incident.Person{ID: "bob"}, Excluded: true}
	got, err := c.perform(task)
	c.ok(err)
	if _, ok := got.(incident.PageSkipped); !ok {
		t.Fatalf("%#v", got)
	}
}

func TestPagerDutyDownIsSaidAtOnceAndOnceWithWhoItWasFor(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.ok(c.pager.RefreshOnCall(context.Background(), []string{c.schedule.ID}, []string{c.policy.ID}))
	c.clock.Advance(time.Hour)
	c.breaks("*", fault.Down)
	for _, r := range []incident.Rung{{Policy: c.policy.ID}, {Service: "security", Schedule: c.schedule.ID}} {
		c.told = nil
		task := c.task(r)
		began := time.Now()
		_, err := c.perform(task)
		if err == nil || incident.IsGivenUp(err) {
			t.Fatalf("down: %v", err)
		}
		if d := time.Since(began); d > 6*time.Second {
			t.Fatalf("took %s", d)
		}
		if len(c.told) != 1 || names(c.told[0].People) != "[alice]" || c.told[0].Why == "" {
			t.Fatalf("told %+v", c.told)
		}
		task.Attempt = 2
		task.State.Paging.Pages = map[incident.PageID]incident.PageAt{"17": {Trouble: c.told[0].Why}}
		_, _ = c.perform(task)
		if len(c.told) != 1 {
			t.Fatal("said twice")
		}
	}
	contacts, age, err := c.pager.Contacts(context.Background(), c.alice.ID)
	c.ok(err)
	if len(contacts) != 1 || contacts[0].Address != "+44 5551234" || age < time.Hour {
		t.Fatalf("%+v, %s old", contacts, age)
	}
}

func TestStoppingIsNoTroubleOfPagerDutys(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	ctx, stop := context.WithCancel(context.Background())
	stop()
	_, err := c.pager.Perform(ctx, c.task(incident.Rung{Policy: c.policy.ID}), func(cmd incident.Command) error {
		t.Errorf("told %#v", cmd)
		return nil
	})
	if err == nil || incident.IsGivenUp(err) {
		t.Fatal(err)
	}
}

func TestWithRESTDownAnEventStillPages(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.breaks("GET *", fault.Down)
	taken := c.taken(c.task(incident.Rung{Service: "security", Schedule: c.schedule.ID}))
	if taken.Vendor.Key == "" || len(c.told) != 0 {
		t.Fatalf("%+v %+v", taken, c.told)
	}
	c.only()
}

func TestARESTThatHangsDoesNotHoldUpAnEvent(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	pagerduty.Hasten(c.pager)
	c.breaks("GET *", fault.Latency, func(r *fault.Rule) { r.Delay = 20 * time.Second })
	began := time.Now()
	c.taken(c.task(incident.Rung{Service: "security", Schedule: c.schedule.ID}))
	if d := time.Since(began); d > 2*time.Second {
		t.Fatalf("took %s", d)
	}
	c.only()
	// Nothing at all within the time of one try: said, and tried again.
	c.breaks("POST *", fault.Latency, func(r *fault.Rule) { r.Delay = 1500 * time.Millisecond })
	if _, err := c.perform(c.task(incident.Rung{Policy: c.policy.ID})); err == nil || incident.IsGivenUp(err) || len(c.told) != 1 || !strings.Contains(c.told[0].Why, "in time") {
		t.Fatalf("%v, told %+v", err, c.told)
	}
}

func TestAnOldRotaIsNotBelieved(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.ok(c.pager.RefreshOnCall(context.Background(), nil, []string{c.policy.ID}))
	c.clock.Advance(13 * time.Hour)
	c.breaks("*", fault.Down)
	if _, err := c.perform(c.task(incident.Rung{Policy: c.policy.ID})); err == nil || len(c.told) != 1 || len(c.told[0].People) != 0 {
		t.Fatalf("%v, told %+v", err, c.told)
	}
}

func TestTooManyRequestsIsLater(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	id := c.breaks("POST /v2/enqueue", fault.RateLimit, func(r *fault.Rule) { r.RetryAfter = time.Second })
	task := c.task(incident.Rung{Service: "security"})
	_, err := c.perform(task)
	if after, ok := incident.LaterBy(err); !ok || after != time.Second || len(c.told) != 0 {
		t.Fatalf("%v %v, told %v", after, err, c.told)
	}
	c.server.Faults().Remove(id)
	c.breaks("POST /v2/enqueue", fault.RateLimit, func(r *fault.Rule) { r.RetryAfter = 40 * time.Second })
	_, err = c.perform(task)
	if after, ok := incident.LaterBy(err); !ok || after != 40*time.Second || len(c.told) != 1 {
		t.Fatalf("%v %v, told %v", after, err, c.told)
	}
}

func TestWhatNoRepetitionCuresIsGivenUpWithAFix(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(*pagerduty.Config)
		rung   func(*company) incident.Rung
		fix    string
	}{
		"no such token":    {func(c *pagerduty.Config) { c.APIToken = "wrong" }, func(c *company) incident.Rung { return incident.Rung{Policy: c.policy.ID} }, "tocsin doctor"},
		"no From":          {func(c *pagerduty.Config) { c.From = " " }, func(c *company) incident.Rung { return incident.Rung{Policy: c.policy.ID} }, "From address"},
		"From is nobody":   {func(c *pagerduty.Config) { c.From = "ghost@corp.example" }, func(c *company) incident.Rung { return incident.Rung{Policy: c.policy.ID} }, "From address"},
		"no such policy":   {nil, func(*company) incident.Rung { return incident.Rung{Policy: "PNOPE12"} }, "escalation policy"},
		"no such service":  {nil, func(*company) incident.Rung { return incident.Rung{Service: "sekurity"} }, `"sekurity"`},
		"wrong key":        {func(c *pagerduty.Config) { c.Services["security"] = pagerduty.Secret(strings.Repeat("x", 32)) }, func(*company) incident.Rung { return incident.Rung{Service: "security"} }, "integration key"},
		"no token for it":  {func(c *pagerduty.Config) { c.APIToken = "" }, func(c *company) incident.Rung { return incident.Rung{Policy: c.policy.ID} }, "API token"},
		"path in a policy": {nil, func(*company) incident.Rung { return incident.Rung{Policy: "../users"} }, "not a PagerDuty id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCompany(t, func(conf *pagerduty.Config) {
				if row.change != nil {
					row.change(conf)
				}
			})
			_, err := c.perform(c.task(row.rung(c)))
			if !incident.IsGivenUp(err) || !strings.Contains(err.Error(), row.fix) {
				t.Fatalf("%v, want given up with %q", err, row.fix)
			}
			if len(c.told) != 1 || !strings.Contains(c.told[0].Why, row.fix) {
				t.Fatalf("told %+v, want %q", c.told, row.fix)
			}
		})
	}
}
