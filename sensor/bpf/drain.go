package bpf

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf/ringbuf"
)

// Lane is one of the two ring buffers.
type Lane uint8

// What must not be lost goes on Priority: programs that are started, and everything rare.
// Exits, files, names and connections go on Bulk.
const (
	Priority Lane = iota
	Bulk
)

// String is the lane in one word.
func (l Lane) String() string { return [...]string{"priority", "bulk"}[l&1] }

// Reader takes records out of both rings. The programs never wake it: a wake-up for each
// event costs thirty times what the event does. Whoever has it drains every few milliseconds.
type Reader struct {
	rings [2]*ringbuf.Reader
	rec   ringbuf.Record
}

// NewReader opens the rings. There may be one reader at a time.
func (e *Eyes) NewReader() (*Reader, error) {
	var r Reader
	for lane, name := range []string{"priority", "bulk"} {
		ring, err := ringbuf.NewReader(e.maps[name])
		if err != nil {
			_ = r.Close()
			return nil, fmt.Errorf("open the %s ring: %w", name, err)
		}
		r.rings[lane] = ring
	}
	return &r, nil
}

// Drain gives take every record that was there when it began, priority first, and what
// of the bulk lane was there before: a program is known before its connections are seen.
// The bytes are good until take returns. At most limit records come from either ring.
func (r *Reader) Drain(limit int, take func(Lane, []byte)) error {
	behind := r.rings[Bulk].AvailableBytes()
	if err := r.drain(Priority, r.rings[Priority].AvailableBytes(), limit, take); err != nil {
		return err
	}
	return r.drain(Bulk, behind, limit, take)
}

func (r *Reader) drain(lane Lane, bytes, limit int, take func(Lane, []byte)) error {
	ring := r.rings[lane]
	for n := 0; bytes > 0 && n < limit; n++ {
		ring.SetDeadline(past)
		err := ring.ReadInto(&r.rec)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
		bytes -= (len(r.rec.RawSample) + 8 + 7) &^ 7 // header, and rounded up
		take(lane, r.rec.RawSample)
	}
	return nil
}

var past = time.Unix(1, 0)

// Close gives the rings back.
func (r *Reader) Close() error {
	var errs []error
	for _, ring := range r.rings {
		if ring != nil {
			errs = append(errs, ring.Close())
		}
	}
	return errors.Join(errs...)
}
