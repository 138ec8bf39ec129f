package feeds_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tocsin-ir/tocsin/internal/feeds"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/sensor/detect/intel"
)

// table publishes text under a name that changes with it, to whoever has the token.
type table struct {
	text   string
	kind   string // content type
	token  string
	asked  int
	spared int // answered that nothing has changed
}

func (p *table) answer(w http.ResponseWriter, r *http.Request) {
	p.asked++
	if p.token != "" && r.Header.Get("Authorization") != "Bearer "+p.token {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	tag := fmt.Sprintf("%q", fmt.Sprint(len(p.text)))
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		p.spared++
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if p.kind == "" {
		p.kind = "text/plain"
	}
	w.Header().Set("Content-Type", p.kind)
	_, _ = w.Write([]byte(p.text))
}

func TestAListIsReadAndAskedForOnlyWhenItChanged(t *testing.T) {
	r := begin(t)
	p := &table{text: "203.0.113.9\nevil.example\n"}
	r.named = []plan.Feed{feed("list", r.serve(p.answer))}
	st := r.read()
	r.trouble(st, "")
	r.has("203.0.113.9", "evil.example")
	if st.Size != 2 || !st.Next.Equal(began.Add(time.Hour)) {
		t.Fatalf("%+v", st)
	}
	sum := r.Sum()
	r.after(59 * time.Minute).read()
	if p.asked != 1 {
		t.Fatal("it was asked before its time")
	}
	st = r.after(time.Minute).read()
	if p.asked != 2 || p.spared != 1 || r.Sum() != sum || !st.Read.Equal(r.now) {
		t.Fatalf("asked %d, spared %d: %+v", p.asked, p.spared, st)
	}
	p.text += "198.51.100.7\n"
	r.after(time.Hour).read()
	r.has("203.0.113.9", "198.51.100.7", "evil.example")
	if r.Sum() == sum {
		t.Error("hosts are not told")
	}
}

func TestWhatIsListedStillDoesNotExpire(t *testing.T) {
	r := begin(t)
	p := &table{text: "203.0.113.9\n"}
	f := feed("list", r.serve(p.answer))
	f.Life, f.Every = 4*time.Hour, 20*time.Minute
	r.named = []plan.Feed{f}
	for range 30 {
		r.read()
		r.has("203.0.113.9")
		r.after(f.Every)
	}
	if p.spared == 0 {
		t.Error("it was never asked whether anything had changed")
	}
	p.token = "closed" // from now on nothing can be read
	r.read()
	r.after(4 * time.Hour)
	r.has()
}

func TestWhatIsListedAgainIsNothingNew(t *testing.T) {
	r := begin(t)
	r.named = []plan.Feed{feed("list", r.serve(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("203.0.113.9\n")) }))} // knows no ETag
	r.read()
	sum := r.Sum()
	for range 24 {
		if r.after(time.Hour).read(); r.Sum() != sum {
			t.Fatal("hosts would be sent the same again")
		}
	}
}

func TestATableOverACountsForAsLongAsThePlanAllows(t *testing.T) {
	r := begin(t)
	p := &table{text: "value,type,confidence,expires,tlp,source\n203.0.113.9,ip,90,2030-01-01,amber,people\nevil.example,domain,,2026-11-27,,\n"}
	f := feed("csv", r.serve(p.answer))
	f.TLP = "green"
	r.named = []plan.Feed{f}
	st := r.read()
	r.trouble(st, "")
	if st.Label() != "TLP:AMBER" || r.Strictest("shared") != intel.Amber {
		t.Errorf("the label is %q", st.Label())
	}
	for in := range r.set().All() {
		switch {
		case in.Source != "shared":
			t.Errorf("a feed speaks as %q", in.Source)
		case in.Value == "203.0.113.9" && ((in.Expires.After(began.Add(f.Life)) || in.Expires.Before(began.Add(f.Life*3/4))) || in.TLP != intel.Amber || in.Confidence != 90):
			t.Errorf("%+v", in)
		case in.Value == "evil.example" && (in.Expires.After(began.Add(48*time.Hour)) || in.TLP != intel.Green || in.Confidence != 60):
			t.Errorf("%+v", in)
		}
	}
	r.after(24 * time.Hour)
	r.has("203.0.113.9")
}

