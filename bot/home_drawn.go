package bot

import (
	"errors"
	"sync"
	"time"

	"github.com/tocsin-ir/tocsin/incident"
)

// homes remembers what was drawn on whose home tab. Every incident a person is in wants
// the tab drawn for itself, and in a busy hour they do so at once: what the last drawing
// shows already is not drawn again. What is forgotten here, at a restart or in another
// replica, is drawn once more than needed.
type homes struct {
	// mu guards everything that follows.
	mu    sync.Mutex
	drawn map[string]tab // by Slack user
}

// tab is what a home tab shows.
type tab struct {
	underWay bool
	versions map[incident.ID]int64
	before   time.Time // incidents declared before have no place on it; zero: all have
}

// drawingWait is how soon to look again at a tab that is being drawn.
const drawingWait = time.Second

var errDrawing = errors.New("the home tab is being drawn")

// begin says that a tab is about to be drawn: one drawing at a time, or an older one
// could be the last that is shown. done says from which incidents it was drawn, the
// latest first; nil: it was not.
func (h *homes) begin(user string) (done func([]incident.State), err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.drawn == nil {
		h.drawn = map[string]tab{}
	}
	if h.drawn[user].underWay {
		return nil, incident.Later(errDrawing, drawingWait)
	}
	h.drawn[user] = tab{underWay: true}
	return func(from []incident.State) {
		d := tab{versions: map[incident.ID]int64{}}
		for _, s := range from {
			d.versions[s.Stream] = s.Version
		}
		if len(from) == onHome {
			d.before = from[onHome-1].Declared
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.drawn[user] = d
	}, nil
}

// show reports whether a person's tab shows an incident as it is now, or has no place
// for it.
func (h *homes) show(user string, s incident.State) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	d, ok := h.drawn[user]
	if !ok || d.underWay {
		return false
	}
	version, shown := d.versions[s.Stream]
	return shown && version >= s.Version || !shown && s.Declared.Before(d.before)
}
