//go:build !solo

package app

import (
	"context"

	"github.com/tocsin-ir/tocsin/internal/evidence"
	"github.com/tocsin-ir/tocsin/internal/evidence/bucket"
)

func openBucket(ctx context.Context, address string) (evidence.Store, error) {
	p, err := bucket.ParsePlace(address)
	if err != nil {
		return nil, err
	}
	return bucket.Open(ctx, p, bucket.Options{})
}
