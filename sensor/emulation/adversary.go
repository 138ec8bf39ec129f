package emulation

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"

	"golang.org/x/net/dns/dnsmessage"
)

// listen answers at the attacker's address while the stage lasts.
func listen() error {
	for port, serve := range map[int]func(net.Conn){4444: catchShell, 3333: answerLine, 4443: answerLine} {
		l, err := net.Listen("tcp", fmt.Sprint(":", port))
		if err != nil {
			return err
		}
		go accept(l, serve)
	}
	l, err := net.Listen("tcp", ":80")
	if err != nil {
		return err
	}
	go func() { _ = http.Serve(l, http.HandlerFunc(serveWeb)) }()
	u, err := net.ListenPacket("udp", ":53")
	if err != nil {
		return err
	}
	go answerNames(u)
	return nil
}

func accept(l net.Listener, serve func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = c.Close() }()
			serve(c)
		}()
	}
}

// catchShell types into whatever shell has come, and lets it go.
func catchShell(c net.Conn) {
	_, _ = io.WriteString(c, "id\nexit\n")
	_, _ = io.Copy(io.Discard, c)
}

func answerLine(c net.Conn) {
	if line, err := bufio.NewReader(c).ReadString('\n'); err == nil {
		_, _ = io.WriteString(c, "ok "+line)
	}
}

func serveWeb(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/login" {
		if _, secret, _ := r.BasicAuth(); secret != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	_, _ = io.WriteString(w, "echo fetched\n")
}

// answerNames says of every name that it does not exist.
func answerNames(u net.PacketConn) {
	b := make([]byte, 1500)
	for {
		n, from, err := u.ReadFrom(b)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(b[:n]) != nil {
			continue
		}
		m.Response, m.RCode = true, dnsmessage.RCodeNameError
		if answer, err := m.Pack(); err == nil {
			_, _ = u.WriteTo(answer, from)
		}
	}
}
