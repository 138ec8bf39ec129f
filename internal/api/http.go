package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"connectrpc.com/connect"

	"github.com/tocsin-ir/tocsin/internal/api/wire/wireconnect"
)

// writeWait is how long a reader may take for one message of a stream.
const writeWait = 15 * time.Second

// Server is the API as a handler.
type Server struct {
	// Path is where it wants to be mounted.
	Path string

	handler http.Handler
	end     context.CancelFunc
}

// New makes the API of a house. looksRight says whether a text could be a token at
// all; it is asked before anything of a request is read.
func New(h House, looksRight func(token string) bool, log *slog.Logger) *Server {
	ending, end := context.WithCancel(context.Background())
	d := &desk{house: h, log: log, limits: newLimits(), ending: ending.Done()}
	path, inner := wireconnect.NewWarRoomHandler(d,
		connect.WithReadMaxBytes(maxRequest), // of what was compressed, too
		connect.WithCompressMinBytes(1<<10),
		connect.WithRecover(func(_ context.Context, _ connect.Spec, _ http.Header, what any) error {
			log.Error("api", "panic", what)
			return connect.NewError(connect.CodeInternal, errors.New("that did not work; the reason is in the server's log"))
		}))
	refuse := connect.NewErrorWriter()
	deny := func(w http.ResponseWriter, r *http.Request, status int, no *connect.Error) {
		if !refuse.IsSupported(r) {
			http.Error(w, no.Message(), status)
			return
		}
		_ = refuse.Write(w, r, no)
	}
	return &Server{Path: path, end: end, handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !looksRight(bearer(r.Header)) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			deny(w, r, http.StatusUnauthorized, connect.NewError(connect.CodeUnauthenticated, errors.New("a token is needed, as it was printed: tocsin_pat_…")))
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil {
			deny(w, r, http.StatusRequestEntityTooLarge, connect.NewError(connect.CodeInvalidArgument, errors.New("the request is too large, or never came")))
			return
		}
		// The server's time for reading and writing a request is for vendors' short ones.
		// The request is read; each message of the answer gets a time of its own.
		c := http.NewResponseController(w)
		_ = c.SetReadDeadline(time.Time{})
		r.Body = io.NopCloser(bytes.NewReader(body))
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Accel-Buffering", "no") // nginx keeps streams back otherwise
		inner.ServeHTTP(&patient{w, c}, r)
	})}
}

// ServeHTTP answers a call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Close ends all streams; whoever watches comes again.
func (s *Server) Close() { s.end() }

// patient gives every write a time of its own, so that a stream may be long and a
// reader who never reads holds up nothing for long.
type patient struct {
	http.ResponseWriter
	c *http.ResponseController
}

// Write writes within writeWait, or the stream ends.
func (p *patient) Write(b []byte) (int, error) {
	_ = p.c.SetWriteDeadline(time.Now().Add(writeWait))
	return p.ResponseWriter.Write(b)
}

// Flush sends what was written.
func (p *patient) Flush() {
	_ = p.c.SetWriteDeadline(time.Now().Add(writeWait))
	_ = p.c.Flush()
}
