//go:build unix

package exec

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// grace is how long a child that outlives the command may hold on to its output.
const grace = 2 * time.Second

// start runs argv in a process group of its own, which ends as a whole when ctx does or
// when more than most bytes are said.
func start(ctx context.Context, argv, env []string, most int) ([]byte, int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	said := &bounded{most: most, full: cancel}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // the program is the file's, and what was typed is one argument
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.WaitDelay = env, "/", said, grace
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return endGroup(cmd.Process) }
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case said.over:
		return nil, 0, errEndless
	case ctx.Err() != nil:
		return nil, 0, ctx.Err()
	case errors.Is(err, exec.ErrWaitDelay):
		_ = endGroup(cmd.Process) // children that were left behind are ended too
		return nil, 0, errors.New("the command left something running in the background, which was ended")
	case errors.As(err, &exit) && exit.Exited():
		return said.kept, exit.ExitCode(), nil
	case err != nil:
		return nil, 0, errors.New("the command could not be started or was killed")
	}
	return said.kept, 0, nil
}

func endGroup(p *os.Process) error {
	err := syscall.Kill(-p.Pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// bounded keeps what is said up to a limit. It embeds no buffer: io.Copy would find its
// ReadFrom and pass the limit by.
type bounded struct {
	kept []byte
	most int
	over bool
	full func()
}

func (b *bounded) Write(p []byte) (int, error) {
	if len(b.kept)+len(p) > b.most {
		b.over = true
		b.full()
		return 0, errEndless
	}
	b.kept = append(b.kept, p...)
	return len(p), nil
}

// ours reports whether a file belongs to root or to whoever runs Tocsin.
func ours(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && (st.Uid == 0 || int(st.Uid) == os.Geteuid())
}
