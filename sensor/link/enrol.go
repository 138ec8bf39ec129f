package link

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/tocsin-ir/tocsin/sensor/wire"
	"github.com/tocsin-ir/tocsin/sensor/wire/wireconnect"
)

// A token is tocsin_enrol_, its id, its secret, and what the server's authority hashes to: whoever
// has the token knows which server to believe before it tells that server anything.
var tokenShape = regexp.MustCompile(`^tocsin_enrol_([a-z2-7]{10})_([A-Z2-7]{52})_([A-Z2-7]{52})$`)

var base32Lines = base32.StdEncoding.WithPadding(base32.NoPadding)

// Enrolment is what Enrol is given.
type Enrolment struct {
	Server  string // host:port
	Token   string
	Host    string // as it wants to be called
	Dir     string // of the identity; there may be one already, which is replaced
	Version string
	Machine string // 64 hex digits; see Machine
	Kernel  string
}

// Machine stands for this machine without telling its id: the digest of a label and
// /etc/machine-id, which machine-id(5) asks to keep to oneself.
func Machine() (string, error) {
	id, err := os.ReadFile("/etc/machine-id")
	if text := strings.TrimSpace(string(id)); err == nil && text != "" {
		sum := sha256.Sum256([]byte("tocsin sensor machine v1 " + text))
		return hex.EncodeToString(sum[:]), nil
	}
	return "", errors.New("this machine has no id: systemd-machine-id-setup makes /etc/machine-id")
}

// Enrol trades a token for an identity and writes it down. The token is good once, whatever comes
// of it afterwards.
func Enrol(ctx context.Context, e Enrolment) (*Identity, error) {
	shape := tokenShape.FindStringSubmatch(strings.TrimSpace(e.Token))
	if shape == nil {
		return nil, errors.New("this is no enrolment token; tocsin sensor token makes one: tocsin_enrol_…")
	}
	if _, _, err := net.SplitHostPort(e.Server); err != nil {
		return nil, fmt.Errorf("%q is not the address of a server: it looks like tocsin.example.com:8443", e.Server)
	}
	authority, err := base32Lines.DecodeString(shape[3])
	if err != nil {
		return nil, errors.New("the token is damaged: copy it again")
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	csr, err := request(key)
	if err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(e.Server)
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: believing(authority, host)}
	defer transport.CloseIdleConnections()
	desk := wireconnect.NewDeskClient(&http.Client{Transport: transport, Timeout: 30 * time.Second}, "https://"+e.Server, connect.WithReadMaxBytes(mostIdentity))
	got, err := desk.Enrol(ctx, connect.NewRequest(&wire.EnrolRequest{Token: strings.TrimSpace(e.Token), Host: e.Host, Machine: e.Machine, Csr: csr, Version: e.Version, Kernel: e.Kernel}))
	if err != nil {
		return nil, said(err)
	}
	id := &Identity{Server: e.Server, Agent: got.Msg.GetAgent(), Workspace: got.Msg.GetWorkspace(), Host: got.Msg.GetHost(), Machine: e.Machine,
		Authority: got.Msg.GetAuthority(), Pinned: got.Msg.GetKey(), Certificate: got.Msg.GetCertificate(), Key: key}
	if sum := sha256.Sum256(id.Authority); subtle.ConstantTimeCompare(sum[:], authority) != 1 || len(id.Pinned) != ed25519.PublicKeySize {
		return nil, errors.New("the server's answer does not belong to this token")
	}
	return id, id.save(e.Dir)
}

// request asks for a certificate of a key. What it is to say is the server's business.
func request(key ed25519.PrivateKey) ([]byte, error) {
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "tocsin-sensor"}}, key)
	if err != nil {
		return nil, fmt.Errorf("ask for a certificate: %w", err)
	}
	return csr, nil
}

// believing is the TLS of somebody who knows only what the server's authority hashes to. The
// server sends the authority along; the usual check is done against that one, by hand.
func believing(authority []byte, host string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ServerName: host, NextProtos: []string{"h2"},
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection checks more than usual, not less
		VerifyConnection: func(c tls.ConnectionState) error {
			for _, cert := range c.PeerCertificates {
				if sum := sha256.Sum256(cert.Raw); subtle.ConstantTimeCompare(sum[:], authority) != 1 || !cert.IsCA {
					continue
				}
				roots := x509.NewCertPool()
				roots.AddCert(cert)
				_, err := c.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: host})
				return err
			}
			return errors.New("this is not the server that made the token")
		},
	}
}

// said is what the server said, or that it said nothing.
func said(err error) error {
	var no *connect.Error
	if errors.As(err, &no) && connect.IsWireError(err) {
		return fmt.Errorf("the server says no: %s", no.Message())
	}
	return fmt.Errorf("the server was not reached: %w", err)
}
