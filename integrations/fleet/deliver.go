package fleet

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"hash"
	"io"
	"time"

	"connectrpc.com/connect"

	"github.com/tocsin-ir/tocsin/sensor/wire"
)

// awaited is an archive that a host was ordered to bring.
type awaited struct {
	host  string
	until time.Time
}

// awaitFor is longer than an order for an archive is tried.
const awaitFor = mostTries*slowAnswer + time.Minute

func (f *Fleet) await(directive, host string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, a := range f.awaited {
		if a.until.Before(time.Now()) {
			delete(f.awaited, id)
		}
	}
	f.awaited[directive] = awaited{host, time.Now().Add(awaitFor)}
}

func (f *Fleet) awaits(directive, host string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, ok := f.awaited[directive]
	return ok && a.host == host && time.Now().Before(a.until)
}

const mostArchive = 2 << 30 // bytes; the host's own limit is usually lower

var errDamaged = errors.New("the archive is not whole")

// delivered reads an archive as it comes, and ends well only if all of it came: the last message
// says what it hashes to.
type delivered struct {
	in   *connect.ClientStream[wire.DeliverRequest]
	sum  hash.Hash
	rest []byte
	over bool
}

func (d *delivered) Read(b []byte) (int, error) {
	if d.sum == nil {
		d.sum = sha256.New()
	}
	for len(d.rest) == 0 {
		if d.over {
			return 0, io.EOF
		}
		if !d.in.Receive() {
			return 0, errDamaged
		}
		if said := d.in.Msg().GetSha256(); len(said) > 0 {
			if subtle.ConstantTimeCompare(said, d.sum.Sum(nil)) != 1 {
				return 0, errDamaged
			}
			d.over = true
			continue
		}
		d.rest = d.in.Msg().GetPart()
		d.sum.Write(d.rest)
	}
	n := copy(b, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}
