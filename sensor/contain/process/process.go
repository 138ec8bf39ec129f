// Package process takes hold of processes: it freezes a tree of them, lets it go, and kills
// one whole.
//
// A tree is first gathered into cgroups of its own, one below each cgroup that a member lives
// in, so that limits, unit and container stay what they were. What is moved there freezes on
// arrival and can fork no more; what a member forked before is found by its parent in the
// next round, until a round finds nobody new. A child whose parent ended before anybody
// looked has lost its parent for good: it is found only when the agent saw it being made and
// says so (Extra).
//
// Where there is no v2 tree, or it refuses, members are stopped by SIGSTOP instead. They can
// then be woken by whoever may send them a signal; the result says that this was done.
package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Hands say whom they may touch and where.
type Hands struct {
	Root   string                // folder where the v2 tree is mounted; empty when it is not
	Spared func(exe string) bool // programs that are never touched
	Extra  func(Key) []Key       // descendants that the agent knows of, or nil
	NoKill bool                  // do not use cgroup.kill, as before Linux 5.14
}

// Held is what was done, and all that is needed to undo it.
type Held struct {
	Name    string   `json:"name"`              // of the folders
	Folders []string `json:"folders,omitempty"` // of the cgroups made, below Root
	Members []Key    `json:"members"`
	Stopped []Key    `json:"stopped,omitempty"` // by SIGSTOP, and were running before
	Notes   []string `json:"notes,omitempty"`
}

// ErrGone is a process that has ended, or whose pid belongs to another by now.
var ErrGone = errors.New("the process has ended")

// SparedError is a process that may not be touched.
type SparedError struct {
	PID int
	Exe string
}

func (e *SparedError) Error() string {
	return fmt.Sprintf("process %d (%s) is never touched on this host", e.PID, e.Exe)
}

const (
	mostRounds  = 64
	mostMembers = 1 << 16
	patience    = 5 * time.Second // until everything that was frozen, or killed, is
)

// Freeze stops a process and all its descendants. The name tells holds apart. It returns
// ErrGone when there is no such process, and a *SparedError, with nothing touched, when one
// of the tree may not be touched. On any other error what was done is returned too.
func (h Hands) Freeze(name string, root Key) (Held, error) {
	held := Held{Name: "tocsin-" + clean(name)}
	if err := h.gather(root, &held); err != nil {
		return held, err
	}
	return held, h.awaitFrozen(held)
}

// clean makes a name of a folder.
func clean(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '_'
	}, name)
}

// gather takes hold of the tree, round by round.
func (h Hands) gather(root Key, held *Held) error {
	have := map[int]uint64{}
	for range mostRounds {
		all, err := everyone()
		if err != nil {
			return fmt.Errorf("list processes: %w", err)
		}
		roots := append(slices.Clone(held.Members), root)
		if h.Extra != nil {
			roots = append(roots, h.Extra(root)...)
		}
		tree := family(all, roots)
		if len(tree) == 0 && len(held.Members) == 0 {
			return ErrGone
		}
		tree = slices.DeleteFunc(tree, func(s status) bool {
			start, ok := have[s.PID]
			return ok && same(start, s.Start) || s.state == 'Z'
		})
		if len(tree) == 0 {
			return nil
		}
		if len(held.Members)+len(tree) > mostMembers {
			return fmt.Errorf("hold the tree of %d: more than %d processes", root.PID, mostMembers)
		}
		// Before the first is touched, all are looked at; a later one that is spared is left
		// out and said.
		for i, s := range tree {
			why := h.untouchable(s)
			if why == nil {
				continue
			}
			if len(held.Members) == 0 {
				return why
			}
			held.Notes = append(held.Notes, why.Error())
			have[s.PID] = s.Start
			tree[i].PID = 0
		}
		for _, s := range tree {
			if s.PID == 0 {
				continue
			}
			if err := h.take(s, held); err != nil && !errors.Is(err, ErrGone) {
				return err
			}
			have[s.PID] = s.Start
			held.Members = append(held.Members, s.Key)
		}
	}
	return fmt.Errorf("hold the tree of %d: it grows faster than it can be stopped", root.PID)
}