func TestAPoisonedFeedIsReadWithoutItsPoison(t *testing.T) {
	r := begin(t)
	r.guarded = intel.Guarded{ControlNames: []string{"tocsin.example.net"}}
	r.guarded.Own = append(r.guarded.Own, prefix("198.51.100.0/24"))
	p := &table{text: "203.0.113.9\nnot an indicator\n0.0.0.0/0\n198.51.100.7\n10.0.0.0/8\ngoogle.com\n8.8.8.8\nhttps://tocsin.example.net/\n*.com\n"}
	r.named = []plan.Feed{feed("list", r.serve(p.answer))}
	st := r.read()
	r.trouble(st, "")
	r.has("203.0.113.9")
	if st.Refused != 8 || len(st.First) != 3 || !strings.HasPrefix(st.First[0], "line 3 (0.0.0.0/0): it must never be one: it is every address") {
		t.Errorf("%d: %q", st.Refused, st.First)
	}

	// What becomes ours later leaves at once, whatever is kept.
	r.guarded.Own = append(r.guarded.Own, prefix("203.0.113.0/24"))
	r.has()
}

func TestABrokenFeedChangesNothing(t *testing.T) {
	r := begin(t)
	good := "203.0.113.9\nevil.example\n"
	p := &table{text: good}
	odd := http.HandlerFunc(nil)
	r.named = []plan.Feed{feed("list", r.serve(func(w http.ResponseWriter, q *http.Request) {
		if odd != nil {
			odd(w, q)
			return
		}
		p.answer(w, q)
	}))}
	r.read()
	elsewhere := false
	other := r.serve(func(w http.ResponseWriter, _ *http.Request) { elsewhere = true; _, _ = w.Write([]byte("192.0.2.66\n")) })
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"nothing": {func(http.ResponseWriter, *http.Request) {}, "lists nothing any more"},
		"a page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("evil.com"))
		}, "a page for people"},
		"words":     {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("we are\nclosed\n")) }, "nothing of it can be taken; line 1 (we are)"},
		"not there": {http.NotFound, "it answered 404"},
		"forbidden": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, "its token is not accepted"},
		"an error":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500); _, _ = w.Write([]byte("192.0.2.66")) }, "it answered 500"},
		"half": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("192.0.2.66\n"))
		}, "it ends too early"},
		"elsewhere": {func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, other+"/x", http.StatusFound) }, "it redirects to https://127.0.0.1:"},
		"to plain": {func(w http.ResponseWriter, q *http.Request) {
			http.Redirect(w, q, "http://"+q.Host+"/", http.StatusFound)
		}, "it redirects to http://"},
		"in a circle": {func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, "/again", http.StatusFound) }, "it redirects to"},
		"compressed": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write([]byte("x"))
		}, "compressed"},
		"too much": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "999999999999")
			w.WriteHeader(200)
		}, "larger than 64 MiB"},
		"too many": {func(w http.ResponseWriter, _ *http.Request) {
			for i := range feeds.MostIndicators + 1 {
				_, _ = fmt.Fprintf(w, "h%d.evil.example\n", i)
			}
		}, "more than 100000 indicators"},
	} {
		odd = c.answer
		st := r.after(time.Hour).read()
		if !strings.Contains(st.Trouble, c.want) || st.Failed != 1 || st.Size != 2 {
			t.Errorf("%s: %+v", name, st.State)
		}
		r.has("203.0.113.9", "evil.example")
		odd = nil
		r.trouble(r.after(time.Hour).read(), "")
	}
	if elsewhere {
		t.Error("another host was asked")
	}
}

