package slack

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// Socket Mode. https://docs.slack.dev/apis/events-api/using-socket-mode
const (
	maxSockets   = 10
	ticketLife   = 30 * time.Second // real
	pingEvery    = 5 * time.Second
	socketBuffer = 1024
	maxAckBytes  = 20_000 // a larger answer is dropped without a word
)

// conn is one WebSocket of the app.
type conn struct {
	ws   *websocket.Conn
	out  chan []byte
	gone chan struct{}
}

// question is an envelope that waits for its acknowledgement.
type question struct {
	conn  *conn
	done  chan json.RawMessage // interactions; nil for events
	event *delivery
	timer *time.Timer
	turn  int // order of sending
}

func openConnection(s *Server, _ *call) (obj, error) {
	if !s.app.SocketMode {
		return nil, no("socket_mode_not_enabled")
	}
	clip(s.tickets, func(t time.Time) time.Time { return t })
	ticket := random(40)
	s.tickets[ticket] = time.Now()
	u := "ws" + strings.TrimPrefix(s.base, "http") + "/link?ticket=" + ticket + "&app_id=" + s.app.AppID
	return obj{"url": u}, nil
}

// redeem uses a ticket up.
func (s *Server) redeem(ticket string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	born, known := s.tickets[ticket]
	delete(s.tickets, ticket)
	return known && time.Since(born) < ticketLife && s.ctx.Err() == nil
}

func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	if !s.redeem(r.URL.Query().Get("ticket")) {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }} // the ticket is the key
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	ws.SetReadLimit(1 << 20)
	k := &conn{ws: ws, out: make(chan []byte, socketBuffer), gone: make(chan struct{})}
	go s.write(k)
	s.locked(func() {
		if len(s.conns) >= maxSockets {
			k.send(obj{"type": "disconnect", "reason": "too_many_websockets", "debug_info": obj{"host": "sandbox"}})
			s.after = append(s.after, func() { time.AfterFunc(100*time.Millisecond, k.cut) })
			return
		}
		s.conns = append(slices.Clone(s.conns), k)
		k.send(obj{
			"type": "hello", "num_connections": len(s.conns),
			"connection_info": obj{"app_id": s.app.AppID},
			"debug_info":      obj{"host": "sandbox", "build_number": 1, "approximate_connection_time": 18060},
		})
		waiting := s.waiting
		s.waiting = nil
		for _, d := range waiting {
			s.dispatch(d)
		}
		s.changed()
	})
	s.read(k)
}

// send queues v for the socket; a socket that does not keep up is cut.
func (k *conn) send(v obj) bool {
	select {
	case k.out <- raw(v):
		return true
	case <-k.gone:
	default:
		go k.cut()
	}
	return false
}

// cut closes without a goodbye.
func (k *conn) cut() { _ = k.ws.Close() }

func (s *Server) write(k *conn) {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	defer k.cut()
	if k.ws.WriteControl(websocket.PingMessage, []byte("Ping from sandbox"), time.Now().Add(time.Second)) != nil {
		return
	}
	for {
		select {
		case b := <-k.out:
			_ = k.ws.SetWriteDeadline(time.Now().Add(5 * time.Second))
			if k.ws.WriteMessage(websocket.TextMessage, b) != nil {
				return
			}
		case <-ping.C:
			if k.ws.WriteControl(websocket.PingMessage, []byte("Ping from sandbox"), time.Now().Add(time.Second)) != nil {
				return
			}
		case <-k.gone:
			return
		}
	}
}

// read takes acknowledgements until the socket ends, then sends its unanswered
// events another way.
func (s *Server) read(k *conn) {
	for {
		var ack struct {
			EnvelopeID string          `json:"envelope_id"`
			Payload    json.RawMessage `json:"payload"`
		}
		_, b, err := k.ws.ReadMessage()
		if err != nil {
			break
		}
		if len(b) >= maxAckBytes || json.Unmarshal(b, &ack) != nil || ack.EnvelopeID == "" {
			s.log.Warn("socket message ignored", "bytes", len(b))
			continue
		}
		s.locked(func() { s.acked(ack.EnvelopeID, ack.Payload) })
	}
	close(k.gone)
	s.locked(func() {
		s.conns = slices.DeleteFunc(slices.Clone(s.conns), func(c *conn) bool { return c == k })
		var lost []*question
		for id, q := range s.asked {
			if q.conn == k && q.event != nil {
				q.timer.Stop()
				delete(s.asked, id)
				lost = append(lost, q)
			}
		}
		slices.SortFunc(lost, func(a, b *question) int { return a.turn - b.turn })
		for _, q := range lost {
			s.missed(q.event, "timeout")
		}
		s.changed()
	})
}

