//go:build !solo

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/tocsin-ir/tocsin/internal/api"
	"github.com/tocsin-ir/tocsin/internal/screen"
)

// sayAgain is how often a line is said while the server does not answer. It is the
// same command every time, whatever became of the ones before.
const sayAgain = 4

// dial goes through the API of a server.
func dial(server, token string) (way, error) {
	c, err := api.Dial(server, token)
	if err != nil {
		return nil, err
	}
	return far{c}, nil
}

type far struct{ client *api.Client }

func (far) Close() {}

func (f far) Say(ctx context.Context, line string, wait time.Duration, answered func(string, string), tell func(screen.Line)) (owed []string, err error) {
	key := rand.Text()
	heard := false
	for try := 1; ; try++ {
		owed, err = f.client.Say(ctx, line, key, wait, func(a api.Answer) {
			heard = true
			answered(a.Text, a.Refused)
		}, tell)
		if heard && errors.Is(err, api.ErrAway) {
			return nil, errors.New("it was done; then the connection broke, so that what comes of it is not shown here")
		}
		if !errors.Is(err, api.ErrAway) || try == sayAgain || ctx.Err() != nil {
			break
		}
		select {
		case <-time.After(time.Duration(try) * 500 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	if errors.Is(err, api.ErrAway) {
		err = fmt.Errorf("%w\nIt is not known whether it was done. On the server's machine, without TOCSIN_SERVER: tocsin do --as <your id> '…'", err)
	}
	return owed, err
}

func (f far) Watch(ctx context.Context, name string, tell func(*screen.View, time.Time)) error {
	err := f.client.Watch(ctx, name, tell)
	if err == nil || errors.Is(err, api.ErrAway) {
		return errors.Join(errAway, err)
	}
	return err
}
