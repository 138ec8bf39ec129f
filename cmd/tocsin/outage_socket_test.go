package main

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/internal/app"
	"github.com/tocsin-ir/tocsin/internal/sandbox/slack"
)

// Socket Mode connections drop every half minute. What somebody types is carried out
// once, or Slack tells them that it came to nothing; then they look, and say it again
// when it is not there. For an hour on the clock; now and then in the middle of a command,
// which costs Slack's three seconds.
func TestSocketsDrop(t *testing.T) {
	t.Parallel()
	o := newOutage(t, app.DemoOptions{}, false)
	o.declares("/incident declare p1 card numbers on a paste site")
	const drops = 120
	refused := 0
	for i := range drops {
		o.demo.Clock.Advance(30 * time.Second)
		note := fmt.Sprintf("observation %d.", i)
		if i%20 != 0 {
			o.demo.World.Slack.DropSockets()
		} else {
			go o.demo.World.Slack.DropSockets()
		}
		for said := 0; said == 0; {
			err := o.demo.World.Slack.Slash(t.Context(), aliceInSlack, o.room, "/incident note "+note)
			e, told := errors.AsType[*slack.Error](err)
			switch {
			case err == nil:
				o.until("the note is in the room", func() bool { return o.said(note) > 0 })
				said = 1
			case !told || e.Code != "operation_timeout" && e.Code != "dispatch_failed":
				t.Fatal(err)
			default:
				refused++
				o.until("Slack reaches Tocsin", func() bool { return o.demo.World.Slack.Sockets() > 0 })
				said = o.said(note)
			}
		}
	}
	for i := range drops {
		if n := o.said(fmt.Sprintf("observation %d.", i)); n != 1 {
			t.Errorf("observation %d is in the room %d times", i, n)
		}
	}
	if why := o.ready(); why != "" {
		t.Errorf("not ready: %s", why)
	}
	t.Logf("%d drops, %d commands came to nothing and were said again", drops, refused)
}