func (s *Server) acked(id string, payload json.RawMessage) {
	if s.loseAcks > 0 && s.asked[id] != nil {
		s.loseAcks--
		return
	}
	q := s.asked[id]
	if q == nil {
		return
	}
	delete(s.asked, id)
	if q.timer != nil {
		q.timer.Stop()
	}
	if q.done != nil {
		q.done <- payload // has room for one, and the question is gone now
	}
}

// next is the socket whose turn it is, not but where there is another, or nil.
func (s *Server) next(but *conn) *conn {
	if len(s.conns) == 0 {
		return nil
	}
	s.turn++
	k := s.conns[s.turn%len(s.conns)]
	if k == but {
		s.turn++
		k = s.conns[s.turn%len(s.conns)]
	}
	return k
}

// sendEvent gives an event to a socket, or lets it wait for one for ackTime. The
// caller holds mu.
func (s *Server) sendEvent(d *delivery) {
	k := s.next(d.last)
	if k == nil {
		if len(s.waiting) >= maxQueue {
			s.log.Warn("event dropped: too many wait for a socket")
			return
		}
		s.waiting = append(s.waiting, d)
		time.AfterFunc(ackTime, func() {
			s.locked(func() {
				if i := slices.Index(s.waiting, d); i >= 0 {
					s.waiting = slices.Delete(s.waiting, i, i+1)
					s.missed(d, "timeout")
				}
			})
		})
		return
	}
	// A redelivery is a new envelope around the same event_id.
	id := envelopeID()
	d.last = k
	q := &question{conn: k, event: d, turn: s.turn}
	q.timer = time.AfterFunc(ackTime, func() {
		s.locked(func() {
			if s.asked[id] == q {
				delete(s.asked, id)
				s.missed(d, "timeout")
			}
		})
	})
	s.asked[id] = q
	k.send(obj{
		"envelope_id": id, "type": "events_api", "payload": d.payload, "accepts_response_payload": false,
		"retry_attempt": d.attempt, "retry_reason": d.reason,
	})
}

var errSilent = errors.New("no acknowledgement in time")
var errNobody = errors.New("the app holds no socket")

func (s *Server) askSocket(ctx context.Context, kind string, payload obj) (json.RawMessage, error) {
	id := envelopeID()
	done := make(chan json.RawMessage, 1)
	var k *conn
	s.locked(func() {
		if k = s.next(nil); k == nil {
			return
		}
		s.asked[id] = &question{conn: k, done: done}
		k.send(obj{"envelope_id": id, "type": kind, "payload": payload, "accepts_response_payload": true})
	})
	if k == nil {
		return nil, errNobody
	}
	select {
	case ack := <-done:
		return ack, nil
	case <-ctx.Done():
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.asked, id)
		return nil, errSilent
	}
}

func envelopeID() string {
	r := random(32)
	return r[:8] + "-" + r[8:12] + "-" + r[12:16] + "-" + r[16:20] + "-" + r[20:]
}

// Sockets is how many Socket Mode connections the app holds.
func (s *Server) Sockets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// DropSockets cuts every socket without a goodbye. Unacknowledged events are sent
// again on the next one.
func (s *Server) DropSockets() {
	s.mu.Lock()
	all := s.conns
	s.mu.Unlock()
	for _, k := range all {
		k.cut()
	}
}

// RefreshSockets tells every socket refresh_requested.
// Slack closes such a socket some seconds later; until then it still gets events.
func (s *Server) RefreshSockets() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.conns {
		k.send(obj{"type": "disconnect", "reason": "refresh_requested", "debug_info": obj{"host": "sandbox"}})
		time.AfterFunc(10*time.Second, k.cut)
	}
}

// WarnSockets sends the disconnect message with reason "warning" that comes some
// seconds before a refresh.
func (s *Server) WarnSockets() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.conns {
		k.send(obj{"type": "disconnect", "reason": "warning", "debug_info": obj{"host": "sandbox"}})
	}
}
