package directive

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// An envelope is: magic (4 bytes), name of the key (8), signature (64), body. The body is
// JSON in the one form that encoding/json gives a Directive, no byte different; the signature
// is over a label of its own and the digest of the body, so that nothing else that the key
// ever signs can be taken for a directive.
const (
	magic       = "TSD1"
	keyNameSize = 8
	headSize    = len(magic) + keyNameSize + ed25519.SignatureSize

	// MostBytes is the largest envelope that is looked at.
	MostBytes = 4 << 20

	directiveLabel = "tocsin sensor directive v1"
	rotationLabel  = "tocsin sensor key rotation v1"
	codeLabel      = "tocsin sensor release code v1"
)

// Sign makes the envelope. It refuses what Accept would refuse whoever the host is: a
// directive without bounds is not signed.
func Sign(key ed25519.PrivateKey, d Directive) ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	body, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("write the directive: %w", err)
	}
	if headSize+len(body) > MostBytes {
		return nil, refuse(OutOfBounds, "split it", "the directive is larger than %d bytes", MostBytes)
	}
	pub, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("sign the directive: not an ed25519 key")
	}
	env := append([]byte(magic), keyName(pub)...)
	env = append(env, ed25519.Sign(key, digest(directiveLabel, body))...)
	return append(env, body...), nil
}

// Read is the directive in an envelope, if the key signed it. It says nothing of whether a
// host would obey it: that is for its Ledger. The error is a *Refusal.
func Read(key ed25519.PublicKey, env []byte) (Directive, error) {
	d, no := open(key, env)
	if no != nil {
		return Directive{}, no
	}
	return d, nil
}

// open verifies, then parses.
func open(key ed25519.PublicKey, env []byte) (Directive, *Refusal) {
	var d Directive
	if len(env) > MostBytes || len(env) <= headSize || string(env[:len(magic)]) != magic {
		return d, refuse(Malformed, "is the agent older than the server?", "%d bytes came that are no directive", len(env))
	}
	name, rest := env[len(magic):len(magic)+keyNameSize], env[len(magic)+keyNameSize:]
	sig, body := rest[:ed25519.SignatureSize], rest[ed25519.SignatureSize:]
	if subtle.ConstantTimeCompare(name, keyName(key)) != 1 {
		return d, refuse(Forged, "if the server's key was rotated while this host was away, enrol it again",
			"a directive is signed by another key than the one pinned on this host")
	}
	if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, digest(directiveLabel, body), sig) {
		return d, refuse(Forged, "somebody may be trying to order this host about", "the signature of a directive is wrong")
	}
	if r := decode(body, &d); r != nil {
		return d, r
	}
	return d, nil
}

// decode accepts one spelling only. What a key signed but this agent reads otherwise, or
// only in part, is not what was approved.
func decode(body []byte, d *Directive) *Refusal {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(d); err != nil {
		return refuse(Malformed, "is the agent older than the server?", "a directive cannot be read: %v", err)
	}
	again, err := json.Marshal(*d)
	if err != nil || !bytes.Equal(again, body) {
		return refuse(Malformed, "is the agent older than the server?", "a directive is not in its canonical form")
	}
	return nil
}

func keyName(key ed25519.PublicKey) []byte {
	sum := sha256.Sum256(key)
	return sum[:keyNameSize]
}

// digest is over the label and the parts, each with its length before it.
func digest(label string, parts ...[]byte) []byte {
	h := sha256.New()
	for _, p := range append([][]byte{[]byte(label)}, parts...) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		h.Write(p)
	}
	return h.Sum(nil)
}

// ProveKey signs, with a new key, that it is to replace the old on that host.
func ProveKey(fresh ed25519.PrivateKey, old ed25519.PublicKey, workspace, host string) []byte {
	pub, ok := fresh.Public().(ed25519.PublicKey)
	if !ok {
		return nil
	}
	return ed25519.Sign(fresh, rotation(pub, old, workspace, host))
}

func rotation(fresh, old ed25519.PublicKey, workspace, host string) []byte {
	return digest(rotationLabel, fresh, old, []byte(workspace), []byte(host))
}
