package sigma

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/event"
)

// synthetic makes n rules of the shapes that public collections have: mostly process
// creation with the end of Image and parts of CommandLine, lists, filters, some of
// auditd, files and the network. The same n and seed make the same rules.
func synthetic(n int, seed uint64) []File {
	r := rand.New(rand.NewPCG(seed, 1))
	word := func() string {
		const letters = "abcdefghijklmnopqrstuvwxyz0123456789-_."
		b := make([]byte, 4+r.IntN(10))
		for i := range b {
			b[i] = letters[r.IntN(len(letters))]
		}
		return string(b)
	}
	program := func() string {
		if r.IntN(3) == 0 {
			return programs[r.IntN(len(programs))]
		}
		return word()
	}
	var files []File
	for i := range n {
		var b strings.Builder
		say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
		say("title: synthetic %d\nid: 00000000-0000-4000-8000-%012d\nlevel: medium", i, i)
		list := func(n int, of func() string) {
			for range n {
				say("            - '%s'", of())
			}
		}
		arg := func() string {
			if r.IntN(3) == 0 {
				return " -" + word()
			}
			return word()
		}
		switch kind := r.IntN(20); {
		case kind < 13:
			say("logsource:\n    category: process_creation\n    product: linux\ndetection:\n    selection_img:\n        Image|endswith:")
			list(1+r.IntN(3), func() string { return "/" + program() })
			say("    selection_cli:\n        CommandLine|contains%s:", []string{"", "|all"}[r.IntN(2)])
			list(2+r.IntN(6), arg)
			if r.IntN(4) == 0 {
				say("    filter_main_parent:\n        ParentImage|endswith: '/%s'", program())
				say("    condition: all of selection_* and not 1 of filter_main_*")
			} else {
				say("    condition: all of selection_*")
			}
		case kind < 15:
			say("logsource:\n    category: process_creation\n    product: linux\ndetection:\n    selection:\n        CommandLine|contains:")
			list(3+r.IntN(20), arg)
			say("    condition: selection")
		case kind < 17:
			say("logsource:\n    product: linux\n    service: auditd\ndetection:\n    selection:\n        type: EXECVE\n        a0|endswith: '%s'\n        a1|contains: '%s'\n    condition: selection", program(), word())
		case kind < 18:
			say("logsource:\n    category: network_connection\n    product: linux\ndetection:\n    selection:\n        Image|startswith: '/%s/'\n        DestinationPort:\n            - %d\n            - %d\n    condition: selection", word(), r.IntN(65536), r.IntN(65536))
		case kind < 19:
			say("logsource:\n    category: file_event\n    product: linux\ndetection:\n    selection:\n        TargetFilename|startswith: '/etc/%s'\n        TargetFilename|endswith: '.%s'\n    condition: selection", word(), word())
		default:
			say("logsource:\n    category: process_creation\n    product: linux\ndetection:\n    selection:\n        CommandLine|re: '%s[0-9]{2,}\\s+%s'\n    condition: selection", word()[:4], word())
		}
		files = append(files, File{fmt.Sprintf("synthetic_%d.yml", i), []byte(b.String())})
	}
	return files
}

var programs = []string{"bash", "sh", "curl", "wget", "python3", "perl", "nc", "ls", "grep", "find", "systemctl", "crontab", "chmod",
	"ssh", "tar", "gcc", "make", "docker", "kubectl", "sudo", "awk", "sed", "base64", "xxd", "dd", "cat"}

// workload is events as a host has them on a quiet day: none is meant to match.
func workload() []event.Event {
	at := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	run := func(exe, dir string, parent string, args ...string) event.Event {
		return event.Event{Kind: event.Exec, At: at, Host: "web-3",
			Process: event.Process{Key: event.Key{PID: 4711, Start: 99}, Exe: exe, Args: args, Dir: dir, Comm: args[0], UID: 1000, EUID: 1000, User: "deploy", TTY: "pts/0"},
			Parent:  event.Process{Key: event.Key{PID: 4000}, Exe: parent, Args: []string{parent, "-l"}, UID: 1000},
			Exec:    &event.ExecOf{Asked: exe, Inode: 77}}
	}
	list := []event.Event{
		run("/usr/bin/ls", "/home/deploy", "/usr/bin/bash", "ls", "-la", "--color=auto", "/var/log/nginx"),
		run("/usr/bin/grep", "/srv/app", "/usr/bin/bash", "grep", "-rn", "ListenAndServe", "--include=*.go", "."),
		run("/usr/bin/git", "/srv/app", "/usr/bin/make", "git", "-c", "core.quotepath=false", "log", "--max-count=50", "--format=%H %an", "origin/main..HEAD"),
		run("/usr/lib/go/pkg/tool/linux_amd64/compile", "/srv/app", "/usr/bin/go", "/usr/lib/go/pkg/tool/linux_amd64/compile", "-o", "/tmp/go-build3180042041/b042/_pkg_.a", "-trimpath", "/tmp/go-build3180042041/b042=>", "-p", "github.com/example/app/store", "-lang=go1.26", "-complete", "-buildid", "K1Vd2jZ0Yx/K1Vd2jZ0Yx", "-goversion", "go1.26.0", "-c=2", "-shared", "-nolocalimports", "-importcfg", "/tmp/go-build3180042041/b042/importcfg", "-pack", "./commit.go", "./load.go", "./open.go"),
		run("/usr/bin/curl", "/root", "/usr/sbin/cron", "curl", "-fsS", "-m", "10", "--retry", "5", "-o", "/dev/null", "https://hc.example.com/ping/2f1d"),
		run("/usr/bin/python3.11", "/opt/jobs", "/usr/lib/systemd/systemd", "/usr/bin/python3", "/opt/jobs/nightly.py", "--since", "yesterday", "--bucket", "reports-eu"),
		run("/usr/bin/systemctl", "/", "/usr/bin/bash", "systemctl", "is-active", "nginx.service"),
		run("/usr/bin/dash", "/var/lib/dpkg", "/usr/bin/dpkg", "sh", "-c", "test -x /usr/sbin/update-initramfs && update-initramfs -u"),
	}
	tcp := event.Event{Kind: event.Connect, At: at, Host: "web-3", Process: list[4].Process, Net: &event.NetOf{Proto: "tcp",
		Local: netip.MustParseAddrPort("10.0.0.7:51422"), Remote: netip.MustParseAddrPort("93.184.216.34:443"), Name: "hc.example.com"}}
	write := event.Event{Kind: event.File, At: at, Host: "web-3", Process: list[5].Process, File: &event.FileOf{Op: "create", Path: "/var/tmp/report-2026-11-25.csv", Mode: 0o644}}
	return append(list, tcp, write)
}
