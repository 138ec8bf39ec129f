//go:build !linux

package nftables

import (
	"errors"

	"github.com/tocsin-ir/tocsin/actions"
)

func open(Config) ([]actions.Action, error) {
	return nil, errors.New("nftables is a part of Linux; this machine runs something else")
}
