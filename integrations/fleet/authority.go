package fleet

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base32"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"
)

// authority signs certificates. Its own follows from its key alone: ed25519 signs the same bytes the
// same way, so every replica with the key has the same certificate, and none has to be kept.
type authority struct {
	c    Config
	id   string // of this replica
	cert *x509.Certificate

	mu   sync.Mutex // guards own
	own  *tls.Certificate
	till time.Time
}

const (
	scheme     = "tocsin"
	serverLife = 30 * 24 * time.Hour
	clockSlack = time.Hour // that clocks of replicas may differ
)

var (
	authorityFrom  = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	authorityUntil = time.Date(2076, 1, 1, 0, 0, 0, 0, time.UTC)
)

func newAuthority(c Config, id string) (*authority, error) {
	self := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Tocsin sensors of " + c.Workspace}, NotBefore: authorityFrom, NotAfter: authorityUntil,
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, self, self, c.Authority.Public(), c.Authority)
	if err != nil {
		return nil, fmt.Errorf("make the authority's certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read the authority's certificate: %w", err)
	}
	return &authority{c: c, id: id, cert: cert}, nil
}

var base32Lines = base32.StdEncoding.WithPadding(base32.NoPadding)

// fingerprint is what tokens carry, so that a host knows whom to believe before it enrols.
func (a *authority) fingerprint() string {
	sum := sha256.Sum256(a.cert.Raw)
	return base32Lines.EncodeToString(sum[:])
}

func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic("fleet: no random numbers: " + err.Error()) // documented never to happen
	}
	return n
}

// server is the server's own certificate, made anew before it runs out.
func (a *authority) server(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.c.Now()
	if a.own != nil && now.Before(a.till) {
		return a.own, nil
	}
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	// It begins long ago: a host whose clock was set back must still find its server.
	leaf := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: "Tocsin"}, NotBefore: authorityFrom, NotAfter: now.Add(serverLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	for _, name := range a.c.Names {
		if ip := net.ParseIP(name); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
		} else {
			leaf.DNSNames = append(leaf.DNSNames, name)
		}
	}
	if a.c.Peer != "" {
		leaf.DNSNames = append(leaf.DNSNames, replicaName(a.id)) // that replicas want to see, whatever stands between
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.cert, pub, a.c.Authority)
	if err != nil {
		return nil, fmt.Errorf("make the server's certificate: %w", err)
	}
	a.own, a.till = &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: key}, now.Add(serverLife*2/3)
	return a.own, nil
}

// tls is what hosts meet. A certificate is not needed, for enrolment has none; without a good one
// nothing but enrolment answers.
func (a *authority) tls() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: a.server, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: a.roots(),
		NextProtos: []string{"h2"}, Time: a.c.Now}
}

func (a *authority) roots() *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AddCert(a.cert)
	return roots
}

// issue makes a host's certificate for the key in a request. Nothing else of the request is looked at.
func (a *authority) issue(csr []byte, agent, host string) ([]byte, error) {
	r, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		return nil, errors.New("this is no request for a certificate")
	}
	pub, ok := r.PublicKey.(ed25519.PublicKey)
	if !ok || r.CheckSignature() != nil {
		return nil, errors.New("a certificate is asked for with an ed25519 key, and signed with it")
	}
	now := a.c.Now()
	leaf := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: host}, NotBefore: now.Add(-clockSlack), NotAfter: now.Add(a.c.Life),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, URIs: []*url.URL{a.uri(agent, host)}}
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.cert, pub, a.c.Authority)
	if err != nil {
		return nil, fmt.Errorf("make the host's certificate: %w", err)
	}
	return der, nil
}

func (a *authority) uri(agent, host string) *url.URL {
	return &url.URL{Scheme: scheme, Host: "sensor", Path: "/" + strings.Join([]string{a.c.Workspace, agent, host}, "/")}
}

// named is who a certificate that was verified belongs to.
func (a *authority) named(c *x509.Certificate) (agent, host string, ok bool) {
	if len(c.URIs) != 1 || c.URIs[0].Scheme != scheme || c.URIs[0].Host != "sensor" {
		return "", "", false
	}
	part := strings.Split(strings.TrimPrefix(c.URIs[0].Path, "/"), "/")
	if len(part) != 3 || part[0] != a.c.Workspace {
		return "", "", false
	}
	return part[1], part[2], true
}
