package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/plan"
	"github.com/tocsin-ir/tocsin/store"
	"github.com/tocsin-ir/tocsin/store/coord"
)

// configuration says what is wrong with the settings as such.
func (d *doctor) configuration(context.Context) []Finding {
	err := d.config.Check()
	if err == nil {
		out := []Finding{fine("settings", "Nothing contradicts itself.")}
		if alone(d.config) {
			out = append(out, warn("replicas", "Hosts are not passed on: if there are other replicas, they can neither ask nor contain the hosts that converse with this one.",
				"Set TOCSIN_FLEET_PEER of each replica to the address at which the others reach its port for sensors."))
		}
		return out
	}
	errs := []error{err}
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		errs = joined.Unwrap()
	}
	var out []Finding
	for _, err := range errs {
		says, fix, _ := strings.Cut(err.Error(), ": ")
		out = append(out, fail("settings", upper(says)+".", upper(strings.TrimSuffix(fix, ".")+".")))
	}
	return out
}

// alone reports that this may be one of several replicas that do not pass hosts on to each other.
func alone(c config.Config) bool {
	return c.Fleet.Listen != "" && c.Fleet.Peer == "" && engineOf(c.Database) == "postgres"
}

// maxPlanProblems keeps the answer readable; `tocsin plan check` shows all.
const maxPlanProblems = 10

func (d *doctor) agreed(context.Context) []Finding {
	var broken *plan.Broken
	switch {
	case d.broken == nil:
		p := d.plan
		return []Finding{fine("files", "%d types, %d ladders, %d people.", len(p.Types()), len(p.Ladders()), len(p.People())), d.peopled()}
	case !errors.As(d.broken, &broken):
		return []Finding{fail("files", upper(d.broken.Error())+".", "Name the folder of a plan with --plan.")}
	}
	var out []Finding
	for i, p := range broken.Problems {
		if i == maxPlanProblems {
			out = append(out, fail("files", fmt.Sprintf("%d more problems.", len(broken.Problems)-i), "`tocsin plan check` shows them all."))
			break
		}
		at := p.File
		if p.Line > 0 {
			at = fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
		}
		fix := upper(p.Hint)
		if fix == "" {
			fix = "Correct the file; a server that runs keeps the plan it has."
		}
		out = append(out, fail("files", at+": "+p.Why+".", fix))
	}
	return out
}

func (d *doctor) peopled() Finding {
	if len(d.plan.People()) == 0 {
		return warn("people", "The plan names nobody, so only ladders with a service can page.", "Fill in people.yaml.")
	}
	return fine("people", "%d people can be named by their plan id.", len(d.plan.People()))
}

func (d *doctor) database(ctx context.Context) []Finding {
	c, err := store.Look(ctx, d.config.Database, d.config.Workspace)
	const what = "database"
	switch {
	case err != nil && c.Current() && !c.Writable:
		return []Finding{fail("writing", upper(err.Error())+".", "Give the account Tocsin runs under the right to write it, and see whether the disk is full or a lock is held.")}
	case err != nil:
		return []Finding{fail(what, upper(err.Error())+".", "See that TOCSIN_DATABASE names the database and this account may open it.")}
	case !c.There:
		return []Finding{d.placeFor(c.File)}
	case c.Empty:
		return []Finding{warn(what, "It is empty.", "The first start makes its tables; nothing to do if this is a new installation.")}
	case c.Schema > c.Newest:
		return []Finding{fail("tables", fmt.Sprintf("They are of version %d, this program knows %d.", c.Schema, c.Newest), "Run the newer program the database was made with.")}
	}
	out := []Finding{fine("writing", "It can be written to.")}
	if c.Schema < c.Newest {
		return append(out, warn("tables", fmt.Sprintf("They are of version %d, this program's are %d.", c.Schema, c.Newest), "The next start brings them up to date; make a copy first: tocsin backup."))
	}
	return append(out, fine("tables", "They are of version %d, as this program wants them.", c.Schema), d.opens(ctx))
}

// opens proves that the key is the one the texts were sealed with.
func (d *doctor) opens(ctx context.Context) Finding {
	const what = "sealed texts"
	key, err := readKey(d.config)
	if err != nil {
		return fail(what, upper(err.Error())+".", "Put the key back that belongs to this database; without it no text can be read.")
	}
	db, err := store.Open(ctx, d.config.Database, d.config.Workspace, store.Options{Key: key, Readers: 1})
	if err != nil {
		return fail(what, upper(err.Error())+".", "Put the key back that belongs to this database; without it no text can be read.")
	}
	defer func() { _ = db.Close() }()
	return fine(what, "The key opens them.")
}

// placeFor looks whether a new database could be made.
func (d *doctor) placeFor(path string) Finding {
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, ".tocsin-doctor-*")
	if err != nil {
		return fail("database", "There is none, and none can be made: "+cause(err)+".", "Give the account Tocsin runs under the right to write in "+folder+".")
	}
	_, _ = f.Close(), os.Remove(f.Name())
	return warn("database", "There is none at "+path+".", "The first start makes it; nothing to do if this is a new installation.")
}

