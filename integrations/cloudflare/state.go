package cloudflare

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"strings"
)

// digest is a short name for what a list of texts says.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:12])
}

// canonical is JSON with its keys in order, so that the same says the same.
func canonical(raw json.RawMessage) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return ""
	}
	b, _ := json.Marshal(v) // it was JSON
	return string(b)
}

func opened(b []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

// How it stands with a block, in a zone or at the Gateway.
const (
	isOpen    = "open"
	isBlocked = "blocked"                 // by Tocsin's rule
	isOthers  = "blocked by another rule" // by a rule that somebody else made
	isChanged = "changed"                 // Tocsin's rule is there, and is not as it was made
)
