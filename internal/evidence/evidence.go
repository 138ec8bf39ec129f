// Package evidence keeps the contents of files as they were found. An item is kept for
// good before Put returns, is never changed, and is proved again whenever it is read.
//
// Each item is encrypted under a key of its own, which Put returns and does not keep:
// who destroys the key has destroyed the content, in every copy of the store. The item is
// named by the SHA-256 of what is stored, the encrypted bytes, so that whether it was
// changed can be told without the key; see crypt.go for the form.
//
// Items of one case (an incident) stand together, so that what belongs to it can be
// handed over or destroyed without asking what another still needs. A Folder keeps them
// on this machine; package bucket keeps them in S3, or what speaks like it. Both pass
// evidencetest.Conform.
package evidence

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
)

// Store keeps evidence. It is safe for concurrent use, by several processes.
type Store interface {
	// Put keeps everything that r gives, if that is at most limit bytes, for a case. It
	// returns when nothing can lose it any more. ErrTooLarge when there are more.
	Put(ctx context.Context, of string, r io.Reader, limit int64) (Item, error)
	// Open gives an item's content. What is stored is read and proved first, and each part
	// of it again when it is decrypted: ErrChanged when it is not what was kept,
	// fs.ErrNotExist when it is not there.
	Open(ctx context.Context, of string, item Item) (io.ReadCloser, error)
	// Remove takes an item away, given its name. One that is not there is no error.
	Remove(ctx context.Context, of, stored string) error
	Close() error
}

// Item is what was kept. Without it the content cannot be read.
type Item struct {
	SHA256 string `json:"sha256"` // of the content, lower-case hex
	Size   int64  `json:"size"`   // of the content, bytes
	Stored string `json:"stored"` // SHA-256 of what is stored, which is its name
	Key    []byte `json:"key"`
}

// ErrTooLarge says that there were more bytes than the limit; none of them is kept.
var ErrTooLarge = errors.New("larger than the limit")

// ErrChanged says that the bytes that are stored are not those that were put there.
var ErrChanged = errors.New("the bytes are not those that were kept, or the key is another")

var caseName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// CheckCase errs for what cannot be the name of a case: nothing outside the store can be
// named with what it lets pass.
func CheckCase(of string) error {
	if !caseName.MatchString(of) {
		return fmt.Errorf("%q cannot be the name of a case", of)
	}
	return nil
}

// CheckName errs for what cannot be the name of an item of a case.
func CheckName(of, stored string) error {
	if b, err := hex.DecodeString(stored); CheckCase(of) != nil || err != nil || len(b) != sha256.Size || hex.EncodeToString(b) != stored {
		return fmt.Errorf("%q of %q cannot be the name of an item", stored, of)
	}
	return nil
}

// Seal encrypts at most limit bytes of what r gives into w, under a new key, and stops
// when ctx ends. ErrTooLarge when there are more.
func Seal(ctx context.Context, w io.Writer, r io.Reader, limit int64) (Item, error) {
	item, err := seal(w, io.LimitReader(stopping{ctx, r}, limit+1))
	if err == nil && item.Size > limit {
		err = ErrTooLarge
	}
	return item, err
}

// SealedSize is how many bytes are stored of so many bytes of content.
func SealedSize(content int64) int64 { return content + 16*max(1, (content+chunk-1)/chunk) }

// Unseal proves everything in f, from its beginning, and gives the content. ErrChanged
// when it is not what the item was made of. Closing it closes f, and an error has.
func Unseal(f io.ReadSeekCloser, item Item) (io.ReadCloser, error) {
	sum := sha256.New()
	_, err := io.Copy(sum, f)
	if err == nil && hex.EncodeToString(sum.Sum(nil)) != item.Stored {
		err = ErrChanged
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	content, kerr := unseal(f, item.Key)
	if err = errors.Join(err, kerr); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{content, f}, nil
}

// stopping reads until a context ends.
type stopping struct {
	ctx context.Context
	r   io.Reader
}

func (s stopping) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(b)
}
