// Package plan is what was agreed before the incident: who the people are, which
// roles there are, how bad is bad and what is then due when, who is paged in which
// order, who may do what, and what to think of for each kind of incident. It reads
// a folder of strict YAML files and answers as incident.Rules.
//
// A plan is read whole or not at all: an unknown key, a name nobody has or a
// length of time that is none is an error with file, line and column, and all of
// them are reported together. Its digest names exactly these files; every incident
// records the digest of the plan it follows. Load reads a folder, Parse what Files
// gave, and Current holds the plan in force and keeps the good one when the new
// one is broken.
package plan

import (
	"io/fs"
	"strings"
	_ "time/tzdata" // the image has no zone files, and a plan names zones

	"github.com/tocsin-ir/tocsin/incident"
)

// Plan is one checked plan. It never changes and may be used by many at once.
type Plan struct {
	digest string
	files  []byte

	people     []person
	byID       map[incident.PersonID]int
	accounts   map[string]int
	roles      []incident.RoleSpec
	kinds      map[string]*kind
	ladders    map[string]*ladder
	overrides  []override
	severities map[incident.Severity]*severity
	rights     map[incident.Right]grant
	assets     []asset
	settings   Settings
	drills     drills
	grants     grants
}

var _ incident.Rules = (*Plan)(nil)

// Load reads the plan in the folder fsys. The error is a *Broken that lists every
// problem of every file.
func Load(fsys fs.FS) (*Plan, error) {
	f := &found{}
	return read(collect(fsys, f), f)
}

// Parse restores a plan from what Files gave. Bytes that are not a plan's files
// are an error; a *Broken means that they were one for an older Tocsin only.
func Parse(files []byte) (*Plan, error) {
	t, err := uncanonical(files)
	if err != nil {
		return nil, err
	}
	return read(t, &found{})
}

// Digest names the plan by its files: "sha256:" and hex.
func (p *Plan) Digest() string { return p.digest }

// Files is the plan in one piece, to be kept by its digest and read again by Parse.
func (p *Plan) Files() []byte { return p.files }

// reading is one pass over the files of a plan.
type reading struct {
	texts    texts
	found    *found
	plan     *Plan
	unread   map[string]bool // files that could not be read: what they would define is not missed
	accounts map[string]at
	roleAt   map[incident.Role]at
}

func read(t texts, f *found) (*Plan, error) {
	p := &Plan{
		byID: map[incident.PersonID]int{}, accounts: map[string]int{}, kinds: map[string]*kind{},
		ladders: map[string]*ladder{}, severities: map[incident.Severity]*severity{}, rights: map[incident.Right]grant{},
	}
	r := &reading{texts: t, found: f, plan: p, unread: map[string]bool{}, accounts: map[string]at{}, roleAt: map[incident.Role]at{}}
	// What others refer to is read before them.
	r.people()
	r.roles()
	r.kinds()
	r.settings()
	r.ladders()
	r.severities()
	r.rights()
	r.assets()
	r.drills()
	r.grants()
	if err := f.err(); err != nil {
		return nil, err
	}
	p.files, p.digest = t.canonical(), t.digest()
	for n, who := range p.people {
		for space, account := range map[string]string{"slack": who.Slack, "pagerduty": who.PagerDuty, "github": who.GitHub, "email": who.Email.Text} {
			if account != "" {
				p.accounts[space+" "+strings.ToLower(account)] = n
			}
		}
	}
	return p, nil
}

// top is the content of a file; ok is false where it could not be read.
func (r *reading) top(file string) (value, bool) {
	v, ok := r.texts.document(file, r.found)
	r.unread[file] = !ok
	return v, ok
}
