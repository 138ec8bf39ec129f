package rest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/actions/rest"
	"github.com/tocsin-ir/tocsin/incident"
)

// office is a token endpoint and an API beside it that knows the newest token only.
type office struct {
	granted, asked atomic.Int32
	life           int // seconds
}

func (o *office) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" {
		if r.FormValue("client_secret") != "s3cret-of-the-app" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":"invalid_client","error_description":"the secret you sent is s3cret"}`))
			return
		}
		_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","expires_in":%d}`, o.granted.Add(1), o.life)
		return
	}
	o.asked.Add(1)
	if r.Header.Get("Authorization") != fmt.Sprintf("Bearer token-%d", o.granted.Load()) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_, _ = w.Write([]byte(`{}`))
}

func newOffice(t *testing.T, life int, secret string) (*office, *rest.Client) {
	o := &office{life: life}
	web := httptest.NewServer(o)
	t.Cleanup(web.Close)
	code := func(_ int, body []byte) string {
		if strings.Contains(string(body), "invalid_client") {
			return "invalid_client"
		}
		return ""
	}
	login := &rest.Client{Vendor: "Office", Base: web.URL, Code: code}
	return o, &rest.Client{Vendor: "Office", Base: web.URL, Token: rest.NewBearer(func(ctx context.Context) (actions.Secret, time.Duration, error) {
		return rest.Grant(ctx, login, "/token", url.Values{"client_secret": {secret}})
	})}
}

var look = rest.Call{Step: "look", Method: http.MethodGet, Path: "/thing"}

func TestOneTokenServesManyCallsAtOnce(t *testing.T) {
	o, c := newOffice(t, 3600, "s3cret-of-the-app")
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := c.Do(t.Context(), look); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if o.granted.Load() != 1 || o.asked.Load() != 20 {
		t.Errorf("%d tokens for %d calls", o.granted.Load(), o.asked.Load())
	}
}

func TestATokenThatWasRefusedIsFetchedAnewOnce(t *testing.T) {
	o, c := newOffice(t, 3600, "s3cret-of-the-app")
	if _, err := c.Do(t.Context(), look); err != nil {
		t.Fatal(err)
	}
	o.granted.Add(1) // somebody else was granted one; ours is void
	if _, err := c.Do(t.Context(), look); err != nil {
		t.Errorf("with a fresh token: %v", err)
	}
	if o.granted.Load() != 3 {
		t.Errorf("%d tokens", o.granted.Load())
	}
}

func TestATokenNearItsEndIsNotUsedAgain(t *testing.T) {
	o, c := newOffice(t, 30, "s3cret-of-the-app")
	for range 2 {
		if _, err := c.Do(t.Context(), look); err != nil {
			t.Fatal(err)
		}
	}
	if o.granted.Load() != 2 {
		t.Errorf("%d tokens for two calls", o.granted.Load())
	}
}

func TestAWrongSecretIsAMissingRightWithoutTheVendorsWords(t *testing.T) {
	_, c := newOffice(t, 3600, "wrong")
	_, err := c.Do(t.Context(), look)
	var missing *actions.MissingRight
	if !errors.As(err, &missing) || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "invalid_client") {
		t.Errorf("got %v", err)
	}
}

func TestWhoeverWaitsForATokenMayStopWaiting(t *testing.T) {
	hold, fetching := make(chan struct{}), make(chan struct{})
	b := rest.NewBearer(func(context.Context) (actions.Secret, time.Duration, error) {
		close(fetching)
		<-hold
		return "t", time.Hour, nil
	})
	first := make(chan error, 1)
	go func() { _, err := b.Get(t.Context()); first <- err }()
	<-fetching
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := b.Get(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	close(hold)
	if err := <-first; err != nil {
		t.Error(err)
	}
}

func TestAQuotaThatIsSaidWith403AsksForPatience(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte("quotaExceeded"))
	}))
	defer web.Close()
	c := &rest.Client{Vendor: "Office", Base: web.URL,
		Code: func(_ int, body []byte) string { return string(body) },
		Busy: func(status int, word string) bool { return status == http.StatusForbidden && word == "quotaExceeded" }}
	_, err := c.Do(t.Context(), look)
	if wait, ok := incident.LaterBy(err); !ok || wait != 7*time.Second {
		t.Errorf("got %v", err)
	}
}
