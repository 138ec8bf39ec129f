//go:build !solo

package coord

import (
	"context"
	"errors"
	"net"

	"github.com/redis/go-redis/v9"
)

// ErrAddress does not repeat the address: it may hold a password.
var ErrAddress = errors.New("the Redis URL is not one: redis://[user:password@]host:port[/db]")

// Dial coordinates replicas through the Redis at url, redis://[user:password@]host:port[/db].
// It does not need Redis to be there yet; ErrAddress says that url is not well formed. hangUp
// closes the connections, once the Coordinator is closed.
func Dial(url string, c Clock) (shared Coordinator, hangUp func(), err error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, nil, ErrAddress
	}
	client := redis.NewClient(o)
	return Redis(client, c), func() { _ = client.Close() }, nil
}

// Ping asks the Redis at url once whether it answers. ErrAddress: url is not well formed.
func Ping(ctx context.Context, url string) error {
	o, err := redis.ParseURL(url)
	if err != nil {
		return ErrAddress
	}
	// The client tries for long and talks about it; a bare connection tells at once.
	conn, err := (&net.Dialer{}).DialContext(ctx, o.Network, o.Addr)
	if err != nil {
		return err
	}
	_ = conn.Close()
	o.MaxRetries = -1
	client := redis.NewClient(o)
	defer func() { _ = client.Close() }()
	return client.Ping(ctx).Err()
}
