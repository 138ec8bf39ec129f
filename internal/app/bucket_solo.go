//go:build solo

package app

import (
	"context"
	"errors"

	"github.com/tocsin-ir/tocsin/internal/evidence"
)

// openBucket is left out of the build for one machine (docs/adr/0017-solo-build.md).
func openBucket(context.Context, string) (evidence.Store, error) {
	return nil, errors.New("this build keeps evidence in folders only; `make build` makes one that knows s3://")
}
