package wire

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// bodyField is Update.body.
const bodyField protowire.Number = 3

// Kept is an update as it is kept on disk, in parts to be written one after the other: the same
// message that is sent, but its body, which may be most of what a host has of memory, is not copied.
func Kept(u *Update) ([][]byte, error) {
	head, err := proto.Marshal(&Update{Kind: u.GetKind(), Version: u.GetVersion(), Sha256: u.GetSha256(), Signature: u.GetSignature()})
	if err != nil {
		return nil, err
	}
	head = protowire.AppendTag(head, bodyField, protowire.BytesType)
	return [][]byte{protowire.AppendVarint(head, uint64(len(u.GetBody()))), u.GetBody()}, nil
}

// ReadKept reads what Kept wrote. It keeps b: the body is a part of it.
func ReadKept(b []byte) (*Update, error) {
	var body, rest []byte
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, errors.New("read a set: it is damaged")
		}
		size := protowire.ConsumeFieldValue(field, kind, b[n:])
		if size < 0 {
			return nil, errors.New("read a set: it is damaged")
		}
		if field == bodyField && kind == protowire.BytesType {
			body, _ = protowire.ConsumeBytes(b[n:])
		} else {
			rest = append(rest, b[:n+size]...)
		}
		b = b[n+size:]
	}
	u := &Update{}
	if err := proto.Unmarshal(rest, u); err != nil {
		return nil, err
	}
	u.Body = body
	return u, nil
}
