package config

import (
	"errors"
	"net"
)

// Fleet is where sensors come to.
type Fleet struct {
	Listen    string   `help:"Address for sensors; with it hosts can enrol, be asked and be contained. Nothing may stand in front of it that ends TLS." env:"TOCSIN_FLEET_LISTEN"`
	Names     []string `help:"Names and addresses by which hosts reach it: tocsin.example.com" env:"TOCSIN_FLEET_NAMES"`
	Key       Secret   `help:"Key that signs orders to hosts: 64 hex digits (ed25519 seed), or @file; hosts pin it. Without it a key file is made beside the SQLite file." env:"TOCSIN_FLEET_KEY"`
	Authority Secret   `help:"Key that signs the certificates of hosts: 64 hex digits (ed25519 seed), or @file. Without it a key file is made beside the SQLite file." env:"TOCSIN_FLEET_AUTHORITY"`
	Peer      string   `help:"Address at which other replicas reach this one's port for sensors, host:port, different for each. With it replicas pass hosts on to each other; without it a host can be asked and contained only by the replica it converses with." env:"TOCSIN_FLEET_PEER"`
}

// check says what is missing.
func (f Fleet) check() error {
	if f.Listen != "" && len(f.Names) == 0 {
		return errors.New("TOCSIN_FLEET_LISTEN needs TOCSIN_FLEET_NAMES, the names by which hosts reach it")
	}
	if f.Peer == "" {
		return nil
	}
	if f.Listen == "" {
		return errors.New("TOCSIN_FLEET_PEER needs TOCSIN_FLEET_LISTEN, the port that other replicas come to")
	}
	if host, port, err := net.SplitHostPort(f.Peer); err != nil || host == "" || port == "" {
		return errors.New("TOCSIN_FLEET_PEER is no address: write it as host:port, as other replicas reach this one")
	}
	return nil
}

// Feeds are what others publish of attackers; which there are the plan says.
type Feeds struct {
	Tokens map[string]Secret `help:"Tokens and passwords of feeds of indicators by the name the plan uses, or @file: shared=…" env:"TOCSIN_FEED_TOKENS"`
}
