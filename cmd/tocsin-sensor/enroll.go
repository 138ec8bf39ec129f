package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tocsin-ir/tocsin/sensor/contain"
	"github.com/tocsin-ir/tocsin/sensor/link"
)

type enrollCmd struct {
	Server string `help:"Where the server is: tocsin.example.com:8443" required:"" env:"TOCSIN_SENSOR_SERVER"`
	Token  string `help:"File with the token of tocsin sensor token; - is standard input, so that it shows in no list of processes." default:"-" env:"TOCSIN_SENSOR_TOKEN_FILE"`
	Host   string `help:"What this host is to be called; its own name by default." env:"TOCSIN_SENSOR_HOST"`
	State  string `help:"Folder of the sensor." default:"/var/lib/tocsin-sensor" env:"TOCSIN_SENSOR_STATE"`
}

// Run trades the token for a certificate and pins the key of whoever may order this host.
func (c *enrollCmd) Run(ctx context.Context, t terminal) error {
	token, err := c.token()
	if err != nil {
		return err
	}
	host := c.Host
	if host == "" {
		if host, err = os.Hostname(); err != nil {
			return err
		}
	}
	machine, err := link.Machine()
	if err != nil {
		return err
	}
	id, err := link.Enrol(ctx, link.Enrolment{Server: c.Server, Token: token, Host: strings.ToLower(host), Dir: linkDir(c.State), Machine: machine, Version: version(), Kernel: kernel()})
	if err != nil {
		return err
	}
	if err := pin(c.State, id); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s is enrolled as agent %s. Start it: tocsin-sensor run --server\n", id.Host, id.Agent)
	return err
}

func (c *enrollCmd) token() (string, error) {
	in := os.Stdin
	if c.Token != "-" {
		f, err := os.Open(c.Token)
		if err != nil {
			return "", fmt.Errorf("read the token: %w", err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the token: %w", err)
	}
	return strings.TrimSpace(line), nil
}

// pin writes down whom the hands obey. A host that is enrolled again keeps the key that it has pinned:
// whoever gets hold of a token must not be able to order about a host that has a master.
func pin(state string, id *link.Identity) error {
	dir := handsDir(state)
	if _, err := os.Lstat(filepath.Join(dir, "ledger.json")); err == nil {
		return nil
	}
	return contain.Enrol(dir, id.Workspace, id.Host, id.Pinned)
}

func linkDir(state string) string  { return filepath.Join(state, "link") }
func handsDir(state string) string { return filepath.Join(state, "hands") }

func kernel() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}
