package slack_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"

	"github.com/tocsin-ir/tocsin/internal/clock"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

type pushed struct {
	head http.Header
	body map[string]any
}

func TestEventsAreSignedAndRetriedOverHTTP(t *testing.T) {
	t.Parallel()
	fast := clock.NewFast(time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC), 1)
	seen := make(chan pushed, 20)
	answers := make(chan int, 20)
	var secret string
	to := serve(t, func(w http.ResponseWriter, r *http.Request) {
		v, err := slackgo.NewSecretsVerifier(r.Header, secret)
		body, _ := io.ReadAll(io.TeeReader(r.Body, &v))
		if err != nil || v.Ensure() != nil {
			t.Errorf("bad signature on %s", body)
		}
		var p pushed
		p.head = r.Header.Clone()
		_ = json.Unmarshal(body, &p.body)
		if c, _ := p.body["challenge"].(string); c != "" {
			_, _ = io.WriteString(w, c)
			return
		}
		seen <- p
		status := <-answers
		if status == http.StatusTeapot {
			w.Header().Set("X-Slack-No-Retry", "1")
		}
		w.WriteHeader(status)
	})
	a := socketApp()
	a.SocketMode, a.EventsURL, a.SigningSecret, a.Events = false, to, "s3cret", []string{"member_joined_channel"}
	secret = a.SigningSecret
	w := open(t, slack.Config{App: a, Clock: fast})
	must(t, w.VerifyEvents(context.Background()))
	room := w.AddChannel("room", false, "tocsin")
	next := func() pushed {
		t.Helper()
		select {
		case p := <-seen:
			return p
		case <-time.After(5 * time.Second):
			t.Fatal("no event came")
			return pushed{}
		}
	}
	for range 3 {
		answers <- http.StatusInternalServerError
	}
	answers <- http.StatusOK
	must(t, w.Join(context.Background(), "alice", room))
	first := next()
	if first.head.Get("X-Slack-Retry-Num") != "" {
		t.Fatal("the first attempt is marked as a retry")
	}
	for n, wait := range []time.Duration{0, time.Minute, 5 * time.Minute} {
		var p pushed
		for tries := 0; ; tries++ { // the retry is armed a moment after the answer
			fast.Advance(wait)
			select {
			case p = <-seen:
			case <-time.After(100 * time.Millisecond):
				if tries < 20 {
					continue
				}
				t.Fatalf("retry %d did not come", n+1)
			}
			break
		}
		if p.head.Get("X-Slack-Retry-Num") != string(rune('1'+n)) || p.head.Get("X-Slack-Retry-Reason") != "http_error" || p.body["event_id"] != first.body["event_id"] {
			t.Fatalf("retry %d: %v %v", n+1, p.head, p.body["event_id"])
		}
	}
	answers <- http.StatusTeapot // X-Slack-No-Retry
	must(t, w.Join(context.Background(), "bob", room))
	next()
	answers <- http.StatusOK
	must(t, w.Leave(context.Background(), "bob", room))
	must(t, w.Join(context.Background(), "bob", room))
	if p := next(); p.head.Get("X-Slack-Retry-Num") != "" {
		t.Fatal("retried against X-Slack-No-Retry")
	}
}

func TestASilentAppEarnsAnError(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	to := serve(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(release) })
	a := socketApp()
	a.SocketMode, a.RequestURL, a.Events = false, to, nil
	w := open(t, slack.Config{App: a})
	general := w.AddChannel("general", false, "alice")
	var e *slack.Error
	if err := w.Slash(context.Background(), "alice", general, "/incident x"); !errors.As(err, &e) || e.Code != "operation_timeout" {
		t.Fatalf("after three seconds: %v", err)
	}
	if m := w.View("alice", slack.ViewOptions{Channel: general}).Messages; len(m) != 1 || !m[0].Ephemeral {
		t.Fatalf("alice sees %+v", m)
	}
	if err := w.Slash(context.Background(), "alice", general, "/nonsense"); !errors.As(err, &e) || e.Code != "command_not_found" {
		t.Fatalf("an unknown command: %v", err)
	}
}

func TestAPlainAnswerToASlashCommandIsShown(t *testing.T) {
	t.Parallel()
	a := socketApp()
	a.SocketMode, a.Events = false, nil
	a.RequestURL = serve(t, func(w http.ResponseWriter, r *http.Request) {
		cmd, err := slackgo.SlashCommandParse(r)
		if err != nil || cmd.Command != "/incident" || cmd.Text != "a&b=c" {
			t.Errorf("command %+v: %v", cmd, err)
		}
		_, _ = io.WriteString(w, `{"response_type":"in_channel","text":"declared"}`)
	})
	w := open(t, slack.Config{App: a})
	general := w.AddChannel("general", false, "alice", "bob")
	must(t, w.Slash(context.Background(), "alice", general, "/incident a&b=c"))
	if m := w.View("bob", slack.ViewOptions{Channel: general}).Messages; len(m) != 1 || m[0].Text != "declared" {
		t.Fatalf("bob sees %+v", m)
	}
}