func TestAFeedThatGrowsBeyondWhatHostsTakeIsRefusedWhole(t *testing.T) {
	r := begin(t)
	p := &table{text: "203.0.113.9\n"}
	r.named = []plan.Feed{feed("list", r.serve(p.answer))}
	r.room = 2000
	r.open()
	r.read()
	for i := range 100 {
		p.text += fmt.Sprintf("https://evil%d.example/a/long/path/to/a/file.exe\n", i)
	}
	r.trouble(r.after(time.Hour).read(), "hosts take 2000")
	r.has("203.0.113.9")
}

func TestTwoFeedsForWhichThereIsNoRoomTogether(t *testing.T) {
	r := begin(t)
	for _, name := range []string{"first", "second"} {
		p := &table{}
		for i := range 20 {
			p.text += fmt.Sprintf("%s%d.example\n", name, i)
		}
		f := feed("list", r.serve(p.answer))
		f.Name = name
		r.named = append(r.named, f)
	}
	r.room = 1200
	r.open()
	r.read()
	if got := r.hosts(); len(got) != 20 || !strings.HasPrefix(got[0], "first") {
		t.Errorf("%d: %q", len(got), got)
	}
	if all := r.All(); all[0].NoRoom || !all[1].NoRoom || all[1].Trouble != "" {
		t.Errorf("%+v", all)
	}
}

func TestAFeedThatHangsHoldsUpNobody(t *testing.T) {
	r := begin(t)
	stop := make(chan struct{})
	hang := feed("list", r.serve(func(w http.ResponseWriter, q *http.Request) {
		_, _ = w.Write([]byte("192.0.2.66\n"))
		_ = http.NewResponseController(w).Flush()
		select {
		case <-stop:
		case <-q.Context().Done():
		}
	}))
	defer close(stop)
	hang.Name = "hangs"
	good := feed("list", r.serve((&table{text: "203.0.113.9\n"}).answer))
	r.named, r.patience = []plan.Feed{hang, good}, 300*time.Millisecond
	r.open()
	start := time.Now()
	st := r.read()
	r.trouble(st, "it did not answer in time")
	r.has("203.0.113.9")
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestTroubleIsSaidOnceAndAskedAgainMoreAndMoreSeldom(t *testing.T) {
	r := begin(t)
	asked, status, wait := 0, 500, ""
	r.named = []plan.Feed{feed("list", r.serve(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Header().Set("Retry-After", wait)
		w.WriteHeader(status)
	}))}
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		if st := r.read(); st.Next.Sub(r.now) != want*time.Minute {
			t.Errorf("the next time is in %s, not %d min", st.Next.Sub(r.now), want)
		}
		r.after(want * time.Minute)
	}
	if n := strings.Count(r.log.String(), "cannot be read"); n != 1 || asked != 8 {
		t.Errorf("said %d times, asked %d", n, asked)
	}
	status, wait = 429, "7200"
	if st := r.read(); st.Next.Sub(r.now) != 2*time.Hour {
		t.Errorf("Retry-After: in %s", st.Next.Sub(r.now))
	}
	wait = "99999999"
	if st := r.after(2 * time.Hour).read(); st.Next.Sub(r.now) != 24*time.Hour {
		t.Errorf("an absurd Retry-After: in %s", st.Next.Sub(r.now))
	}
}

func TestNobodyIsAskedAtAnAddressInside(t *testing.T) {
	r := begin(t)
	asked := false
	f := feed("list", r.serve(func(http.ResponseWriter, *http.Request) { asked = true }))
	f.Internal = false
	t2 := f
	t2.Name, t2.Kind, t2.Collection = "taxii", "taxii", "c1"
	meta := f
	meta.Name, meta.URL, meta.Internal = "metadata", "https://169.254.169.254/latest", true
	r.named = []plan.Feed{f, t2, meta}
	r.read()
	for _, st := range r.All() {
		r.trouble(st, "an address that is not called")
	}
	if asked {
		t.Error("somebody was asked")
	}
}

