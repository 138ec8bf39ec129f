package requestlog

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/sandbox/fault"
)

func TestFaultsAreSaidInTheVendorsWords(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	var log Log
	faults := fault.New(nil)
	own := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		Reached(w)
		http.Error(w, "no such page", http.StatusNotFound)
	})
	next := faults.Wrap("vendor", func(r *http.Request) string { return r.Method }, own)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.Serve(w, r, at, next, func(status int) any { return http.StatusText(status) })
	}))
	defer srv.Close()
	for _, c := range []struct {
		rule   fault.Rule
		status int // 0: no answer
		says   string
	}{
		{fault.Rule{Kind: fault.Latency}, 404, "no such page"},
		{fault.Rule{Kind: fault.RateLimit}, 429, `"Too Many Requests"`},
		{fault.Rule{Kind: fault.Down}, 503, `"Service Unavailable"`},
		{fault.Rule{Kind: fault.Drop}, 0, ""},
	} {
		faults.Clear()
		faults.Add(c.rule)
		status, says := 0, ""
		if resp, err := http.Post(srv.URL+"/a?token=secret", "", nil); err == nil {
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			status, says = resp.StatusCode, strings.TrimSpace(string(body))
		}
		if status != c.status || says != c.says {
			t.Errorf("%s: %d %s", c.rule.Kind, status, says)
		}
	}
	srv.Close() // a call is kept after its answer
	for i, status := range []int{404, 429, 503, 0} {
		want := Request{At: at, Method: "POST", Path: "/a", Status: status}
		if got := log.Requests(); len(got) != 4 || got[i] != want {
			t.Fatalf("kept %+v, want %+v at %d", got, want, i)
		}
	}
}

func TestTheLastThousandAreKept(t *testing.T) {
	t.Parallel()
	var log Log
	for i := range 1500 {
		log.keep(Request{Status: i})
	}
	if got := log.Requests(); len(got) != 1000 || got[0].Status != 500 || got[999].Status != 1499 {
		t.Errorf("%d kept, from %+v", len(got), got[0])
	}
}
