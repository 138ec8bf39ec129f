package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/engine"
)

// crashDir is where a victim keeps its database: in memory where that can be had. What
// a process wrote before SIGKILL is in the kernel's page cache, whatever the file
// system: only a power cut tells memory from a disk, and nothing here cuts the power.
func crashDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "tocsin-crash-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// victim is one life of the process.
type victim struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	said chan string // answers
	gone chan struct{}
}

// end ends it with SIGKILL.
func (v *victim) end() {
	_ = v.cmd.Process.Kill()
	<-v.gone
}

// heir is a victim that waits for its orders, or why there is none.
type heir struct {
	*victim
	err error
}

// rear has the next process start while the present one lives. It knows nothing of the
// world before it takes over: no database is open, no port is taken.
func (r *rig) rear() {
	v, err := r.start()
	r.heir <- heir{v, err}
}

func (r *rig) start() (*victim, error) {
	cmd := exec.Command(os.Args[0])
	// It lives too shortly for its rubbish to be worth collecting often.
	cmd.Env = append(os.Environ(), victimEnv+"=1", "GOGC=400")
	cmd.Stderr = r.log
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	v := &victim{cmd: cmd, in: in, said: make(chan string, 16), gone: make(chan struct{})}
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if kind, ok := strings.CutPrefix(lines.Text(), "offer "); ok {
				r.mu.Lock()
				r.spared = append(r.spared, kind)
				r.tally["after the commit of "+kind]++
				r.mu.Unlock()
				go r.kill(v)
				continue
			}
			select {
			case v.said <- lines.Text():
			default:
			}
		}
		_ = cmd.Wait()
		close(v.gone)
	}()
	return v, v.hears("waiting")
}

// hears waits for one word.
func (v *victim) hears(word string) error {
	select {
	case said := <-v.said:
		if said == word {
			return nil
		}
	case <-v.gone:
	case <-time.After(30 * time.Second):
	}
	v.end()
	return errors.New("Tocsin did not start again")
}

// begin has the heir take over; life is held.
func (r *rig) begin() error {
	for {
		next := <-r.heir
		go r.rear()
		if next.err != nil {
			return next.err
		}
		n := strconv.FormatInt(r.generation.Add(1), 10)
		o := r.orders
		o.Start = r.clock.Now()
		o.Slack, o.PagerDuty, o.GitHub = r.outside["slack"].URL+"/g"+n+"/api/", r.outside["pagerduty"].URL+"/g"+n, r.outside["github"].URL+"/g"+n+"/"
		r.mu.Lock()
		o.Spared = append([]string{}, r.spared...)
		r.mu.Unlock()
		text, err := json.Marshal(o)
		if err != nil {
			return err
		}
		r.victim = next.victim
		began := time.Now()
		if _, err := fmt.Fprintf(next.in, "%s\n", text); err != nil {
			return err
		}
		if r.early != nil {
			if after, ok := r.early(); ok {
				time.Sleep(after)
				r.bury(next.victim)
				r.mu.Lock()
				r.tally["while it starts"]++
				r.mu.Unlock()
				continue
			}
		}
		err = next.hears("ready")
		r.startTook.Store(int64(time.Since(began)))
		return err
	}
}

// kill ends the life of v with SIGKILL, lets the leases of the dead run out and
// starts the next. A life that ended already is left alone.
func (r *rig) kill(v *victim) {
	r.life.Lock()
	defer r.life.Unlock()
	if r.victim != v || r.closed {
		return
	}
	r.bury(v)
	if err := r.begin(); err != nil {
		r.t.Error(err)
		r.closed = true
	}
}

// bury ends the life of v; life is held.
func (r *rig) bury(v *victim) {
	if r.pending.Load()+r.flying.Load() > 0 {
		r.mu.Lock()
		r.tally["with a call or a delivery on its way"]++
		r.mu.Unlock()
	}
	r.generation.Add(1) // what the dead one still has on the wire is not carried out
	v.end()
	r.calling.Lock()
	r.calling.Unlock() //nolint:staticcheck // waited for what is being carried out
	r.kills++
	r.clock.Advance(engine.Lease + time.Second)
}

// killed is how often it was killed and started again.
func (r *rig) killed() int {
	r.life.Lock()
	defer r.life.Unlock()
	return r.kills
}

func (r *rig) living() *victim {
	r.life.Lock()
	defer r.life.Unlock()
	return r.victim
}

// tell says a line to the process and returns its answer; "" when it died meanwhile.
func (r *rig) tell(line string) string {
	v := r.living()
	if _, err := fmt.Fprintln(v.in, line); err != nil {
		return ""
	}
	select {
	case said := <-v.said:
		return said
	case <-v.gone:
	case <-time.After(20 * time.Second):
	}
	return ""
}

// advance moves the clock of the world and of the process.
func (r *rig) advance(d time.Duration) {
	r.life.Lock()
	defer r.life.Unlock()
	r.clock.Advance(d)
	_, _ = fmt.Fprintln(r.victim.in, "advance "+d.String())
	select {
	case <-r.victim.said:
	case <-r.victim.gone:
	case <-time.After(5 * time.Second):
	}
}
