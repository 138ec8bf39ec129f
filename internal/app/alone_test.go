package app

import (
	"testing"

	"github.com/tocsin-ir/tocsin/internal/config"
)

// One of several replicas that passes no hosts on is warned of; a server on a file is the only one.
func TestReplicasThatDoNotPassHostsOn(t *testing.T) {
	sensors := config.Fleet{Listen: ":8443", Names: []string{"tocsin.example.com"}}
	joined := sensors
	joined.Peer = "10.0.0.2:8443"
	for want, c := range map[bool][]config.Config{
		true:  {{Database: "postgres://db/tocsin", Fleet: sensors}},
		false: {{Database: "postgres://db/tocsin", Fleet: joined}, {Database: "postgres://db/tocsin"}, {Database: "tocsin.db", Fleet: sensors}},
	} {
		for _, one := range c {
			if alone(one) != want {
				t.Errorf("%+v", one)
			}
		}
	}
}
