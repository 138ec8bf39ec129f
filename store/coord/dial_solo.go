//go:build solo

package coord

import (
	"context"
	"errors"
)

// ErrAddress is not returned by this build.
var ErrAddress = errors.New("no address is one here")

var errSolo = errors.New("this build is for one machine and has no Redis; make build makes the whole program")

// Dial refuses: this build has no Redis.
func Dial(string, Clock) (Coordinator, func(), error) { return nil, nil, errSolo }

// Ping refuses: this build has no Redis.
func Ping(context.Context, string) error { return errSolo }
