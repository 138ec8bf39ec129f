package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Tocsin is killed at every boundary: just before a call is done, when it was done and
// its answer is on the way, for every method of every vendor and every kind of
// delivery, and right after the first commit of every kind of command. With
// TOCSIN_CRASHES that is so for every single message, too.
func TestCrashAtEveryBoundary(t *testing.T) {
	t.Parallel()
	every := os.Getenv("TOCSIN_CRASHES") != ""
	if !every {
		t.Log("every method and kind of delivery; TOCSIN_CRASHES=1 adds every single message")
	}
	struck := map[string]blow{}
	r := newRig(t, func(b boundary) blow {
		point := crashPoint(b, every)
		if struck[point] < killAfter {
			struck[point]++
			return struck[point]
		}
		return spare
	}, true)
	r.thorough = true
	r.play(t)
}

// Every call is done and its answer lost once; nobody dies.
func TestCrashOfAnswersOnly(t *testing.T) {
	t.Parallel()
	struck := map[string]bool{}
	r := newRig(t, func(b boundary) blow {
		point := crashPoint(b, true)
		if struck[point] {
			return spare
		}
		struck[point] = true
		return loseAnswer
	}, false)
	r.thorough = true
	r.play(t)
	for _, point := range mustLose {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(struck)), func(s string) bool { return strings.HasPrefix(s, point) }) {
			t.Errorf("no answer of %s was lost", point)
		}
	}
	t.Logf("lost once each:\n  %s", strings.Join(slices.Sorted(maps.Keys(struck)), "\n  "))
}

// mustLose are the calls whose answer, lost, must not have them done twice: each
// changes something at a vendor that has no idempotency key, or one of its own kind.
var mustLose = []string{
	"slack conversations.create", "slack conversations.invite", "slack conversations.open", "slack conversations.kick",
	"slack conversations.archive", "slack conversations.setTopic", "slack conversations.setPurpose", "slack bookmarks.add",
	"slack pins.add", "slack chat.postMessage INC", "slack chat.update", "slack views.publish",
	"pagerduty POST /v2/enqueue trigger", "pagerduty POST /incidents", "pagerduty PUT /incidents", "pagerduty POST /incidents/*/notes",
	"github POST /api/v3/repos/acme/security-incidents/issues", "github PATCH /api/v3/repos/acme/security-incidents/issues/*",
	"github POST /api/v3/repos/acme/security-incidents/issues/*/comments", "github POST /api/v3/repos/acme/security-incidents/issues/*/sub_issues",
	"door /slack/command", "door /slack/events", "door /pagerduty/webhook", "door /github/webhook",
}

// crashWords is how much of Tocsin's log a failure shows, in bytes.
const crashWords = 200_000

// crashTime is how long the random kills go on when nobody says how many.
const crashTime = 10 * time.Second

// Tocsin is killed at random moments, one incident after the other. TOCSIN_CRASHES is
// how many times; TOCSIN_CRASH_SEED plays the same moments again, as far as two
// processes can.
func TestCrashAtRandomMoments(t *testing.T) {
	t.Parallel()
	seed, most := time.Now().UnixNano(), 0
	for name, to := range map[string]func(int){
		"TOCSIN_CRASHES":    func(n int) { most = n },
		"TOCSIN_CRASH_SEED": func(n int) { seed = int64(n) },
	} {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			to(n)
		}
	}
	t.Logf("TOCSIN_CRASH_SEED=%d", seed)
	moments := rand.New(rand.NewPCG(uint64(seed), 0))
	began, kills, incidents := time.Now(), 0, 0
	for !t.Failed() && (kills < most || most == 0 && time.Since(began) < crashTime) {
		incidents++
		t.Run(fmt.Sprint(incidents), func(t *testing.T) {
			r := newRig(t, nil, false)
			r.early = func() (time.Duration, bool) {
				return time.Duration(moments.Int64N(int64(startUp))), moments.IntN(20) == 0
			}
			stop, done := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(done)
				for most == 0 || kills+r.killed() < most {
					select {
					case <-time.After(next(moments, time.Duration(r.startTook.Load()))):
						r.kill(r.living())
					case <-stop:
						return
					}
				}
			}()
			r.play(t, func() { close(stop); <-done })
			kills += r.killed()
		})
	}
	t.Logf("%d kills at random moments over %d incidents in %s", kills, incidents, time.Since(began).Round(time.Millisecond))
}

// startUp is about how long it takes from the orders to the first answer. One start in
// twenty is not survived.
const startUp = 12 * time.Millisecond

// next is how long a process lives: mostly as long as a call or two takes, sometimes
// long enough to get somewhere, which takes the longer the longer a start took here.
func next(moments *rand.Rand, start time.Duration) time.Duration {
	u := moments.Float64()
	return 5*time.Millisecond + time.Duration(u*u*u*float64(max(400*time.Millisecond, 15*start)))
}

// play plays the incident, lets whoever kills come to an end, and looks at what is left.
func (r *rig) play(t *testing.T, calm ...func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	began := time.Now()
	err := r.wholeIncident(ctx)
	for _, f := range calm {
		f()
	}
	if err == nil {
		err = r.quiet(ctx)
	}
	if err == nil {
		var found findings
		found, err = r.check(ctx)
		for _, f := range found {
			t.Error(f)
		}
	}
	if err != nil {
		t.Error(err)
	}
	r.table(t, time.Since(began))
	if t.Failed() {
		text, _ := os.ReadFile(r.log.Name())
		t.Logf("the record:\n%s\nthe last words of Tocsin:\n%s", strings.Join(r.timeline, "\n"), text[max(0, len(text)-crashWords):])
	}
}

// table says what was done to the process.
func (r *rig) table(t *testing.T, took time.Duration) {
	kills := r.killed()
	r.mu.Lock()
	defer r.mu.Unlock()
	var lines []string
	for kind, n := range r.tally {
		lines = append(lines, fmt.Sprintf("  %5d  %s", n, kind))
	}
	slices.Sort(lines)
	t.Logf("%d kills, %d restarts in %s\n%s", kills, kills, took.Round(time.Millisecond), strings.Join(lines, "\n"))
}

var (
	changing = regexp.MustCompile(`/(?:[0-9]+|[A-Z][A-Z0-9]{5,}|[0-9a-f]{12,})\b`)
	effectIn = regexp.MustCompile(`"effect":"([^"]+)"`)
	actionIn = regexp.MustCompile(`"event_action":"([a-z]+)"`)
)

// crashPoint names what a call does, the same for each of its attempts: its method,
// and for a message, if each is wanted, the effect it carries.
func crashPoint(b boundary, each bool) string {
	name := changing.ReplaceAllString(b.name(), "/*")
	if m := actionIn.FindSubmatch(b.Body); m != nil && b.Vendor == "pagerduty" {
		name += " " + string(m[1])
	}
	if text, err := url.QueryUnescape(string(b.Body)); err == nil && each && b.Vendor == "slack" {
		if m := effectIn.FindStringSubmatch(text); m != nil {
			name += " " + m[1]
		}
	}
	return name
}
