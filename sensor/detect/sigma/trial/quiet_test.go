package trial_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/detect/rules"
	"github.com/tocsin-ir/tocsin/sensor/detect/sigma"
	"github.com/tocsin-ir/tocsin/sensor/event"
)

// ordinary is what hosts do all day, as parent, program and command line.
var ordinary = []string{
	"/usr/bin/go /usr/lib/go/pkg/tool/linux_amd64/compile -o /tmp/go-build118/b002/_pkg_.a -trimpath /tmp/go-build118/b002=> -p main -complete -buildid x -goversion go1.26 ./main.go",
	"/usr/bin/go /usr/lib/go/pkg/tool/linux_amd64/link -o /tmp/go-build118/b001/exe/a.out -importcfg /tmp/go-build118/b001/importcfg.link -buildmode=exe",
	"/usr/bin/go /usr/bin/gcc -I . -fPIC -m64 -pthread -o /tmp/go-build118/b004/_cgo_main.o -c _cgo_main.c",
	"/usr/bin/go /tmp/go-build118/b001/store.test -test.timeout=10m0s -test.run=^TestLoad$",
	"/usr/bin/bash /usr/bin/go build -trimpath -o bin/app ./cmd/app",
	"/usr/bin/bash /usr/bin/git pull --rebase origin main",
	"/usr/lib/git-core/git /usr/bin/ssh git@github.com git-upload-pack 'acme/app.git'",
	"/usr/bin/make /usr/bin/sh -c go vet ./... && golangci-lint run",
	"/usr/sbin/cron /usr/bin/sh -c command -v debian-sa1 > /dev/null && debian-sa1 1 1",
	"/usr/lib/systemd/systemd /usr/sbin/logrotate /etc/logrotate.conf",
	"/usr/sbin/logrotate /usr/bin/gzip --best",
	"/usr/bin/apt-get /usr/bin/dpkg --status-fd 20 --configure --pending",
	"/usr/bin/dpkg /usr/bin/sh /var/lib/dpkg/info/nginx.postinst configure 1.22.1-9",
	"/usr/bin/dpkg /usr/bin/systemctl daemon-reload",
	"/usr/bin/dash /usr/bin/chmod 0644 /etc/nginx/nginx.conf",
	"/usr/bin/dash /usr/sbin/useradd --system --no-create-home nginx -r --shell /usr/sbin/nologin",
	"/usr/bin/bash /usr/bin/sudo systemctl restart nginx",
	"/usr/bin/sudo /usr/bin/systemctl restart nginx",
	"/usr/bin/bash /usr/bin/journalctl -u nginx --since today -f",
	"/usr/bin/bash /usr/bin/tail -f /var/log/nginx/access.log",
	"/usr/bin/bash /usr/bin/grep -rn password= internal/config",
	"/usr/bin/bash /usr/bin/curl -fsSL https://api.example.com/v1/health",
	"/usr/bin/bash /usr/bin/curl -d @body.json https://10.0.0.5/api",
	"/usr/bin/bash /usr/bin/tar czf /backup/srv-2026-11-25.tgz /srv/app",
	"/usr/bin/bash /usr/bin/docker run --rm -v /srv/app:/app -w /app golang:1.26 go test ./...",
	"/usr/bin/containerd-shim-runc-v2 /usr/bin/runc --root /var/run/docker/runtime-runc/moby init",
	"/usr/bin/bash /usr/bin/kubectl get pods -A",
	"/usr/bin/bash /usr/bin/ssh deploy@10.0.1.4 uptime",
	"/usr/bin/bash /usr/bin/scp build.tgz deploy@10.0.1.4:/srv/",
	"/usr/bin/bash /usr/bin/rsync -a --delete /srv/data/ backup:/srv/data/",
	"/usr/bin/bash /usr/bin/find /var/log -name *.gz -mtime +30",
	"/usr/bin/bash /usr/bin/rm -rf ./node_modules /tmp/build.4711",
	"/usr/bin/npm /usr/bin/node /usr/lib/node_modules/npm/bin/npm-cli.js ci",
	"/usr/bin/python3.11 /usr/bin/python3.11 -c import sys; print(sys.version)",
	"/usr/bin/bash /usr/bin/pip install -r requirements.txt",
	"/usr/bin/bash /usr/bin/vim.basic /etc/hosts",
	"/usr/lib/postgresql/15/bin/postgres /usr/bin/sh -c cp pg_wal/0001 /archive/0001",
	"/usr/sbin/nginx /usr/sbin/nginx -g daemon off;",
	"/usr/bin/bash /usr/sbin/iptables -L -n -v",
	"/usr/bin/dockerd /usr/sbin/iptables --wait -t nat -A DOCKER -p tcp -d 0/0 --dport 8080 -j DNAT",
	"/usr/bin/bash /usr/bin/strace -c ls",
	"/usr/bin/bash /usr/bin/openssl s_client -connect example.com:443",
	"/usr/bin/bash /usr/bin/base64 -d token.b64",
	"/usr/bin/bash /usr/bin/crontab -l",
	"/usr/bin/bash /usr/bin/passwd",
	"/usr/sbin/sshd /usr/bin/bash -l",
}

// A quiet day: nothing is told of it.
func TestAQuietDay(t *testing.T) {
	files, err := sigma.Read(rules.Files())
	if err != nil {
		t.Fatal(err)
	}
	set, _ := sigma.Compile(files, sigma.Options{})
	engine := sigma.NewEngine(set, sigma.Limits{})
	at := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	told := func(e *event.Event) {
		for _, m := range engine.Judge(e, e.At, nil) {
			t.Errorf("%s, for %s %v\n%s", m.Rule.Title, e.Kind, e.Process.Args, sigma.Explain(set, m.Rule, e))
		}
	}
	for hour := range 8 {
		for i, line := range ordinary {
			w := strings.Fields(line)
			e := event.Event{Kind: event.Exec, At: at.Add(time.Duration(hour)*time.Hour + time.Duration(i)*time.Minute), Host: "web-3",
				Process: event.Process{Key: event.Key{PID: uint32(100 + i)}, Exe: w[1], Args: w[1:], Dir: "/srv/app", UID: 1000, EUID: 1000, User: "deploy"},
				Parent:  event.Process{Key: event.Key{PID: 99}, Exe: w[0], Args: w[:1]}, Exec: &event.ExecOf{}}
			told(&e)
			e.Kind, e.Exec = event.Connect, nil
			e.Net = &event.NetOf{Proto: "tcp", Local: netip.MustParseAddrPort("10.0.0.7:40000"), Remote: netip.MustParseAddrPort("10.0.0.5:443")}
			if !strings.HasSuffix(w[1], "sh") { // a shell that connects is not quiet
				told(&e)
			}
			e.Kind, e.Net = event.File, nil
			e.File = &event.FileOf{Op: "create", Path: "/srv/app/cache/x"}
			told(&e)
		}
	}
}
