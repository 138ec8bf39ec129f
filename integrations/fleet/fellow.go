package fleet

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net/url"
	"strings"
	"time"
)

const fellowLife = 24 * time.Hour

// replicaName is in the certificate that a replica serves with: one that calls it believes no other, not
// even one whose address was put into the register.
func replicaName(id string) string { return id + ".replica.tocsin.internal" }

// toReplica is how one replica calls another: it wants the certificate of that one, and shows its own.
func (a *authority) toReplica(id string) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: a.roots(), ServerName: replicaName(id), NextProtos: []string{"h2"}, Time: a.c.Now,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return a.fellow() }}
}

// fellow is this replica's certificate for the door of another. It is of a kind of its own: no host
// ever gets one, and it opens no door that hosts use.
func (a *authority) fellow() (*tls.Certificate, error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	now := a.c.Now()
	leaf := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: "Tocsin replica"}, NotBefore: now.Add(-clockSlack), NotAfter: now.Add(fellowLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		URIs: []*url.URL{{Scheme: scheme, Host: "replica", Path: "/" + a.c.Workspace + "/" + a.id}}}
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.cert, pub, a.c.Authority)
	if err != nil {
		return nil, fmt.Errorf("make the replica's certificate: %w", err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// replica is which replica a certificate that was verified belongs to.
func (a *authority) replica(c *x509.Certificate) (id string, ok bool) {
	if len(c.URIs) != 1 || c.URIs[0].Scheme != scheme || c.URIs[0].Host != "replica" {
		return "", false
	}
	part := strings.Split(strings.TrimPrefix(c.URIs[0].Path, "/"), "/")
	if len(part) != 2 || part[0] != a.c.Workspace || part[1] == "" {
		return "", false
	}
	return part[1], true
}
