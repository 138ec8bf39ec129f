//go:build solo

package main

import "errors"

// dial refuses: this build has no API.
func dial(string, string) (way, error) {
	return nil, errors.New("this build is for one machine and speaks to no server; make build makes the whole program")
}
