package app

import (
	"context"

	"github.com/tocsin-ir/tocsin/internal/audit"
	"github.com/tocsin-ir/tocsin/store"
)

// book lets package audit, which knows no database, read and sign ours.
type book struct{ db *store.DB }

func (b book) View(ctx context.Context, f func(audit.View) error) error {
	return b.db.Audit(ctx, func(s *store.AuditSnapshot) error { return f(auditView{s}) })
}

func (b book) AddHeads(ctx context.Context, key string, heads []audit.Head) error {
	kept := make([]store.AuditHead, 0, len(heads))
	for _, h := range heads {
		kept = append(kept, store.AuditHead(h))
	}
	return b.db.AddAuditHeads(ctx, key, kept)
}

func (b book) AddKey(ctx context.Context, sign func(audit.Key, int64) (audit.Key, error)) error {
	return b.db.AddAuditKey(ctx, func(before store.AuditKey, latest int64) (store.AuditKey, error) {
		k, err := sign(keyOf(before), latest)
		return store.AuditKey{ID: k.ID, Public: k.Public, At: k.At, Prev: k.Prev, ByPrev: k.ByPrev, BySelf: k.BySelf}, err
	})
}

func keyOf(k store.AuditKey) audit.Key {
	return audit.Key{ID: k.ID, Public: k.Public, At: k.At, Prev: k.Prev, ByPrev: k.ByPrev, BySelf: k.BySelf}
}

type auditView struct{ *store.AuditSnapshot }

func (v auditView) Keys(ctx context.Context) ([]audit.Key, error) {
	got, err := v.AuditSnapshot.Keys(ctx)
	return each(got, keyOf), err
}

func (v auditView) Lines(ctx context.Context, stream string, after int64, n int) ([]audit.Line, error) {
	got, err := v.AuditSnapshot.Lines(ctx, stream, after, n)
	return each(got, func(l store.AuditLine) audit.Line { return audit.Line(l) }), err
}

func (v auditView) Heads(ctx context.Context, stream string) ([]audit.Head, error) {
	got, err := v.AuditSnapshot.Heads(ctx, stream)
	return each(got, func(h store.AuditHead) audit.Head { return audit.Head(h) }), err
}

func (v auditView) Texts(ctx context.Context, refs []string) (map[string]audit.Text, error) {
	got, err := v.AuditSnapshot.Texts(ctx, refs)
	out := make(map[string]audit.Text, len(got))
	for ref, t := range got {
		out[ref] = audit.Text(t)
	}
	return out, err
}

func (v auditView) Erasure(ctx context.Context, ref string) (audit.Line, bool, error) {
	l, ok, err := v.AuditSnapshot.Erasure(ctx, ref)
	return audit.Line(l), ok, err
}

func (v auditView) Unsigned(ctx context.Context, stream string, n int) ([]audit.Unsigned, error) {
	got, err := v.AuditSnapshot.Unsigned(ctx, stream, n)
	return each(got, func(u store.AuditUnsigned) audit.Unsigned {
		return audit.Unsigned{Stream: u.Stream, Seq: u.Seq, Hash: u.Hash, Signed: audit.Head(u.Signed)}
	}), err
}

func each[A, B any](in []A, f func(A) B) []B {
	out := make([]B, 0, len(in))
	for _, a := range in {
		out = append(out, f(a))
	}
	return out
}
