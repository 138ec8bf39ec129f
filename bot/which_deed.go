package bot

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/tocsin-ir/tocsin/incident"
)

var deedText = regexp.MustCompile(`^(?:(?:inc-?\d+\.)?c|#)?(\d{1,4})$`)

// deedNumber takes the number of a request: 3, C3 or INC-0042.C3.
func (a *asking) deedNumber(w *words) (int, error) {
	g := deedText.FindStringSubmatch(w.peek())
	if g == nil {
		return 0, a.usage("Say the number of the request.")
	}
	w.next()
	return strconv.Atoi(g[1])
}

// deed takes the number of a request.
func (a *asking) deed(w *words) (incident.Deed, error) {
	n, err := a.deedNumber(w)
	if err != nil {
		return incident.Deed{}, err
	}
	d, ok := a.state.Deed(n)
	if !ok {
		return d, incident.Refuse("no-such-request", fmt.Sprintf("There is no containment request %d in %s.", n, a.state.Stream), "See "+a.room.prefix(bookContain)+" status.")
	}
	return d, nil
}
