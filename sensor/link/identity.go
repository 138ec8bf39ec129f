package link

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Identity is who this host is to its server, as enrolment made it.
type Identity struct {
	Server    string            `json:"server"` // host:port
	Agent     string            `json:"agent"`
	Workspace string            `json:"workspace"`
	Host      string            `json:"host"`
	Machine   string            `json:"machine"`
	Authority []byte            `json:"authority"` // DER; what the server's certificate is checked against
	Pinned    ed25519.PublicKey `json:"pinned"`    // signs orders and sets

	Certificate []byte             `json:"-"` // DER
	Key         ed25519.PrivateKey `json:"-"`
}

const (
	identityName = "identity.json"
	certName     = "certificate.pem" // with its key: one cannot be replaced without the other
	mostIdentity = 64 << 10
)

// Load reads what Enrol wrote. An error that wraps os.ErrNotExist means that the host was not
// enrolled.
func Load(dir string) (*Identity, error) {
	text, err := readBounded(filepath.Join(dir, identityName))
	if err != nil {
		return nil, fmt.Errorf("read who this host is: %w", err)
	}
	var id Identity
	if err := json.Unmarshal(text, &id); err != nil {
		return nil, fmt.Errorf("read who this host is: %w", err)
	}
	if text, err = readBounded(filepath.Join(dir, certName)); err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "CERTIFICATE":
			id.Certificate = block.Bytes
		case "PRIVATE KEY":
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, errors.New("read the certificate: its key cannot be read")
			}
			id.Key, _ = key.(ed25519.PrivateKey)
		}
	}
	if id.Key == nil || id.Certificate == nil || len(id.Pinned) != ed25519.PublicKeySize {
		return nil, errors.New("read who this host is: something is missing; enrol it again")
	}
	return &id, nil
}

func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > mostIdentity {
		return nil, fmt.Errorf("%s is larger than %d bytes", filepath.Base(path), mostIdentity)
	}
	return os.ReadFile(path)
}

// save writes it, each file whole or not at all.
func (id *Identity) save(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of the identity: %w", err)
	}
	if err := id.saveCertificate(dir); err != nil {
		return err
	}
	text, err := json.MarshalIndent(id, "", " ")
	if err == nil {
		err = replace(filepath.Join(dir, identityName), text)
	}
	if err != nil {
		return fmt.Errorf("write who this host is: %w", err)
	}
	return nil
}

func (id *Identity) saveCertificate(dir string) error {
	key, err := x509.MarshalPKCS8PrivateKey(id.Key)
	if err == nil {
		text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.Certificate}),
			pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})...)
		err = replace(filepath.Join(dir, certName), text)
	}
	if err != nil {
		return fmt.Errorf("write the certificate: %w", err)
	}
	return nil
}

func replace(path string, parts ...[]byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "new-") // mode 0600
	if err != nil {
		return err
	}
	for _, part := range parts {
		if err == nil {
			_, err = f.Write(part)
		}
	}
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// term is when the certificate begins and ends.
func (id *Identity) term() (from, until time.Time, err error) {
	c, err := x509.ParseCertificate(id.Certificate)
	if err != nil {
		return from, until, fmt.Errorf("read the certificate: %w", err)
	}
	return c.NotBefore, c.NotAfter, nil
}

// tls is how this host speaks to its server and to nobody else; at is the time that certificates are
// judged by.
func (id *Identity) tls(at func() time.Time) (*tls.Config, error) {
	authority, err := x509.ParseCertificate(id.Authority)
	if err != nil {
		return nil, fmt.Errorf("read the server's authority: %w", err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	return &tls.Config{
		MinVersion: tls.VersionTLS13, RootCAs: roots, NextProtos: []string{"h2"}, Time: at,
		Certificates: []tls.Certificate{{Certificate: [][]byte{id.Certificate}, PrivateKey: id.Key}},
	}, nil
}
