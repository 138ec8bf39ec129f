package config

import (
	"strings"
	"testing"
)

func TestWhereOtherReplicasCome(t *testing.T) {
	with := func(listen, peer string) Fleet {
		return Fleet{Listen: listen, Names: []string{"tocsin.example.com"}, Peer: peer}
	}
	for peer, f := range map[string]Fleet{"": with(":8443", ""), "10.0.0.2:8443": with(":8443", "10.0.0.2:8443"), "[2001:db8::1]:8443": with(":8443", "[2001:db8::1]:8443")} {
		if err := f.check(); err != nil {
			t.Errorf("%q: %v", peer, err)
		}
	}
	for peer, f := range map[string]Fleet{"10.0.0.2:8443": with("", "10.0.0.2:8443"), "10.0.0.2": with(":8443", "10.0.0.2"), ":8443": with(":8443", ":8443"), "tocsin:": with(":8443", "tocsin:")} {
		if err := f.check(); err == nil || !strings.Contains(err.Error(), "TOCSIN_FLEET_PEER") {
			t.Errorf("%q was taken: %v", peer, err)
		}
	}
}
