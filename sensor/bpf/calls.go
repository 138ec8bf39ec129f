package bpf

import "github.com/tocsin-ir/tocsin/sensor/event"

// The calls that are looked at, by number on x86-64 and for 32-bit programs (0: there is
// none), the program that goes on with each (enum serve in C), and what it needs to know.
// Numbers: arch/x86/entry/syscalls/syscall_64.tbl and syscall_32.tbl.
type call struct {
	name    string
	nr      uint16
	nr32    uint16
	program uint8
	what    uint8
	kind    event.Kind
}

const (
	serveOpen = 1 + iota
	servePaths
	serveExec
	serveAccept
	serveCreds
	serveCall
)

// What on_paths is told of a call: the operation, and where its arguments are.
const (
	opOpen = 1 + iota
	opCreate
	opRename
	opLink
	opSymlink
	opRemove
	opMode

	inDir = 16  // the first argument is a folder
	two   = 32  // there is a second path
	byFD  = 128 // the first argument is the file
)

var calls = []call{
	{"open", 2, 5, serveOpen, 1, event.File},
	{"creat", 85, 8, serveOpen, 2, event.File},
	{"openat", 257, 295, serveOpen, 3, event.File},
	{"openat2", 437, 437, serveOpen, 4, event.File},
	{"rename", 82, 38, servePaths, opRename | two, event.File},
	{"renameat", 264, 302, servePaths, opRename | inDir | two, event.File},
	{"renameat2", 316, 353, servePaths, opRename | inDir | two, event.File},
	{"link", 86, 9, servePaths, opLink | two, event.File},
	{"linkat", 265, 303, servePaths, opLink | inDir | two, event.File},
	{"symlink", 88, 83, servePaths, opSymlink, event.File},
	{"symlinkat", 266, 304, servePaths, opSymlink | inDir, event.File},
	{"unlink", 87, 10, servePaths, opRemove, event.File},
	{"unlinkat", 263, 301, servePaths, opRemove | inDir, event.File},
	{"rmdir", 84, 40, servePaths, opRemove, event.File},
	{"chmod", 90, 15, servePaths, opMode, event.File},
	{"fchmod", 91, 94, servePaths, opMode | byFD, event.File},
	{"fchmodat", 268, 306, servePaths, opMode | inDir, event.File},
	{"fchmodat2", 452, 452, servePaths, opMode | inDir, event.File},
	{"execve", 59, 11, serveExec, 1, event.Exec},
	{"execveat", 322, 358, serveExec, 2, event.Exec},
	{"accept", 43, 0, serveAccept, 0, event.Accept},
	{"accept4", 288, 364, serveAccept, 0, event.Accept},
	{"setuid", 105, 23, serveCreds, 1, event.Privilege},
	{"setuid32", 0, 213, serveCreds, 1, event.Privilege},
	{"setgid", 106, 46, serveCreds, 2, event.Privilege},
	{"setgid32", 0, 214, serveCreds, 2, event.Privilege},
	{"setreuid", 113, 70, serveCreds, 3, event.Privilege},
	{"setreuid32", 0, 203, serveCreds, 3, event.Privilege},
	{"setregid", 114, 71, serveCreds, 4, event.Privilege},
	{"setregid32", 0, 204, serveCreds, 4, event.Privilege},
	{"setresuid", 117, 164, serveCreds, 5, event.Privilege},
	{"setresuid32", 0, 208, serveCreds, 5, event.Privilege},
	{"setresgid", 119, 170, serveCreds, 6, event.Privilege},
	{"setresgid32", 0, 210, serveCreds, 6, event.Privilege},
	{"setfsuid", 122, 138, serveCreds, 7, event.Privilege},
	{"setgroups", 116, 81, serveCreds, 8, event.Privilege},
	{"setgroups32", 0, 206, serveCreds, 8, event.Privilege},
	{"capset", 126, 185, serveCreds, 9, event.Privilege},
	{"ptrace", 101, 26, serveCall, 10, event.Ptrace},
	{"process_vm_writev", 311, 348, serveCall, 11, event.MemWrite},
	{"bpf", 321, 357, serveCall, 12, event.BPF},
	{"memfd_create", 319, 356, serveCall, 13, event.Memfd},
	{"unshare", 272, 310, serveCall, 14, event.Namespace},
	{"setns", 308, 346, serveCall, 15, event.Namespace},
	{"mount", 165, 21, serveCall, 16, event.Mount},
	{"move_mount", 429, 429, serveCall, 17, event.Mount},
	{"init_module", 175, 128, serveCall, 18, event.Module},
	{"finit_module", 313, 350, serveCall, 19, event.Module},
}

// callNames are enum name in C.
var callNames = [...]string{"", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setgroups",
	"capset", "ptrace", "process_vm_writev", "bpf", "memfd_create", "unshare", "setns", "mount", "move_mount", "init_module",
	"finit_module", "module_load", "/proc/pid/mem"}

func callName(n uint8) string {
	if int(n) < len(callNames) {
		return callNames[n]
	}
	return ""
}

var opNames = [...]string{"", "open", "create", "rename", "link", "symlink", "remove", "mode"}

func opName(n uint8) string {
	if int(n) < len(opNames) {
		return opNames[n]
	}
	return ""
}
