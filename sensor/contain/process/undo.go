package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Thaw undoes a Freeze: every process goes on in the cgroup it came from. Whoever was stopped
// before the Freeze stays stopped. Calling it again does what is left.
func (h Hands) Thaw(held Held) error {
	var all error
	for _, folder := range held.Folders {
		all = errors.Join(all, h.dissolve(folder))
	}
	for _, k := range held.Stopped {
		fd, err := open(k)
		if errors.Is(err, ErrGone) {
			continue
		}
		if err == nil {
			err = unix.PidfdSendSignal(fd, unix.SIGCONT, nil, 0)
			_ = unix.Close(fd)
		}
		all = errors.Join(all, err)
	}
	return all
}

func (h Hands) dissolve(folder string) error {
	if _, err := os.Stat(h.path(folder)); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := h.write(folder, "cgroup.freeze", "0"); err != nil {
		return fmt.Errorf("thaw %s: %w", folder, err)
	}
	return await(func() error {
		for _, pid := range h.members(folder) {
			// One that ends meanwhile needs no moving.
			if err := h.write(filepath.Dir(folder), "cgroup.procs", pid); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("move process %s back: %w", pid, err)
			}
		}
		err := os.Remove(h.path(folder))
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	})
}

func (h Hands) members(folder string) []string {
	text, err := os.ReadFile(h.path(folder, "cgroup.procs"))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text))
}

// KillTree kills a process and all its descendants, for good. It freezes them first, so that
// none can fork away; then cgroup.kill ends a whole cgroup in one step, and before Linux 5.14
// each is killed by its handle. Errors are those of Freeze; a nil error means that none of
// the members lives.
func (h Hands) KillTree(name string, root Key) (Held, error) {
	held := Held{Name: "tocsin-" + clean(name)}
	gathered := h.gather(root, &held)
	if gathered != nil && len(held.Members) == 0 {
		return held, gathered
	}
	// Not all of the tree may have been found then, but whoever was is not left frozen.
	err := errors.Join(gathered, h.killHeld(&held))
	if err != nil {
		return held, err
	}
	return held, h.awaitEnded(held)
}

func (h Hands) killHeld(held *Held) error {
	for _, folder := range held.Folders {
		if err := h.killAll(folder, held); err != nil {
			return err
		}
	}
	for _, k := range held.Members {
		if err := kill(k); err != nil {
			return err
		}
	}
	return nil
}

func (h Hands) killAll(folder string, held *Held) error {
	err := errors.New("cgroup.kill is not used")
	if !h.NoKill {
		err = h.write(folder, "cgroup.kill", "1")
	}
	if err == nil {
		return nil
	}
	held.Notes = append(held.Notes, fmt.Sprintf("each process was killed by its handle: %v", err))
	for _, text := range h.members(folder) {
		var pid int
		if _, err := fmt.Sscan(text, &pid); err != nil {
			continue
		}
		k, err := Named(pid)
		if err != nil {
			continue
		}
		if err := kill(k); err != nil {
			return err
		}
	}
	return nil
}

func kill(k Key) error {
	fd, err := open(k)
	if errors.Is(err, ErrGone) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("kill process %d: %w", k.PID, err)
	}
	return nil
}

func (h Hands) awaitEnded(held Held) error {
	return await(func() error {
		for _, folder := range held.Folders {
			if _, err := os.Stat(h.path(folder)); errors.Is(err, os.ErrNotExist) {
				continue
			}
			if !h.event(folder, "populated 0") {
				return fmt.Errorf("somebody in %s still lives", folder)
			}
			if err := os.Remove(h.path(folder)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
		}
		for _, k := range held.Members {
			if s, err := readStatus(k.PID); err == nil && same(s.Start, k.Start) && s.state != 'Z' && s.state != 'X' {
				return fmt.Errorf("process %d still lives", k.PID)
			}
		}
		return nil
	})
}

// Frozen reads the world: it names the members that live and are not held any more. All of
// them held, or ended, is no error.
func (h Hands) Frozen(held Held) error {
	var all error
	for _, folder := range held.Folders {
		if len(h.members(folder)) > 0 && !h.event(folder, "frozen 1") {
			all = errors.Join(all, fmt.Errorf("the cgroup %s is not frozen", folder))
		}
	}
	stopped := map[Key]bool{}
	for _, k := range held.Stopped {
		stopped[k] = true
	}
	for _, k := range held.Members {
		s, err := readStatus(k.PID)
		if err != nil || !same(s.Start, k.Start) || s.state == 'Z' {
			continue
		}
		if stopped[k] {
			if s.state != 'T' && s.state != 't' {
				all = errors.Join(all, fmt.Errorf("process %d was woken", k.PID))
			}
			continue
		}
		if own, err := cgroupOf(k.PID); err == nil && filepath.Base(own) != held.Name && s.state != 'T' {
			all = errors.Join(all, fmt.Errorf("process %d was moved to %s", k.PID, own))
		}
	}
	return all
}
