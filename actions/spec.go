package actions

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Spec is what can be said of an action before anything is asked of the vendor. It is
// shown in help, in the form, on the card, and in docs/actions.md.
type Spec struct {
	Name       string        // "okta.suspend-user": the vendor's package, a dot, verb and noun
	Title      string        // "Suspend an Okta user"
	Does       string        // one sentence: what changes in the world
	Kind       Kind          // of its targets
	Params     []Param       // beside the target
	Reversible bool          // it is an Undoer; false is said on the card
	Destroys   string        // evidence it would destroy, as the end of a sentence; "" none
	Blast      Blast         // who else feels it
	Rights     []string      // the least rights it needs, in the vendor's words
	TTL        time.Duration // how long a hold lasts where nobody says; 0 for deeds that do not last
	Proof      string        // how Verify knows: one sentence
	Example    string        // after "/contain "
}

// Kind is the kind of a target. Scope, assets and grants use the same words.
type Kind string

// The kinds.
const (
	KindHost       Kind = "host"
	KindContainer  Kind = "container"
	KindPod        Kind = "pod"
	KindWorkload   Kind = "workload" // a deployment, a cron job, an instance group
	KindNode       Kind = "node"
	KindIdentity   Kind = "identity"   // a person's or a machine's account
	KindCredential Kind = "credential" // a key, a token, a lease
	KindAddress    Kind = "address"    // an IP address or a CIDR
	KindDomain     Kind = "domain"
	KindService    Kind = "service" // a repository, a zone, an application
	KindData       Kind = "data"    // a bucket, a data set
	KindProcess    Kind = "process"
	KindFile       Kind = "file"
)

// Blast is who feels the deed beside its target.
type Blast string

// The blast radii, smallest first.
const (
	BlastTarget Blast = "target" // nobody else
	BlastTeam   Blast = "team"   // those who use it
	BlastAll    Blast = "all"    // everybody behind it
)

// Param is one value beside the target.
type Param struct {
	Name     string
	Help     string
	Default  string // "" with Required unset: may be left out
	Required bool
	Choices  []string       // if any, nothing else
	Pattern  *regexp.Regexp // if any, must match the whole value
	Max      int            // runes; 0 is 200
	Secret   bool           // never shown, never in an event
}

// BadParam says which value cannot be taken and why.
type BadParam struct{ Name, Why string }

// Error says so.
func (b *BadParam) Error() string { return fmt.Sprintf("%s: %s", b.Name, b.Why) }

var nameShape = regexp.MustCompile(`^[a-z][a-z0-9]*\.[a-z][a-z0-9-]*$`)

// Problems says what is wrong with a Spec; none for one that may be offered.
func (s Spec) Problems() []string {
	var out []string
	for what, bad := range map[string]bool{
		"name is not vendor.verb-noun":   !nameShape.MatchString(s.Name),
		"no title":                       s.Title == "",
		"no sentence on what it does":    s.Does == "" || !strings.HasSuffix(s.Does, "."),
		"no kind of target":              s.Kind == "",
		"no blast radius":                s.Blast == "",
		"no rights":                      len(s.Rights) == 0,
		"no proof":                       s.Proof == "",
		"example does not begin with it": !strings.HasPrefix(s.Example, s.Name+" "),
		"a time to live but no way back": s.TTL > 0 && !s.Reversible,
	} {
		if bad {
			out = append(out, what)
		}
	}
	seen := map[string]bool{"ttl": true, "reason": true, "dry-run": true}
	for _, p := range s.Params {
		if p.Name == "" || p.Help == "" || seen[p.Name] {
			out = append(out, "parameter "+p.Name+" is unnamed, unexplained or taken")
		}
		seen[p.Name] = true
	}
	slices.Sort(out)
	return out
}

// Complete checks what was given against the parameters and fills in the defaults. It
// returns a *BadParam for the first that cannot be taken; nothing unknown passes.
func (s Spec) Complete(given map[string]string) (map[string]string, error) {
	out := make(map[string]string, len(s.Params))
	names := make([]string, 0, len(s.Params))
	for _, p := range s.Params {
		names = append(names, p.Name)
		v, ok := given[p.Name]
		if !ok || v == "" {
			if p.Required {
				return nil, &BadParam{p.Name, "is needed: " + p.Help}
			}
			v = p.Default
		}
		if v == "" {
			continue
		}
		if err := p.check(v); err != nil {
			return nil, err
		}
		out[p.Name] = v
	}
	for name := range given {
		if !slices.Contains(names, name) {
			why := "is no parameter of " + s.Name
			if len(names) > 0 {
				why += "; it takes " + strings.Join(names, ", ")
			}
			return nil, &BadParam{name, why}
		}
	}
	return out, nil
}

func (p Param) check(v string) error {
	most := p.Max
	if most == 0 {
		most = 200
	}
	switch {
	case !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool {
		return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control)
	}):
		return &BadParam{p.Name, "has characters that cannot be typed"}
	case utf8.RuneCountInString(v) > most:
		return &BadParam{p.Name, fmt.Sprintf("is longer than %d characters", most)}
	case len(p.Choices) > 0 && !slices.Contains(p.Choices, v):
		return &BadParam{p.Name, "is one of " + strings.Join(p.Choices, ", ")}
	case p.Pattern != nil && !whole(p.Pattern, v):
		return &BadParam{p.Name, "does not have the form of one: " + p.Help}
	}
	return nil
}

// whole reports whether all of v is matched: anchored, because an alternative that matches
// less would be taken first.
func whole(re *regexp.Regexp, v string) bool {
	return regexp.MustCompile(`^(?:` + re.String() + `)$`).MatchString(v)
}
