package actiontest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/actions"
	"github.com/tocsin-ir/tocsin/incident"
)

// statuses walks the answers a vendor may give to each call in turn.
func (c Case) statuses(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 409, 410, 412, 422, 429, 500, 502, 503, 504} {
		a, w, in := c.make(t)
		w.Fail(status, -1, false)
		_, err := a.Plan(t.Context(), in)
		if err == nil && !c.offline(a) {
			t.Errorf("plan: the vendor answers %d to everything, and that is no error", status)
		}
		c.quiet(t, w, err)

		a, w, in = c.make(t)
		p := c.planned(t, a, in)
		n := w.Changes()
		w.Fail(status, -1, true)
		r, err := a.Do(t.Context(), p)
		if err == nil && w.Changes() == n {
			t.Errorf("do: every write was answered %d, and that is a success: %+v", status, r)
		}
		c.quiet(t, w, err)
	}
}

// offline is an action whose plan asks nobody, as of a list that Tocsin keeps itself.
func (c Case) offline(a actions.Action) bool {
	return a.Spec().Kind == actions.KindAddress && c.Unknown == ""
}

func (c Case) rights(t *testing.T) {
	a, w, in := c.make(t)
	p := c.planned(t, a, in)
	w.Fail(403, -1, true)
	_, err := a.Do(t.Context(), p)
	var missing *actions.MissingRight
	if !errors.As(err, &missing) {
		t.Fatalf("the vendor forbids every write; do answered %v", err)
	}
	if !slices.ContainsFunc(a.Spec().Rights, func(r string) bool { return strings.Contains(r, missing.Right) || strings.Contains(missing.Right, r) }) {
		t.Errorf("%q is missing, which is none of the rights the spec lists: %q", missing.Right, a.Spec().Rights)
	}
}

func (c Case) patience(t *testing.T) {
	a, w, in := c.make(t)
	p := c.planned(t, a, in)
	w.Fail(429, -1, true)
	_, err := a.Do(t.Context(), p)
	if wait, ok := incident.LaterBy(err); !ok || wait <= 0 {
		t.Errorf("the vendor asks for patience; do answered %v", err)
	}
	w.Fail(0, 0, false)
	if _, err := a.Do(t.Context(), p); err != nil {
		t.Errorf("the vendor is back; do answered %v", err)
	}
}

func (c Case) unknown(t *testing.T) {
	if c.Unknown == "" {
		return
	}
	a, w, in := c.make(t)
	in.Target = c.Unknown
	_, err := a.Plan(t.Context(), in)
	var no *actions.NoTarget
	if !errors.As(err, &no) {
		t.Errorf("there is no %q; plan answered %v", c.Unknown, err)
	}
	c.quiet(t, w, err)
}

func (c Case) context(t *testing.T) {
	a, w, in := c.make(t)
	p := c.planned(t, a, in)
	r := p.Receipt()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n := w.Changes()
	began := time.Now()
	if _, err := a.Do(ctx, p); err == nil {
		t.Error("do went on without anybody waiting for it")
	}
	if _, err := a.Verify(ctx, r); err == nil {
		t.Error("verify went on without anybody waiting for it")
	}
	if w.Changes() != n {
		t.Error("the world changed without anybody waiting for it")
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("a cancelled call took %s", took)
	}
}
