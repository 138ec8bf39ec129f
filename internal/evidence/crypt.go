package evidence

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// The content is cut into chunks of 64 KiB, the last of which may be shorter and is
// there even when it is empty. Each is AES-256-GCM under the item's key with a nonce
// that is used once: 11 bytes of its number from 0, big-endian, and a byte that is 1
// for the last. So chunks cannot be moved, dropped or cut off at the end.
const chunk = 64 << 10 // bytes

func newAEAD(key []byte) (cipher.AEAD, error) {
	if len(key) != 32 {
		return nil, errors.New("the key of an item has 32 bytes")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func nonce(n uint64, last bool) []byte {
	b := make([]byte, 12)
	binary.BigEndian.PutUint64(b[3:11], n)
	if last {
		b[11] = 1
	}
	return b
}

// seal encrypts what r gives into w, under a new key.
func seal(w io.Writer, r io.Reader) (Item, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	aead, err := newAEAD(key)
	if err != nil {
		return Item{}, err
	}
	content, stored := sha256.New(), sha256.New()
	from, to := bufio.NewReaderSize(io.TeeReader(r, content), chunk+1), io.MultiWriter(w, stored)
	item := Item{Key: key}
	buf := make([]byte, chunk)
	for n := uint64(0); ; n++ {
		size, last, err := next(from, buf)
		if err != nil {
			return Item{}, err
		}
		if _, err := to.Write(aead.Seal(nil, nonce(n, last), buf[:size], nil)); err != nil {
			return Item{}, err
		}
		item.Size += int64(size)
		if last {
			item.SHA256, item.Stored = hex.EncodeToString(content.Sum(nil)), hex.EncodeToString(stored.Sum(nil))
			return item, nil
		}
	}
}

// next fills buf and says whether nothing comes after it.
func next(r *bufio.Reader, buf []byte) (n int, last bool, err error) {
	n, err = io.ReadFull(r, buf)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && n < len(buf) && atEnd(r) {
		return n, true, nil
	}
	if err != nil {
		return n, false, err
	}
	return n, atEnd(r), nil
}

func atEnd(r *bufio.Reader) bool {
	_, err := r.Peek(1)
	return errors.Is(err, io.EOF)
}

// unsealing decrypts as it is read.
type unsealing struct {
	from *bufio.Reader
	aead cipher.AEAD
	n    uint64
	rest []byte
	done bool
}

func unseal(r io.Reader, key []byte) (*unsealing, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	return &unsealing{from: bufio.NewReaderSize(r, chunk+aead.Overhead()+1), aead: aead}, nil
}

// Read gives content that was proved.
func (u *unsealing) Read(b []byte) (int, error) {
	for len(u.rest) == 0 {
		if u.done {
			return 0, io.EOF
		}
		buf := make([]byte, chunk+u.aead.Overhead())
		size, last, err := next(u.from, buf)
		if err != nil {
			return 0, err
		}
		if u.rest, err = u.aead.Open(buf[:0], nonce(u.n, last), buf[:size], nil); err != nil {
			return 0, fmt.Errorf("part %d: %w", u.n, ErrChanged)
		}
		u.n, u.done = u.n+1, last
	}
	n := copy(b, u.rest)
	u.rest = u.rest[n:]
	return n, nil
}
