package wire

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
)

// setLabel keeps the signature of a set from being taken for anything else the key signs, a
// directive above all.
const setLabel = "tocsin sensor set v1"

// SignSet makes the update. The version is to be above every version sent before.
func SignSet(key ed25519.PrivateKey, workspace, kind string, version uint64, body []byte) *Update {
	sum := sha256.Sum256(body)
	return &Update{Kind: kind, Version: version, Body: body, Sha256: sum[:], Signature: ed25519.Sign(key, setDigest(workspace, kind, version, sum[:]))}
}

// Errors of VerifySet.
var (
	ErrSetForged = errors.New("the set is not signed with the key that is pinned here")
	ErrSetBody   = errors.New("the set is not the one that was signed")
	ErrSetBase   = errors.New("the change starts from another set than the one that is installed here")
	ErrSetOld    = errors.New("the set is older than one that was installed here")
)

// VerifySet says whether an update may be installed by a host that has a version above which
// it must be. A set taken back to an older one would bring back what was found wrong with it.
func VerifySet(key ed25519.PublicKey, workspace string, above uint64, u *Update) error {
	if !Signed(key, workspace, u) {
		return ErrSetForged
	}
	sum := sha256.Sum256(u.GetBody())
	if subtle.ConstantTimeCompare(sum[:], u.GetSha256()) != 1 {
		return ErrSetBody
	}
	if u.GetVersion() <= above {
		return ErrSetOld
	}
	return nil
}

// Signed says whether the set that comes of an update is signed: what is looked at before a change is tried.
// VerifySet looks at what came of it.
func Signed(key ed25519.PublicKey, workspace string, u *Update) bool {
	return len(key) == ed25519.PublicKeySize && ed25519.Verify(key, setDigest(workspace, u.GetKind(), u.GetVersion(), u.GetSha256()), u.GetSignature())
}

// setDigest is over the label and the parts, each with its length before it.
func setDigest(workspace, kind string, version uint64, sum []byte) []byte {
	h := sha256.New()
	for _, p := range [][]byte{[]byte(setLabel), []byte(workspace), []byte(kind), binary.BigEndian.AppendUint64(nil, version), sum} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		h.Write(p)
	}
	return h.Sum(nil)
}
