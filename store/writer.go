package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tocsin-ir/tocsin/engine"
)

// querier is a transaction, or a pool where no transaction is needed.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// writer runs a piece of writing in a transaction. When do returns nil, what f wrote
// is on disk; when it returns an error, nothing of it is. f may run more than once.
type writer interface {
	// do waits for its turn until ctx ends.
	do(ctx context.Context, f func(ctx context.Context, q querier) error) error
	// soon is do for when somebody waits for an answer: engine.ErrBusy once others have
	// kept the database to themselves for longer than soonMost.
	soon(ctx context.Context, f func(ctx context.Context, q querier) error) error
	// scrub makes what was deleted unreadable as far as the engine can.
	scrub(ctx context.Context) error
	close() error
}

// soonMost is well within the three seconds that Slack gives us to answer somebody.
const soonMost = 1500 * time.Millisecond

var errClosed = errors.New("the database is closed")

// maxGroup bounds how many commits share a transaction, and so how long one waits.
const maxGroup = 64

// fifo is SQLite's one writer. Commits that arrive while another is being written to
// disk wait in line and then share a transaction, one savepoint each; each is
// answered only after that transaction is on disk. One fsync so serves many.
type fifo struct {
	db    *sql.DB
	conn  *sql.Conn            // its only connection
	q     *prepared[*sql.Conn] // the same
	line  chan *job
	stop  chan struct{}
	ended chan struct{}
	once  sync.Once
	held  atomic.Int64 // since when another process writes to the file, unix nanoseconds; 0: none does
}

type job struct {
	ctx  context.Context
	f    func(ctx context.Context, q querier) error
	bare bool // outside a transaction
	done chan error
	own  atomic.Bool // somebody has decided what becomes of it
}

// take is true for the first who asks: the writer, who then writes it, or whoever
// waited for it, who then goes away and knows that it is never written.
func (j *job) take() bool { return j.own.CompareAndSwap(false, true) }

func newFIFO(ctx context.Context, db *sql.DB) (*fifo, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	// Another process that writes is waited for in begin, a little at a time.
	if _, err := conn.ExecContext(ctx, "PRAGMA busy_timeout = 100"); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	w := &fifo{
		db: db, conn: conn, q: &prepared[*sql.Conn]{on: conn},
		line: make(chan *job, 4*maxGroup), stop: make(chan struct{}), ended: make(chan struct{}),
	}
	go w.run()
	return w, nil
}

func (w *fifo) do(ctx context.Context, f func(context.Context, querier) error) error {
	return w.wait(&job{ctx: ctx, f: f, done: make(chan error, 1)}, 0)
}

func (w *fifo) soon(ctx context.Context, f func(context.Context, querier) error) error {
	return w.wait(&job{ctx: ctx, f: f, done: make(chan error, 1)}, soonMost)
}

// scrub empties the write-ahead log into the file, where secure_delete has
// overwritten what was deleted. A reader in the middle of something delays that to
// the next time, which is no error.
func (w *fifo) scrub(ctx context.Context) error {
	return w.wait(&job{ctx: ctx, bare: true, done: make(chan error, 1), f: func(ctx context.Context, q querier) error {
		_, err := q.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
		return err
	}}, 0)
}

// wait returns what became of a job. most bounds how long others may hold the file
// meanwhile; zero is without a bound.
func (w *fifo) wait(j *job, most time.Duration) error {
	line, stop, ended := w.line, w.stop, j.ctx.Done()
	var late <-chan time.Time
	if most > 0 {
		late = time.After(most - w.heldFor())
	}
	for {
		select {
		case line <- j:
			line, stop = nil, nil
		case err := <-j.done:
			return err
		case <-stop:
			return errClosed
		case <-w.ended:
			select {
			case err := <-j.done:
				return err
			default:
				return errClosed
			}
		case <-ended:
			if j.take() {
				return j.ctx.Err()
			}
			ended = nil // it is being written: whoever waits gets the truth of it
		case <-late:
			if left := most - w.heldFor(); left > 0 {
				late = time.After(left)
			} else if j.take() {
				return engine.ErrBusy
			} else {
				late = nil
			}
		}
	}
}

// heldFor is how long another process has kept us from writing.
func (w *fifo) heldFor() time.Duration {
	if since := w.held.Load(); since != 0 {
		return time.Duration(time.Now().UnixNano() - since)
	}
	return 0
}

func (w *fifo) run() {
	defer close(w.ended)
	for {
		select {
		case j := <-w.line:
			w.serve(j)
		case <-w.stop:
			return
		}
	}
}

func (w *fifo) serve(first *job) {
	if first.bare {
		if first.take() {
			first.done <- first.f(context.WithoutCancel(first.ctx), w.q)
		}
		return
	}
	group, after := []*job{first}, (*job)(nil)
	for len(group) < maxGroup && after == nil {
		select {
		case j := <-w.line:
			if j.bare {
				after = j
			} else {
				group = append(group, j)
			}
			continue
		default:
		}
		break
	}
	w.commit(group)
	if after != nil {
		w.serve(after)
	}
}

// commit runs a group. Statements do not see the caller's cancellation: SQLite may
// answer an interrupt by rolling back the whole transaction, that is, everybody's.
func (w *fifo) commit(group []*job) {
	bg := context.Background()
	all := func(err error) {
		for _, j := range group {
			j.done <- err
		}
	}
	if err := w.begin(bg); err != nil {
		all(fmt.Errorf("begin: %w", err))
		return
	}
	errs := make([]error, len(group))
	for i, j := range group {
		if !j.take() {
			continue
		}
		var broken error
		if errs[i], broken = inSavepoint(bg, w.q, j); broken != nil {
			_, _ = w.q.ExecContext(bg, "ROLLBACK")
			all(fmt.Errorf("write: %w", broken))
			return
		}
	}
	if _, err := w.q.ExecContext(bg, "COMMIT"); err != nil {
		_, _ = w.q.ExecContext(bg, "ROLLBACK")
		all(fmt.Errorf("commit: %w", err))
		return
	}
	for i, j := range group {
		j.done <- errs[i]
	}
}

// begin waits for as long as another process holds the file, so that whoever comes
// meanwhile learns at once that it does, and when it no longer does.
func (w *fifo) begin(ctx context.Context) error {
	for began := time.Now().UnixNano(); ; {
		_, err := w.q.ExecContext(ctx, "BEGIN IMMEDIATE")
		if !isBusy(err) {
			w.held.Store(0)
			return err
		}
		w.held.CompareAndSwap(0, began)
		select {
		case <-w.stop:
			return errClosed
		default:
		}
	}
}

// inSavepoint returns the job's own error, and apart from it an error of the
// transaction that everybody shares.
func inSavepoint(ctx context.Context, tx querier, j *job) (own, broken error) {
	if _, err := tx.ExecContext(ctx, "SAVEPOINT job"); err != nil {
		return nil, err
	}
	if own = guard(func() error { return j.f(ctx, tx) }); own != nil {
		if _, err := tx.ExecContext(ctx, "ROLLBACK TO job"); err != nil {
			return own, errors.Join(own, err)
		}
	}
	if _, err := tx.ExecContext(ctx, "RELEASE job"); err != nil {
		return own, err
	}
	return own, nil
}

// guard turns a panic into an error: one command's bug must not end everybody's work.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a bug, nothing was written: %v", p)
		}
	}()
	return f()
}

func (w *fifo) close() error {
	w.once.Do(func() { close(w.stop) })
	<-w.ended
	return errors.Join(w.q.close(), w.conn.Close(), w.db.Close())
}