func TestALostAckIsDeliveredAgain(t *testing.T) {
	t.Parallel()
	sa := socketApp()
	sa.Events = []string{"message.channels"}
	w := open(t, slack.Config{App: sa})
	room := w.AddChannel("room", false, "tocsin", "alice")
	a, b := w.connect(t), w.connect(t)
	if w.Sockets() != 2 {
		t.Fatalf("%d sockets", w.Sockets())
	}
	w.LoseAcks(1)
	_, err := w.Post(context.Background(), "alice", room, "hello", "")
	must(t, err)
	var ids []string
	var from []*app
	limit := time.After(8 * time.Second)
	for len(ids) < 2 {
		var e socketmode.Event
		var by *app
		select {
		case e = <-a.Events:
			by = a
		case e = <-b.Events:
			by = b
		case <-limit:
			t.Fatal("no redelivery")
		}
		if e.Type != socketmode.EventTypeEventsAPI {
			continue
		}
		if e.Request.RetryAttempt != len(ids) {
			t.Fatalf("delivery %d says attempt %d", len(ids)+1, e.Request.RetryAttempt)
		}
		ids, from = append(ids, e.Data.(slackevents.EventsAPIEvent).Data.(*slackevents.EventsAPICallbackEvent).EventID), append(from, by)
		must(t, by.Ack(*e.Request))
	}
	if ids[0] != ids[1] || from[0] == from[1] {
		t.Fatalf("events %v, on another socket: %v", ids, from[0] != from[1])
	}
}

func TestDroppedAndRefreshedSockets(t *testing.T) {
	t.Parallel()
	sa := socketApp()
	sa.Events = []string{"message.channels"}
	w := open(t, slack.Config{App: sa})
	room := w.AddChannel("room", false, "tocsin", "alice")
	a := w.connect(t)
	_, err := w.Post(context.Background(), "alice", room, "unanswered", "")
	must(t, err)
	e := a.next(socketmode.EventTypeEventsAPI) // not acknowledged
	id := e.Data.(slackevents.EventsAPIEvent).Data.(*slackevents.EventsAPICallbackEvent).EventID
	w.DropSockets()
	e = a.next(socketmode.EventTypeEventsAPI)
	again := e.Data.(slackevents.EventsAPIEvent).Data.(*slackevents.EventsAPICallbackEvent).EventID
	if again != id || e.Request.RetryAttempt != 1 || e.Request.RetryReason == "" {
		t.Fatalf("redelivered %s as %s, attempt %d", id, again, e.Request.RetryAttempt)
	}
	must(t, a.Ack(*e.Request))
	w.RefreshSockets()
	a.next(socketmode.EventTypeHello) // on the new socket
}

func TestTicketsAndTheEleventhSocket(t *testing.T) {
	t.Parallel()
	w := open(t, slack.Config{App: socketApp()})
	dial := func(link string) (*websocket.Conn, int) {
		t.Helper()
		ws, resp, err := websocket.DefaultDialer.Dial(link, nil)
		if resp == nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if err != nil {
			return nil, resp.StatusCode
		}
		t.Cleanup(func() { _ = ws.Close() })
		return ws, resp.StatusCode
	}
	for n := range 11 {
		_, link, err := w.api.StartSocketModeContext(context.Background())
		must(t, err)
		ws, _ := dial(link)
		var first struct{ Type, Reason string }
		must(t, ws.ReadJSON(&first))
		want := "hello"
		if n == 10 {
			want = "disconnect"
		}
		if first.Type != want || n == 10 && first.Reason != "too_many_websockets" {
			t.Fatalf("socket %d: %+v", n+1, first)
		}
		if _, status := dial(link); status != http.StatusNotFound {
			t.Fatalf("a ticket worked twice: %d", status)
		}
	}
}

func TestARevokedTokenAndASkewedClock(t *testing.T) {
	t.Parallel()
	a := socketApp()
	a.SocketMode, a.Events, a.SigningSecret = false, nil, "s3cret"
	verdict := make(chan error, 1)
	a.RequestURL = serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, err := slackgo.NewSecretsVerifier(r.Header, a.SigningSecret)
		verdict <- err
	})
	w := open(t, slack.Config{App: a})
	general := w.AddChannel("general", false, "alice")
	w.SkewSignatures(-10 * time.Minute)
	must(t, w.Slash(context.Background(), "alice", general, "/incident x"))
	if <-verdict == nil {
		t.Fatal("a request ten minutes old passed")
	}
	w.RevokeTokens(true)
	if got := w.code(t, "auth.test"); got != "token_revoked" {
		t.Fatal(got)
	}
}
