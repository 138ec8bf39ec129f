package agent

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tocsin-ir/tocsin/sensor/bpf"
	"github.com/tocsin-ir/tocsin/sensor/event"
)

func profile(t *testing.T, w *world, name string) {
	t.Helper()
	var p bpf.Profile
	if err := p.UnmarshalText([]byte(name)); err != nil {
		t.Fatal(err)
	}
	if err := w.SetProfile(p); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.SetProfile(bpf.Recovery) })
}

func TestFiles(t *testing.T) {
	w := kernel(t)
	dir := filepath.Join(w.under, "files")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	pid := deed(t, "files", dir)
	for _, want := range []event.FileOf{
		{Op: "create", Path: dir + "/one"},
		{Op: "open", Path: dir + "/one"},
		{Op: "rename", Path: dir + "/one", To: dir + "/two"},
		{Op: "link", Path: dir + "/two", To: dir + "/three"},
		{Op: "symlink", Path: dir + "/four", To: "/etc/shadow"},
		{Op: "mode", Path: dir + "/two", Mode: 0o755},
		{Op: "remove", Path: dir + "/three"},
		{Op: "remove", Path: dir + "/four"},
		{Op: "create", Path: dir + "/authorized_keys"},
		{Op: "remove", Path: dir + "/two"},
	} {
		w.find(t, event.File, pid, func(e event.Event) bool {
			f := e.File
			return f.Op == want.Op && f.Path == want.Path && f.To == want.To && f.Result == 0 && (want.Mode == 0 || f.Mode == want.Mode)
		})
	}
}

// What nobody watches is filtered: in the kernel, or when its path has dots, here.
func TestFilesThatAreNotWatched(t *testing.T) {
	w := kernel(t)
	dir := t.TempDir()
	pid := deed(t, "files", dir)
	w.find(t, event.Exit, pid, nil)
	w.find(t, event.File, pid, func(e event.Event) bool { return e.File.Path == dir+"/authorized_keys" }) // by its name
	if e, is := w.wait(event.File, pid, func(e event.Event) bool { return filepath.Base(e.File.Path) != "authorized_keys" }, 0); is {
		t.Errorf("%+v", e.File)
	}
}

// A path with dots is judged by where it leads.
func TestDotsLeadNowhere(t *testing.T) {
	w := kernel(t)
	victim := filepath.Join(w.under, "victim")
	if err := os.WriteFile(victim, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	pid := start(t, exec.Command("rm", "/tmp/../tmp/./"+filepath.Base(w.under)+"//victim"))
	w.find(t, event.File, pid, func(e event.Event) bool { return e.File.Op == "remove" && e.File.Path == victim })
}

// A file that is made to run as its owner is told wherever it is; another mode only where modes are watched.
func TestSetUserIDIsToldAnywhere(t *testing.T) {
	w := kernel(t)
	dir := t.TempDir()
	plain, given, made := filepath.Join(dir, "plain"), filepath.Join(dir, "given"), filepath.Join(dir, "made")
	for _, path := range []string{plain, given} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	deed(t, "mode", "755", plain)
	pid := deed(t, "mode", "4755", given)
	told := map[uint64]bool{} // by its number: through the descriptor and by the path
	for range 2 {
		e := w.find(t, event.File, pid, func(e event.Event) bool {
			return e.File.Op == "mode" && e.File.Path == given && e.File.Mode&0o7777 == 0o4755 && !told[uint64(e.CPU)<<48|e.Seq]
		})
		told[uint64(e.CPU)<<48|e.Seq] = true
	}
	pid = deed(t, "create", made, "4700")
	w.find(t, event.File, pid, func(e event.Event) bool {
		return e.File.Op == "create" && e.File.Path == made && e.File.Mode&0o7777 == 0o4700
	})
	if e, ok := w.wait(event.File, 0, func(e event.Event) bool { return e.File.Path == plain }, 0); ok {
		t.Errorf("nobody watches that: %+v", e.File)
	}
}

func TestRenamingIsToldWhereNothingElseIs(t *testing.T) {
	w := kernel(t)
	from, to := filepath.Join(w.names, "letter"), filepath.Join(w.names, "letter.locked")
	deed(t, "create", from, "600")
	pid := deed(t, "rename", from, to)
	w.find(t, event.File, pid, func(e event.Event) bool { return e.File.Op == "rename" && e.File.Path == from && e.File.To == to })
	if e, ok := w.wait(event.File, 0, func(e event.Event) bool { return e.File.Op == "create" && e.File.Path == from }, 0); ok {
		t.Errorf("only renaming is watched there: %+v", e.File)
	}
}

func TestSecretsThatAreRead(t *testing.T) {
	w := kernel(t)
	key := filepath.Join(t.TempDir(), "id_ed25519")
	if err := os.WriteFile(key, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	pid := deed(t, "read", key)
	w.find(t, event.File, pid, func(e event.Event) bool { return e.File.Op == "open" && e.File.Path == key })
}

func TestFilesByIOUring(t *testing.T) {
	w := kernel(t)
	for _, h := range w.Hooks() {
		if strings.Contains(h.Better, "io_uring") && h.Runs == "" {
			missing(t, "this kernel does not tell of requests:", h.Err)
		}
	}
	path := filepath.Join(w.under, "by-ring")
	cmd := command("ring", "open", path)
	if out, err := cmd.CombinedOutput(); err != nil {
		missing(t, "no io_uring here:", err, string(out))
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the ring opened nothing: %v", err)
	}
	w.find(t, event.File, cmd.Process.Pid, func(e event.Event) bool {
		return e.File.Path == path && e.File.Op == "create" && e.File.Via == "io_uring"
	})
}

// A 64-bit program can make 32-bit calls; the numbers are others, and the tracepoints of
// single calls do not see them.
func TestFilesBy32BitCalls(t *testing.T) {
	w := kernel(t)
	path := filepath.Join(w.under, "by-int80")
	le := binary.LittleEndian
	code := []byte{0xeb, byte(len(path) + 1)} // jmp over the path
	code = append(append(code, path...), 0)
	code = append(code, 0xb8, 5, 0, 0, 0, 0xbb) // mov $5 (open),%eax; mov path,%ebx
	code = le.AppendUint32(code, tinyText+2)
	code = append(code, 0xb9)
	code = le.AppendUint32(code, uint32(os.O_CREATE|os.O_WRONLY))
	code = append(code, 0xba, 0x80, 1, 0, 0, 0xcd, 0x80) // mov $0600,%edx; int $0x80
	pid := start(t, exec.Command(tiny(t, filepath.Join(t.TempDir(), "tiny32"), code...)))
	if _, err := os.Stat(path); err != nil {
		missing(t, "this kernel serves no 32-bit calls:", err)
	}
	w.find(t, event.File, pid, func(e event.Event) bool { return e.File.Path == path && e.File.Via == "compat32" })
}
