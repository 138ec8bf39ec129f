package directive

import (
	"encoding/binary"
	"net/netip"
	"testing"
)

func BenchmarkAccept(b *testing.B) {
	wide := isolate()
	wide.Kind, wide.Isolate, wide.Block = Block, nil, &BlockOf{}
	for i := range MostPrefixes {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], 0x64000000+uint32(i)*16)
		wide.Block.Prefixes = append(wide.Block.Prefixes, netip.PrefixFrom(netip.AddrFrom4(a), 28))
	}
	for name, env := range map[string][]byte{"isolate": signed(b, serverK, isolate()), "65,536 networks": signed(b, serverK, wide)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(env)))
			for b.Loop() {
				if _, err := enrolled().Accept(env, limits(), now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
