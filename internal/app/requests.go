package app

import (
	"context"
	"time"

	"github.com/tocsin-ir/tocsin/bot"
	"github.com/tocsin-ir/tocsin/store"
)

// requests keeps what Slack was answered before it was carried out.
type requests struct{ db *store.DB }

func (k requests) Keep(ctx context.Context, r bot.Request, until time.Time) error {
	return k.db.KeepRequest(ctx, store.Request(r), until)
}

func (k requests) Drop(ctx context.Context, id string) error { return k.db.DropRequest(ctx, id) }

func (k requests) Take(ctx context.Context, now, until time.Time) ([]bot.Request, error) {
	left, err := k.db.TakeRequests(ctx, now, until)
	out := make([]bot.Request, len(left))
	for i, r := range left {
		out[i] = bot.Request(r)
	}
	return out, err
}

// takeUpEvery is how often requests are looked for that were left, in real time: Slack's
// patience does not run faster in a drill.
const takeUpEvery = 10 * time.Second

// takeUp carries out what was asked of a process that died over it, until ctx ends.
func (a *App) takeUp(ctx context.Context) error {
	tick := time.NewTicker(takeUpEvery)
	defer tick.Stop()
	_, alone := databaseFile(a.config.Database) // a file has one server
	for ; ; alone = false {
		if err := a.slack.TakeUp(ctx, alone); err != nil && ctx.Err() == nil {
			a.log.WarnContext(ctx, "requests that were left could not all be taken up", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}