func (h Hands) untouchable(s status) error {
	exe := program(s.PID)
	switch {
	case s.PID == 1, s.PID == 2, s.parent == 2 && exe == "":
		return &SparedError{PID: s.PID, Exe: s.comm}
	case s.PID == os.Getpid():
		return &SparedError{PID: s.PID, Exe: "the agent itself"}
	case h.Spared != nil && h.Spared(exe):
		return &SparedError{PID: s.PID, Exe: exe}
	}
	return nil
}

// take moves one process into a frozen cgroup below its own, or stops it.
func (h Hands) take(s status, held *Held) error {
	// The process is held by its pidfd while it is asked for its start: the pid cannot be
	// somebody else's in between.
	fd, err := open(s.Key)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	why := h.move(s.PID, held)
	if why == nil {
		return nil
	}
	if err := h.stop(fd, s, held); err != nil {
		return err
	}
	note := fmt.Sprintf("process %d was stopped by a signal, which others can undo: %v", s.PID, why)
	held.Notes = append(held.Notes, note)
	return nil
}

// open gives a handle on exactly that process.
func open(k Key) (int, error) {
	fd, err := unix.PidfdOpen(k.PID, 0)
	if errors.Is(err, unix.ESRCH) {
		return -1, ErrGone
	}
	if err != nil {
		return -1, fmt.Errorf("take hold of process %d: %w", k.PID, err)
	}
	if now, err := readStatus(k.PID); err != nil || !same(now.Start, k.Start) {
		_ = unix.Close(fd)
		return -1, ErrGone
	}
	return fd, nil
}

func (h Hands) move(pid int, held *Held) error {
	if h.Root == "" {
		return errors.New("there is no cgroup v2 tree")
	}
	own, err := cgroupOf(pid)
	if err != nil {
		return err
	}
	if filepath.Base(own) == held.Name { // forked by one that is held, or held before the agent was killed
		if !slices.Contains(held.Folders, own) {
			held.Folders = append(held.Folders, own)
		}
		return nil
	}
	folder := filepath.Join(own, held.Name)
	if !slices.Contains(held.Folders, folder) {
		if err := os.Mkdir(h.path(folder), 0o700); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
		held.Folders = append(held.Folders, folder)
		if err := h.write(folder, "cgroup.freeze", "1"); err != nil {
			return err
		}
	}
	return h.write(folder, "cgroup.procs", fmt.Sprint(pid))
}

func (h Hands) path(parts ...string) string {
	return filepath.Join(append([]string{h.Root}, parts...)...)
}

func (h Hands) write(folder, file, text string) error {
	f, err := os.OpenFile(h.path(folder, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func (h Hands) stop(fd int, s status, held *Held) error {
	if s.state == 'T' {
		return nil // stopped already, by somebody else, and so it stays
	}
	if err := unix.PidfdSendSignal(fd, unix.SIGSTOP, nil, 0); err != nil {
		return fmt.Errorf("stop process %d: %w", s.PID, err)
	}
	held.Stopped = append(held.Stopped, s.Key)
	return nil
}

// awaitFrozen waits until the kernel says that every member has stopped: one in the middle of
// a system call that cannot be interrupted takes longer.
func (h Hands) awaitFrozen(held Held) error {
	return await(func() error {
		for _, f := range held.Folders {
			if !h.event(f, "frozen 1") {
				return fmt.Errorf("the cgroup %s is not frozen", f)
			}
		}
		return nil
	})
}

func (h Hands) event(folder, line string) bool {
	text, err := os.ReadFile(h.path(folder, "cgroup.events"))
	return err == nil && slices.Contains(strings.Split(string(text), "\n"), line)
}

func await(done func() error) error {
	end := time.Now().Add(patience)
	for wait := 200 * time.Microsecond; ; wait = min(wait*2, 20*time.Millisecond) {
		err := done()
		if err == nil || time.Now().After(end) {
			return err
		}
		time.Sleep(wait)
	}
}