func TestWhoeverIsNotWhoTheyClaimIsNotHeard(t *testing.T) {
	r := begin(t)
	f := feed("list", r.serve((&table{text: "203.0.113.9\n"}).answer))
	r.trust = nil // whom the machine trusts
	r.named = []plan.Feed{f}
	r.open()
	r.trouble(r.read(), "its certificate is not one")
	r.has()
}

func TestATokenIsSentToItsFeedOnly(t *testing.T) {
	r := begin(t)
	p := &table{text: "203.0.113.9\n", token: "s3cret-t0ken"}
	f := feed("list", r.serve(p.answer))
	f.Token = "shared"
	r.named = []plan.Feed{f}
	r.trouble(r.read(), "TOCSIN_FEED_TOKENS holds nothing named shared")
	if p.asked != 0 {
		t.Error("it was asked without its token")
	}
	r.tokens["shared"] = "s3cret-t0ken"
	r.trouble(r.after(time.Hour).read(), "")
	r.has("203.0.113.9")
	if strings.Contains(r.log.String(), "s3cret") {
		t.Error("the log has the token")
	}
}

func TestAFeedThatIsAFileOfThePlan(t *testing.T) {
	r := begin(t)
	f := feed("list", "")
	f.File = "feeds/ours.txt"
	r.named = []plan.Feed{f}
	r.trouble(r.read(), "the file feeds/ours.txt of the plan's folder cannot be opened")
	r.folder["feeds/ours.txt"] = &fstest.MapFile{Data: []byte("evil.example\n")}
	r.trouble(r.after(time.Hour).read(), "")
	r.has("evil.example")
	if err := feeds.Look(t.Context(), r.config(), f); err != nil {
		t.Error(err)
	}
}

func TestAFeedTakenOutOfThePlanTakesItsIndicatorsAway(t *testing.T) {
	r := begin(t)
	f := feed("list", r.serve((&table{text: "203.0.113.9\n"}).answer))
	r.named = []plan.Feed{f}
	r.read()
	r.has("203.0.113.9")
	r.named = nil
	r.has() // before anybody reads anything
	r.read()
	if raw, _, _, err := r.db.CacheGet(t.Context(), "feeds", "set/shared"); err != nil || len(raw) > 0 {
		t.Error("it is kept", err)
	}
	// Under its name somebody else speaks for themselves only.
	f.URL += "/other"
	r.named = []plan.Feed{f}
	r.has()
}

func TestAfterARestartNothingIsAskedForAndAnotherReplicaHasItToo(t *testing.T) {
	r := begin(t)
	p := &table{text: "203.0.113.9\n"}
	r.named = []plan.Feed{feed("list", r.serve(p.answer))}
	r.read()
	sum := r.Sum()
	r.open()
	r.has("203.0.113.9")
	if r.after(time.Minute).read(); p.asked != 1 || r.Sum() != sum {
		t.Errorf("asked %d times", p.asked)
	}
	c := r.config()
	c.Lead = func(context.Context) bool { return false }
	other, err := feeds.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	p.text += "198.51.100.7\n"
	r.after(time.Hour).read()
	if err := other.Round(t.Context()); err != nil || other.Sum() != r.Sum() || p.asked != 2 {
		t.Error("the other replica has something else", err, p.asked)
	}
}

func TestADamagedRestIsReadAnew(t *testing.T) {
	r := begin(t)
	p := &table{text: "203.0.113.9\n"}
	r.named = []plan.Feed{feed("list", r.serve(p.answer))}
	r.read()
	if err := r.db.CachePut(t.Context(), "feeds", "set/shared", []byte("nonsense"), r.now); err != nil {
		t.Fatal(err)
	}
	r.open()
	r.has()
	r.trouble(r.after(time.Minute).read(), "")
	r.has("203.0.113.9")
}
