package fleet

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"connectrpc.com/connect"

	"github.com/tocsin-ir/tocsin/sensor/wire"
	"github.com/tocsin-ir/tocsin/sensor/wire/wireconnect"
)

const (
	pingEvery = 15 * time.Second
	lookEvery = 15 * time.Second // into the book: who was revoked elsewhere
)

// Serve answers hosts until the context ends. The listener is plain; TLS is put on it here.
func (f *Fleet) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: f.handler(), TLSConfig: f.authority.tls(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(f.c.Log.Handler(), slog.LevelDebug),
		HTTP2:    &http.HTTP2Config{MaxConcurrentStreams: 16, SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second, WriteByteTimeout: 30 * time.Second}}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go f.tend(ctx)
	go f.windows.run(ctx)
	go f.odd.run(ctx)
	go f.meet(ctx)
	go func() {
		<-ctx.Done()
		f.hangUp()
		closing, done := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer done()
		if server.Shutdown(closing) != nil {
			_ = server.Close()
		}
	}()
	if err := server.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// handler is the doors: one for those who have no certificate, the others for hosts.
func (f *Fleet) handler() http.Handler {
	opts := []connect.HandlerOption{connect.WithReadMaxBytes(wire.MostMessage), connect.WithSendMaxBytes(wire.MostMessage), connect.WithCompressMinBytes(4 << 10),
		connect.WithRecover(func(_ context.Context, _ connect.Spec, _ http.Header, what any) error {
			f.c.Log.Error("sensor link", "panic", what)
			return refused(connect.CodeInternal, "that did not work; the reason is in the server's log")
		})}
	mux := http.NewServeMux()
	path, enrol := wireconnect.NewDeskHandler(desk{f}, append(opts, connect.WithReadMaxBytes(64<<10))...)
	mux.Handle(path, http.MaxBytesHandler(enrol, 64<<10))
	path, _ = wireconnect.NewLinkHandler(&line{})
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		a, err := f.whose(r)
		if err != nil {
			_ = connect.NewErrorWriter().Write(w, r, err)
			return
		}
		_, talk := wireconnect.NewLinkHandler(&line{f, a, r.RemoteAddr}, opts...)
		talk.ServeHTTP(w, r)
	})
	path, _ = wireconnect.NewPeersHandler(&porch{})
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		id, err := f.fellow(r)
		if err != nil {
			_ = connect.NewErrorWriter().Write(w, r, err)
			return
		}
		_, share := wireconnect.NewPeersHandler(&porch{f, id}, append(opts, connect.WithReadMaxBytes(mostErrand), connect.WithSendMaxBytes(mostNews))...)
		share.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /reach", func(w http.ResponseWriter, r *http.Request) {
		if _, err := f.whose(r); err != nil {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

// whose is the agent that a request comes from: its certificate was verified by TLS, and the book
// must know it still.
func (f *Fleet) whose(r *http.Request) (Agent, *connect.Error) {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return Agent{}, refused(connect.CodeUnauthenticated, "a certificate is needed: tocsin-sensor enroll")
	}
	id, host, ok := f.authority.named(r.TLS.VerifiedChains[0][0])
	if !ok {
		return Agent{}, refused(connect.CodePermissionDenied, "this certificate is for nothing here")
	}
	a, ok, err := f.c.Book.Agent(r.Context(), id)
	if err != nil {
		f.c.Log.Error("find an agent", "err", err)
		return Agent{}, refused(connect.CodeUnavailable, "the server cannot look that up now")
	}
	if !ok || a.Host != host || !a.Revoked.IsZero() {
		f.c.Log.Warn("a certificate that was revoked was used", "host", host, "agent", id, "from", r.RemoteAddr)
		return Agent{}, refused(connect.CodePermissionDenied, "this certificate was revoked; enrol the host again")
	}
	return a, nil
}

// line is what one host can say, beside the conversation too.
type line struct {
	*Fleet
	agent Agent
	from  string // address
}

// Renew gives a new certificate for the same agent and host.
func (l *line) Renew(_ context.Context, r *connect.Request[wire.RenewRequest]) (*connect.Response[wire.RenewResponse], error) {
	cert, err := l.authority.issue(r.Msg.GetCsr(), l.agent.ID, l.agent.Host)
	if err != nil {
		return nil, refused(connect.CodeInvalidArgument, err.Error())
	}
	return connect.NewResponse(&wire.RenewResponse{Certificate: cert}), nil
}

// Deliver takes the archive of a directive, from the host that it was ordered from and nobody else.
func (l *line) Deliver(ctx context.Context, in *connect.ClientStream[wire.DeliverRequest]) (*connect.Response[wire.DeliverResponse], error) {
	if !in.Receive() {
		return nil, refused(connect.CodeInvalidArgument, "nothing came")
	}
	id := in.Msg().GetDirective()
	if !l.awaits(id, l.agent.Host) || l.c.Shelf == nil {
		l.c.Log.Warn("an archive came that nobody asked for", "host", l.agent.Host)
		return nil, refused(connect.CodePermissionDenied, "nobody awaits that")
	}
	got := &delivered{in: in}
	kept, err := l.c.Shelf.Put(ctx, id, got, mostArchive)
	switch {
	case errors.Is(err, errDamaged):
		return nil, refused(connect.CodeDataLoss, err.Error())
	case err != nil:
		l.c.Log.Error("keep an archive", "host", l.agent.Host, "err", err)
		return nil, refused(connect.CodeInternal, "the archive was not kept; the reason is in the server's log")
	}
	return connect.NewResponse(&wire.DeliverResponse{Size: kept.Size}), nil
}

// tend looks after the conversations: pings, and the book.
func (f *Fleet) tend(ctx context.Context) {
	ping, look := time.NewTicker(pingEvery), time.NewTicker(lookEvery)
	defer ping.Stop()
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ping.C:
			for _, s := range f.connected() {
				s.ping()
			}
		case <-look.C:
			if err := f.learn(ctx); err != nil && ctx.Err() == nil {
				f.c.Log.Warn("look who is in the book", "err", err)
			}
		}
	}
}

var _ io.Reader = (*delivered)(nil)
