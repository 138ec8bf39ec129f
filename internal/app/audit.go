package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/tocsin-ir/tocsin/internal/audit"
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/store"
)

// Audit is the record with the key that signs its heads. Its zero value is of no use;
// see OpenAudit.
type Audit struct {
	config config.Config
	db     *store.DB
	now    func() time.Time
}

// OpenAudit opens the database for the command line, beside a running server or
// without one. It needs the master key, as texts are part of an export.
func OpenAudit(ctx context.Context, c config.Config) (*Audit, error) {
	key, _, err := masterKey(c)
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, c.Database, c.Workspace, store.Options{Key: key})
	if err != nil {
		return nil, err
	}
	return &Audit{c, db, time.Now}, nil
}

// Close closes the database.
func (a *Audit) Close() error { return a.db.Close() }

// Keys are the public keys, the first first; the last signs. Where there is none yet
// the key at hand becomes the first.
func (a *Audit) Keys(ctx context.Context) ([]audit.Key, error) {
	_, unable := a.signer(ctx)
	keys, err := a.db.AuditKeys(ctx)
	if err == nil && len(keys) == 0 {
		err = unable
	}
	return each(keys, keyOf), err
}

// signer is the key at hand, which is the newest, or the first from now on.
func (a *Audit) signer(ctx context.Context) (audit.Signer, error) {
	s, err := auditSigner(a.config)
	if err != nil {
		return s, err
	}
	err = audit.Begin(ctx, a.book(), a.config.Workspace, s, a.now())
	path := auditKeyFile(a.config)
	if err == nil || path == "" {
		return s, err
	}
	keys, kerr := a.db.AuditKeys(ctx)
	if kerr != nil || len(keys) == 0 {
		return s, errors.Join(err, kerr)
	}
	settled, serr := settleKey(path, keys[len(keys)-1].ID)
	if serr != nil || !settled {
		return s, errors.Join(err, serr)
	}
	return auditSigner(a.config)
}

// Sign signs the heads of all streams (or of one) that moved since they were last
// signed, and appends them to the anchor file when there is one. What does not follow
// from its last signed head is an error; the others are signed all the same.
func (a *Audit) Sign(ctx context.Context, stream string) (int, error) {
	s, err := a.signer(ctx)
	if err != nil {
		return 0, err
	}
	heads, err := audit.Sign(ctx, a.book(), a.config.Workspace, s, stream, a.now())
	if a.config.Anchor != "" && len(heads) > 0 {
		err = errors.Join(err, anchor(a.config.Anchor, heads))
	}
	return len(heads), err
}

func anchor(path string, heads []audit.Head) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("anchor heads: %w", err)
	}
	return errors.Join(audit.WriteAnchor(f, heads), f.Sync(), f.Close())
}

// Export signs what can be signed and writes a stream, or all for "". A record that
// is not whole is exported as it is, for Verify to say so; signed tells what of it
// was refused a signature.
func (a *Audit) Export(ctx context.Context, stream string, withoutText bool, w io.Writer) (s audit.Signer, signed, err error) {
	if s, err = a.signer(ctx); err != nil {
		return s, nil, err
	}
	_, signed = a.Sign(ctx, stream)
	err = a.book().View(ctx, func(v audit.View) error {
		return audit.Export(ctx, v, s, audit.What{Workspace: a.config.Workspace, Stream: stream, WithoutText: withoutText}, a.now(), w)
	})
	return s, signed, err
}

// Rotate replaces the key. Without a key configured the next one is made and takes
// the place of the file; otherwise next is it, and the operator puts it in
// TOCSIN_AUDIT_KEY of every replica afterwards.
func (a *Audit) Rotate(ctx context.Context, next config.Secret) (audit.Signer, error) {
	s, err := a.signer(ctx)
	if err != nil {
		return s, err
	}
	path := auditKeyFile(a.config)
	var to audit.Signer
	switch {
	case next.IsSet():
		to, err = signerOf(next.Reveal(), "the next key")
	case path == "":
		return s, errors.New("the key comes from TOCSIN_AUDIT_KEY: give the next one with --next @file")
	default:
		to, err = nextSigner(path)
	}
	if err != nil {
		return s, err
	}
	if next.IsSet() && path != "" {
		return s, errors.New("the key is in a file beside the database, which --next would leave behind: leave it out, or set TOCSIN_AUDIT_KEY")
	}
	if _, err := a.Sign(ctx, ""); err != nil {
		return s, fmt.Errorf("sign what is there before the key changes: %w", err)
	}
	if err := audit.Rotate(ctx, a.book(), a.config.Workspace, s, to, a.now()); err != nil {
		return s, err
	}
	if path != "" {
		_, err = settleKey(path, to.ID())
	}
	return to, err
}

// TakeOver makes the key at hand the one that signs, where the one before is lost.
func (a *Audit) TakeOver(ctx context.Context) error {
	s, err := auditSigner(a.config)
	if err != nil {
		return err
	}
	return audit.TakeOver(ctx, a.book(), a.config.Workspace, s, a.now())
}

// signHeads is the sweep: whoever has a copy of a head can tell from then on whether
// the record before it was changed.
func (a *App) signHeads(ctx context.Context) {
	if _, err := (&Audit{a.config, a.db, a.clock.Now}).Sign(ctx, ""); errors.Is(err, errNoAuditKey) {
		a.log.Warn("heads of the record are not signed", "error", err)
	} else if err != nil && ctx.Err() == nil {
		a.log.Error("heads of the record could not all be signed", "error", err)
	}
}

func (a *Audit) book() audit.Book { return book{a.db} }
