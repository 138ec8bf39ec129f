package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// preparer is a connection or a pool.
type preparer interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// prepared is a querier that reads each statement's text once: SQLite would parse and
// plan it every time. The texts are constants of this package, so they are few.
type prepared[P preparer] struct {
	on P

	// mu guards stmts.
	mu    sync.Mutex
	stmts map[string]*sql.Stmt
}

func (p *prepared[P]) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s, ok := p.stmts[query]; ok {
		return s, nil
	}
	s, err := p.on.PrepareContext(ctx, query) //nolint:sqlclosecheck // kept, and closed with the pool
	if err != nil {
		return nil, err
	}
	if p.stmts == nil {
		p.stmts = map[string]*sql.Stmt{}
	}
	p.stmts[query] = s
	return s, nil
}

func (p *prepared[P]) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := p.stmt(ctx, query) //nolint:sqlclosecheck // kept, and closed with the pool
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

func (p *prepared[P]) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := p.stmt(ctx, query) //nolint:sqlclosecheck // kept, and closed with the pool
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

func (p *prepared[P]) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s, err := p.stmt(ctx, query) //nolint:sqlclosecheck // kept, and closed with the pool
	if err != nil {
		return p.on.QueryRowContext(ctx, query, args...) // only to carry the error in a Row
	}
	return s.QueryRowContext(ctx, args...)
}

func (p *prepared[P]) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, s := range p.stmts {
		errs = append(errs, s.Close())
	}
	p.stmts = nil
	return errors.Join(errs...)
}
