package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"connectrpc.com/connect"

	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/internal/api/wire"
	"github.com/tocsin-ir/tocsin/internal/api/wire/wireconnect"
	"github.com/tocsin-ir/tocsin/internal/screen"
)

// Client speaks to a server with one person's token.
type Client struct {
	inner wireconnect.WarRoomClient
	token string
	host  string
}

// Dial makes a client; it calls nobody yet. An address without TLS is refused unless
// it is this machine's own: whoever listens on the way would have the token.
func Dial(server, token string) (*Client, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
		return nil, fmt.Errorf("%q is not the address of a server; it looks like https://tocsin.example.com", server)
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("a token is not sent over plain HTTP to another machine; use https://%s", u.Host)
	}
	if token == "" {
		return nil, errors.New("no token: set TOCSIN_TOKEN to it, or to @ and a file with it; `tocsin token create` on the server's machine makes one")
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = 30 * time.Second
	c := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // a token goes where it was sent and nowhere else
	}}
	return &Client{inner: wireconnect.NewWarRoomClient(c, u.String(), connect.WithReadMaxBytes(4<<20)), token: token, host: u.Host}, nil
}

func with[T any](c *Client, msg *T) *connect.Request[T] {
	r := connect.NewRequest(msg)
	r.Header().Set("Authorization", "Bearer "+c.token)
	return r
}

// Say says a line; tell hears of what happens because of it for as long as the
// patience lasts. It returns what is still owed then. The same key may be said again
// when the answer was lost.
func (c *Client) Say(ctx context.Context, line, key string, patience time.Duration, answered func(Answer), tell func(screen.Line)) (owed []string, err error) {
	s, err := c.inner.Do(ctx, with(c, &wire.DoRequest{Line: line, Key: key, PatienceMs: int32(min(patience, maxPatience).Milliseconds())}))
	if err != nil {
		return nil, c.explained(err)
	}
	defer func() { _ = s.Close() }()
	for s.Receive() {
		switch m := s.Msg().GetWhat().(type) {
		case *wire.DoResponse_Answer:
			answered(Answer{Text: m.Answer.GetText(), Refused: m.Answer.GetRefused(), Incident: incident.ID(m.Answer.GetIncident())})
		case *wire.DoResponse_Happened:
			tell(lineIn(m.Happened))
		case *wire.DoResponse_Owed:
			owed = m.Owed.GetWhat()
		}
	}
	return owed, c.explained(s.Err())
}

// Watch tells of an incident whenever it changes, nil now and then when it does not,
// with the server's time.
func (c *Client) Watch(ctx context.Context, id string, tell func(v *screen.View, now time.Time)) error {
	s, err := c.inner.Watch(ctx, with(c, &wire.WatchRequest{Incident: id}))
	if err != nil {
		return c.explained(err)
	}
	defer func() { _ = s.Close() }()
	for s.Receive() {
		tell(viewIn(s.Msg().GetView()), moment(s.Msg().GetNowMs()))
	}
	if err := s.Err(); connect.CodeOf(err) == connect.CodeInternal {
		return fmt.Errorf("%w: something broke there", ErrAway) // looking again does no harm
	}
	return c.explained(s.Err())
}

// ErrAway says that the server does not answer, or that the connection broke: trying
// again may help.
var ErrAway = errors.New("the server does not answer")

// explained says in a sentence what went wrong.
func (c *Client) explained(err error) error {
	var no *connect.Error
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &no):
		return fmt.Errorf("%w: %s", ErrAway, c.host)
	case no.Code() == connect.CodeUnavailable, no.Code() == connect.CodeDeadlineExceeded, no.Code() == connect.CodeUnknown && !connect.IsWireError(err):
		return fmt.Errorf("%w: %s", ErrAway, screen.Tame(no.Message()))
	case no.Code() == connect.CodeUnimplemented:
		return fmt.Errorf("%s answers, but not as Tocsin's API: %s", c.host, screen.Tame(no.Message()))
	}
	return errors.New(screen.Tame(no.Message()))
}
