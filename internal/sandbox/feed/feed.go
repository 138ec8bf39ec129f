// Package feed is somebody who publishes indicators over https: one list, with an ETag that changes
// with it and nothing else, for whoever has the token. It signs its certificate itself.
package feed

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server publishes on a port of loopback.
type Server struct {
	URL   string
	Token string // without it nobody is told anything
	Cert  *x509.Certificate

	http *http.Server

	mu     sync.Mutex // guards what follows
	text   string
	closed bool // for now
}

// Start begins to publish nothing.
func Start() (*Server, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key for the feed: %w", err)
	}
	host := net.IPv4(127, 0, 0, 1)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().AddDate(10, 0, 0), IPAddresses: []net.IP{host},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IsCA: true, BasicConstraintsValid: true}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate for the feed: %w", err)
	}
	s := &Server{Token: rand.Text()}
	if s.Cert, err = x509.ParseCertificate(raw); err != nil {
		return nil, fmt.Errorf("make a certificate for the feed: %w", err)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host.String(), "0"))
	if err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	s.URL = "https://" + l.Addr().String() + "/list.txt"
	s.http = &http.Server{Handler: http.HandlerFunc(s.answer), ReadHeaderTimeout: 5 * time.Second}
	secure := tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}})
	go func() { _ = s.http.Serve(secure) }()
	return s, nil
}

// Publish replaces the list.
func (s *Server) Publish(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text, s.closed = text, false
}

// Shut has it answer that it is closed for now, until something is published again.
func (s *Server) Shut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// Close ends it.
func (s *Server) Close() { _ = s.http.Close() }

func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := sha256.Sum256([]byte(s.text))
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	switch {
	case s.closed:
		w.Header().Set("Retry-After", "120")
		http.Error(w, "closed", http.StatusServiceUnavailable)
	case subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+s.Token)) != 1:
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "who are you?", http.StatusUnauthorized)
	case r.Method != http.MethodGet || r.URL.Path != "/list.txt":
		http.NotFound(w, r)
	case r.Header.Get("If-None-Match") == tag:
		w.WriteHeader(http.StatusNotModified)
	default:
		w.Header().Set("ETag", tag)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte(s.text))
	}
}
