package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/engine"
	"github.com/tocsin-ir/tocsin/incident"
	"github.com/tocsin-ir/tocsin/store"
)

// together runs f in n goroutines and reports their errors.
func together(t testing.TB, n int, f func(worker int) error) {
	t.Helper()
	var wg sync.WaitGroup
	for w := range n {
		wg.Go(func() {
			if err := f(w); err != nil {
				t.Errorf("worker %d: %v", w, err)
			}
		})
	}
	wg.Wait()
}

// add commits one note, deciding again as long as others are faster.
func add(ctx context.Context, db *store.DB, id incident.ID, text string) (tries int, err error) {
	for tries = 1; ; tries++ {
		s, err := db.Load(ctx, id)
		if err != nil {
			return tries, err
		}
		_, err = db.Commit(ctx, change(s, incident.Noted{Text: incident.Seal(text)}))
		if !errors.Is(err, engine.ErrStale) {
			return tries, err
		}
	}
}

func eightAtOne(t *testing.T, b *bench) {
	const each = 5
	other := b.replica(t)
	together(t, 8, func(w int) error {
		db := b.db
		if w%2 == 1 {
			db = other
		}
		for i := range each {
			if _, err := add(t.Context(), db, "INC-0001", fmt.Sprintf("%d/%d", w, i)); err != nil {
				return err
			}
		}
		return nil
	})
	v, err := b.db.Verify(t.Context(), "INC-0001")
	if err != nil || v.Lines != 8*each {
		t.Fatalf("the record: %+v, %v", v, err)
	}
	if s := b.load(t, "INC-0001"); s.Version != 8*each || s.Seq != 8*each {
		t.Fatalf("version %d, line %d", s.Version, s.Seq)
	}
}

func eightAtMany(t *testing.T, b *bench) {
	const each = 12
	together(t, 8, func(w int) error {
		for i := range each {
			tries, err := add(t.Context(), b.db, incident.ID(fmt.Sprintf("INC-%04d", w)), fmt.Sprint(i))
			if err != nil {
				return err
			}
			if tries > 1 {
				return fmt.Errorf("nobody else was there, and yet it took %d tries", tries)
			}
		}
		return nil
	})
	for w := range 8 {
		if v, err := b.db.Verify(t.Context(), incident.ID(fmt.Sprintf("INC-%04d", w))); err != nil || v.Lines != each {
			t.Errorf("INC-%04d: %+v, %v", w, v, err)
		}
	}
}

// singleClaim lets eight workers on two replicas empty 16 lanes. One claim in nine
// "crashes": its worker forgets it, and the lease runs out. That each effect was had
// by one at a time, and in the order of its lane, is read from the tables.
func singleClaim(t *testing.T, b *bench) {
	const lanes, deep = 16, 6
	for l := range lanes {
		c := change(b.load(t, incident.ID(fmt.Sprintf("INC-%04d", l))), incident.Noted{})
		for range deep {
			c = owes(c, "room", incident.Rank(l%4), t0, incident.DressRoom{})
		}
		b.commit(t, c)
	}
	other := b.replica(t)
	var handed, crashed, finished, clock atomic.Int64
	var seen sync.Map
	together(t, 8, func(w int) error {
		db := b.db
		if w%2 == 1 {
			db = other
		}
		for finished.Load() < lanes*deep {
			now := t0.Add(time.Duration(clock.Load()) * time.Second)
			tasks, err := db.Claim(t.Context(), fmt.Sprint("w", w), now, incident.RankRefresh, 3, time.Minute)
			if err != nil {
				return err
			}
			if len(tasks) == 0 {
				clock.Add(5) // so that leases of the crashed run out
				continue
			}
			for _, task := range tasks {
				if _, twice := seen.LoadOrStore(fmt.Sprint(task.ID, task.Attempt), true); twice {
					return fmt.Errorf("%s attempt %d was handed out twice", task.ID, task.Attempt)
				}
				if handed.Add(1)%9 == 0 {
					crashed.Add(1)
					continue
				}
				err := db.Settle(t.Context(), task, done)
				if errors.Is(err, engine.ErrLost) {
					crashed.Add(1) // the others moved the clock past our lease
					continue
				}
				if err != nil {
					return err
				}
				finished.Add(1)
				if err := b.orderKept(t.Context()); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if n := b.number(t, `SELECT count(*) FROM effects WHERE workspace = $1 AND state = 'done'`, b.workspace); n != lanes*deep {
		t.Errorf("%d of %d are done", n, lanes*deep)
	}
	if n := b.number(t, `SELECT CAST(sum(attempt) AS BIGINT) FROM effects WHERE workspace = $1`, b.workspace); n != handed.Load() || n != lanes*deep+crashed.Load() {
		t.Errorf("the tables know of %d claims, the workers of %d: %d effects and %d crashes", n, handed.Load(), lanes*deep, crashed.Load())
	}
}

// orderKept reads whether any effect is done before an earlier one of its lane, and
// whether a lane has work and no head.
func (b *bench) orderKept(ctx context.Context) error {
	var early, headless int64
	err := b.raw.QueryRowContext(ctx, `SELECT
		(SELECT count(*) FROM effects a JOIN effects z ON z.workspace = a.workspace AND z.lane = a.lane AND z.ord > a.ord
		 WHERE a.workspace = $1 AND a.state IN ('open', 'queued') AND z.state IN ('open', 'done')),
		(SELECT count(DISTINCT lane) FROM effects q WHERE q.workspace = $1 AND q.state = 'queued' AND NOT EXISTS (
		 SELECT 1 FROM effects o WHERE o.workspace = q.workspace AND o.lane = q.lane AND o.state = 'open'))`, b.workspace).Scan(&early, &headless)
	if err == nil && early+headless > 0 {
		err = fmt.Errorf("%d effects overtook another, %d lanes have no head", early, headless)
	}
	return err
}
