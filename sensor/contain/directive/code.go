package directive

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"
)

// A release code lets go of one hold on one host, once, at the host's own console, when the
// control channel is dead. It is signed like a directive; host and hold are not in it, so
// that it says nothing to whoever finds it.
//
//	version (1) · expires (4, unix minutes) · nonce (8) · signature (64) · check (2)
//
// in Crockford's base 32, in groups of five, so that it can be typed from a phone.
const (
	codeVersion = 1
	nonceSize   = 8
	checkSize   = 2
	codeSize    = 1 + 4 + nonceSize + ed25519.SignatureSize + checkSize
	mostCode    = 512 // characters looked at

	// LongestCode is how long a code may be good for.
	LongestCode = 24 * time.Hour
)

var codeLetters = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// MintCode makes a code. The nonce is 8 random bytes.
func MintCode(key ed25519.PrivateKey, workspace, host, hold string, expires time.Time, nonce [nonceSize]byte) string {
	code := binary.BigEndian.AppendUint32([]byte{codeVersion}, uint32(expires.Unix()/60))
	code = append(code, nonce[:]...)
	code = append(code, ed25519.Sign(key, codeDigest(code, workspace, host, hold))...)
	sum := sha256.Sum256(code)
	text := codeLetters.EncodeToString(append(code, sum[:checkSize]...))
	var groups []string
	for len(text) > 5 {
		groups, text = append(groups, text[:5]), text[5:]
	}
	return strings.Join(append(groups, text), "-")
}

func codeDigest(head []byte, workspace, host, hold string) []byte {
	return digest(codeLabel, head, []byte(workspace), []byte(host), []byte(hold))
}

// Spend judges a code typed at the console and says which of the holds it releases. The
// ledger has changed then, and must be on disk before the hold is let go.
func (l *Ledger) Spend(typed string, holds []string, now time.Time) (hold string, err error) {
	code, r := readCode(typed)
	if r != nil {
		return "", r
	}
	head, sig := code[:1+4+nonceSize], code[1+4+nonceSize:codeSize-checkSize]
	for _, h := range holds {
		if ed25519.Verify(l.Key, codeDigest(head, l.Workspace, l.Host, h), sig) {
			hold = h
			break
		}
	}
	if hold == "" {
		return "", refuse(BadCode, "ask for a code for this host and this hold", "this code releases nothing that is held here")
	}
	expires := time.Unix(int64(binary.BigEndian.Uint32(head[1:5]))*60, 0)
	if !now.Before(expires) || expires.Sub(now) > LongestCode {
		return "", refuse(BadCode, "ask for a new one; is this host's clock right?", "this code is good until %s; here it is %s", utc(expires), utc(now))
	}
	nonce := codeLetters.EncodeToString(head[5:])
	if _, spent := l.Spent[nonce]; spent {
		return "", refuse(BadCode, "ask for a new one", "this code was used already")
	}
	l.spend(nonce, expires, now)
	return hold, nil
}

func (l *Ledger) spend(nonce string, expires, now time.Time) {
	kept := map[string]int64{nonce: expires.UnixMilli()}
	for n, until := range l.Spent {
		// A day longer than it is good: a clock that is set back must not revive it.
		if now.UnixMilli() < until+LongestCode.Milliseconds() {
			kept[n] = until
		}
	}
	l.Spent = kept
}

func readCode(typed string) ([]byte, *Refusal) {
	wrong := refuse(BadCode, "compare it group by group", "this is not a release code, or a letter of it is wrong")
	if len(typed) > mostCode {
		return nil, wrong
	}
	text := strings.Map(func(r rune) rune {
		switch r {
		case '-', '–', '—', ' ', '\t', '\r', '\n':
			return -1
		case 'o', 'O':
			return '0'
		case 'i', 'I', 'l', 'L':
			return '1'
		}
		return r
	}, typed)
	code, err := codeLetters.DecodeString(strings.ToUpper(text))
	if err != nil || len(code) != codeSize || code[0] != codeVersion {
		return nil, wrong
	}
	if sum := sha256.Sum256(code[:codeSize-checkSize]); !bytes.Equal(sum[:checkSize], code[codeSize-checkSize:]) {
		return nil, wrong
	}
	return code, nil
}
