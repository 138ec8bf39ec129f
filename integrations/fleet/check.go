package fleet

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
)

// Check says which hosts would not obey, and in what: one line for each. It reads only what hosts said
// of themselves.
func (f *Fleet) Check(context.Context) (missing []string, err error) {
	for _, h := range f.Hosts() {
		var not []string
		for _, k := range directive.Kinds() {
			if !slices.Contains(h.Kinds, string(k)) {
				not = append(not, string(k))
			}
		}
		switch {
		case !h.Connected:
			missing = append(missing, h.Name+" is not connected.")
		case len(h.Kinds) == 0:
			missing = append(missing, h.Name+" only watches and obeys nobody.")
		case !h.Pinned:
			missing = append(missing, h.Name+" has pinned another key than this server signs with; enrol it again.")
		case len(not) > 0:
			missing = append(missing, fmt.Sprintf("%s does not allow %s.", h.Name, strings.Join(not, ", ")))
		}
	}
	return missing, nil
}
