package actions

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Catalogue is every action there is, by name.
type Catalogue struct{ byName map[string]Action }

// NewCatalogue takes the lists of the vendors' packages. It refuses a Spec that may not
// be offered, two actions of one name, and one that says it is reversible and is not.
func NewCatalogue(lists ...[]Action) (*Catalogue, error) {
	c := &Catalogue{map[string]Action{}}
	for _, list := range lists {
		for _, a := range list {
			s := a.Spec()
			if p := s.Problems(); len(p) > 0 {
				return nil, fmt.Errorf("action %q: %s", s.Name, strings.Join(p, "; "))
			}
			if _, undoes := a.(Undoer); undoes != s.Reversible {
				return nil, fmt.Errorf("action %q: says reversible %v, but Undo is there: %v", s.Name, s.Reversible, undoes)
			}
			if _, twice := c.byName[s.Name]; twice {
				return nil, fmt.Errorf("action %q is there twice", s.Name)
			}
			c.byName[s.Name] = a
		}
	}
	return c, nil
}

// Find returns the action of that name.
func (c *Catalogue) Find(name string) (Action, bool) {
	a, ok := c.byName[name]
	return a, ok
}

// Names lists the names in order.
func (c *Catalogue) Names() []string { return slices.Sorted(maps.Keys(c.byName)) }

// Specs lists what there is, in order of name.
func (c *Catalogue) Specs() []Spec {
	out := make([]Spec, 0, len(c.byName))
	for _, n := range c.Names() {
		out = append(out, c.byName[n].Spec())
	}
	return out
}
