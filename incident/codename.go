package incident

import (
	"fmt"
	"strings"
)

// codename is what the incident is called outside its room: of a confidential one the
// next of the plan's names, where it has any. Each number has a name of its own, so
// that two open incidents are never confused; once the list is used up, the names come
// again with a number.
func (d *deciding) codename(private bool) string {
	list := d.r.Codenames()
	n := d.s.Stream.number()
	if !private || len(list) == 0 || n < 1 {
		return Codename(d.s.Stream)
	}
	name := list[(n-1)%len(list)]
	if again := (n - 1) / len(list); again > 0 {
		name = fmt.Sprintf("%s %d", name, again+1)
	}
	return name
}

// number is the number in a display name; 0 where there is none.
func (id ID) number() int {
	_, digits, _ := strings.Cut(string(id), "-")
	n := 0
	for _, c := range digits {
		if c < '0' || c > '9' || n > 1e9 {
			return 0
		}
		n = n*10 + int(c-'0')
	}
	return n
}
