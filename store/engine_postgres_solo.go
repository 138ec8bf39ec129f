//go:build solo

package store

import (
	"context"
	"errors"
)

func (db *DB) openPostgres(context.Context, string, Options) error {
	return errors.New("this build is for one machine and has no PostgreSQL; make build makes the whole program")
}
