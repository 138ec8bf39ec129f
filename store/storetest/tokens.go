package storetest

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tocsin-ir/tocsin/store"
)

func tokensKept(t *testing.T, b *bench) {
	ctx := t.Context()
	made := t0.Truncate(time.Millisecond)
	laptop := store.Token{ID: "laptop", Person: "alice", Name: "laptop", Hash: bytes.Repeat([]byte{9}, 32), Made: made, Expires: made.Add(90 * 24 * time.Hour)}
	ci := store.Token{ID: "ci", Person: "bob", Hash: bytes.Repeat([]byte{8}, 32), Made: made, Expires: made.Add(time.Hour)}
	for _, k := range []store.Token{laptop, ci} {
		if err := b.db.AddToken(ctx, k); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.db.AddToken(ctx, laptop); err == nil {
		t.Error("the same id is there twice")
	}
	got, ok, err := b.db.Token(ctx, "laptop")
	if diff := cmp.Diff(laptop, got); !ok || err != nil || diff != "" {
		t.Errorf("%v %v\n%s", ok, err, diff)
	}
	if _, ok, err := b.db.Token(ctx, "nobody's"); ok || err != nil {
		t.Errorf("one that is not there: %v, %v", ok, err)
	}

	for _, at := range []time.Duration{time.Hour, time.Hour + time.Second, 3 * time.Hour} {
		if err := b.db.TokenUsed(ctx, laptop, made.Add(at)); err != nil {
			t.Fatal(err)
		}
		want := map[time.Duration]time.Duration{time.Hour + time.Second: time.Hour}[at]
		if want == 0 {
			want = at
		}
		if got, _, _ := b.db.Token(ctx, "laptop"); !got.Used.Equal(made.Add(want)) {
			t.Errorf("used %s after it was made: noted as %v", at, got.Used)
		}
	}

	if ok, err := b.db.RevokeToken(ctx, "ci", made.Add(time.Minute)); !ok || err != nil {
		t.Errorf("revoke: %v, %v", ok, err)
	}
	if ok, err := b.db.RevokeToken(ctx, "ci", made.Add(2*time.Minute)); ok || err != nil {
		t.Errorf("revoke again: %v, %v", ok, err)
	}
	all, err := b.replica(t).Tokens(ctx)
	if err != nil || len(all) != 2 || all[0].ID != "ci" || all[0].Good(made.Add(time.Second)) || !all[1].Good(made) || all[1].Good(laptop.Expires) {
		t.Errorf("another replica sees %+v, %v", all, err)
	}
	theirs := &bench{url: b.url, raw: b.raw, workspace: b.workspace + "-other"}
	theirs.db = theirs.replica(t)
	if _, ok, _ := theirs.db.Token(ctx, "laptop"); ok {
		t.Error("another workspace has our token")
	}
}

// Whoever can write to the table but has no key moves no token to another row.
func tokensBound(t *testing.T, b *bench) {
	ctx := t.Context()
	for _, id := range []string{"mallory", "alice"} {
		if err := b.db.AddToken(ctx, store.Token{ID: id, Person: "p", Hash: []byte(id), Made: t0, Expires: t0.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	b.exec(t, `UPDATE tokens SET kept = (SELECT m.kept FROM tokens m WHERE m.workspace = $1 AND m.id = 'mallory') WHERE workspace = $2 AND id = 'alice'`, b.workspace, b.workspace)
	if got, ok, err := b.db.Token(ctx, "alice"); err == nil {
		t.Errorf("a token that was moved is believed: %+v, %v", got, ok)
	}
}