// What is left on the disk: below the first it soon stops, below the second somebody
// should look.
const (
	diskFew  = 100 << 20 // bytes
	diskLess = 1 << 30
)

func (d *doctor) disk(context.Context) []Finding {
	path, ok := store.Path(d.config.Database)
	if !ok {
		return nil // the database server's own affair
	}
	const what = "free space"
	folder := filepath.Dir(path)
	left, err := d.free(folder)
	if err != nil {
		return []Finding{warn(what, "It cannot be told: "+cause(err)+".", "Look at the disk of "+folder+" yourself.")}
	}
	says := fmt.Sprintf("%d MB are free where the database is.", left>>20)
	switch {
	case left < diskFew:
		return []Finding{fail(what, says, "Make room: with a full disk nothing can be recorded.")}
	case left < diskLess:
		return []Finding{warn(what, says, "Make room soon.")}
	}
	return []Finding{fine(what, "%s", says)}
}

// key looks at the file that wraps the keys of the texts: whoever has it and the
// database can read everything.
func (d *doctor) key(context.Context) []Finding {
	const what = "key file"
	path, isFile := store.Path(d.config.Database)
	if d.config.Key.IsSet() || !isFile {
		return nil // the configuration holds it, or has to
	}
	var out []Finding
	name := path + ".key"
	info, err := os.Stat(name)
	_, lost := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && lost == nil:
		return []Finding{fail(what, "The database is there, its key file "+name+" is not.", "Put it back: without it no text can be read, and a new one does not fit.")}
	case errors.Is(err, fs.ErrNotExist):
		return []Finding{fine(what, "There is none yet; the first start makes %s.", name)}
	case err != nil:
		return []Finding{fail(what, upper(cause(err))+".", "Give the account Tocsin runs under the right to read "+name+".")}
	}
	if loose := info.Mode().Perm() & 0o077; loose != 0 {
		out = append(out, fail(what, fmt.Sprintf("Others may read or change it (%04o).", info.Mode().Perm()), "chmod 600 "+name))
	} else {
		out = append(out, fine(what, "Only its owner may read it."))
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		out = append(out, warn("database file", fmt.Sprintf("Others may read or change it (%04o).", info.Mode().Perm()), "chmod 600 "+path))
	}
	return out
}

func (d *doctor) redis(ctx context.Context) []Finding {
	if d.config.Redis == "" {
		return nil
	}
	err := coord.Ping(ctx, d.config.Redis)
	if errors.Is(err, coord.ErrAddress) {
		return []Finding{fail("address", "It is not one.", "Write redis://[user:password@]host:port[/db].")}
	}
	if err != nil {
		return []Finding{warn("ping", "It does not answer: "+cause(err)+". Tocsin works without it, more slowly.", "See that it runs and can be reached.")}
	}
	return []Finding{fine("ping", "It answers.")}
}

// How far this machine's clock may be off. Slack refuses requests that are signed five
// minutes off, GitHub an app's token that is one minute off.
const (
	skewSome = 30 * time.Second
	skewMuch = 2 * time.Minute
)

// skew compares the clock with the Date header of each vendor, which needs no token.
func (d *doctor) skew(ctx context.Context) []Finding {
	const what = "against vendors"
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	type reading struct {
		vendor string
		off    time.Duration
		ok     bool
	}
	vendors := [][2]string{{"Slack", d.config.Slack.URL}, {"PagerDuty", d.config.PagerDuty.URL}, {"GitHub", d.config.GitHub.URL}}
	got := make(chan reading, len(vendors))
	for _, v := range vendors {
		go func() {
			off, err := d.offBy(ctx, v[1])
			got <- reading{v[0], off, err == nil}
		}()
	}
	worst := reading{}
	answered := 0
	for range vendors {
		r := <-got
		if !r.ok {
			continue
		}
		answered++
		if worst.vendor == "" || r.off.Abs() > worst.off.Abs() || r.off.Abs() == worst.off.Abs() && r.vendor > worst.vendor {
			worst = r
		}
	}
	if answered == 0 {
		return []Finding{warn(what, "No vendor answered, so it cannot be compared.", "See whether this machine can reach the vendors.")}
	}
	way := "ahead of"
	if worst.off < 0 {
		way = "behind"
	}
	says := fmt.Sprintf("It is %s %s %s's.", worst.off.Abs().Round(time.Second), way, worst.vendor)
	switch {
	case worst.off.Abs() > skewMuch:
		return []Finding{fail(what, says, "Set it by NTP: signed requests are refused, deadlines are wrong.")}
	case worst.off.Abs() > skewSome:
		return []Finding{warn(what, says, "Set it by NTP.")}
	}
	return []Finding{fine(what, "It agrees within %s.", skewSome)}
}

// offBy is how far we are ahead of a server, to about a second.
func (d *doctor) offBy(ctx context.Context, base string) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, base, nil)
	if err != nil {
		return 0, err
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	began := d.clock.Now()
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	at, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return 0, err
	}
	middle := began.Add(d.clock.Now().Sub(began) / 2)
	return middle.Sub(at.Add(500 * time.Millisecond)), nil // the header is cut to the second
}

// cause is the last part of an error: without addresses and what was being done.
func cause(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

func upper(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
