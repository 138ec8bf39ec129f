package fleet

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/tocsin-ir/tocsin/sensor/contain/directive"
)

// Code makes a code that releases one hold at the host's own console, once, for when the control channel
// is dead. The hold is named as the host names it.
func (f *Fleet) Code(host, hold string, good time.Duration) (string, error) {
	if good <= 0 || good > directive.LongestCode-time.Minute {
		return "", errors.New("a release code is good for less than a day")
	}
	h, err := f.named(host)
	if err != nil {
		return "", err
	}
	if hold == "" || len(hold) > 128 {
		return "", errors.New("name the hold, as tocsin-sensor holds shows it on the host")
	}
	var nonce [8]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return "", fmt.Errorf("make a release code: %w", err)
	}
	f.c.Log.Info("a release code was made", "host", h.Name, "hold", hold)
	return directive.MintCode(f.c.Directives, f.c.Workspace, h.Name, hold, f.c.Now().Add(good), nonce), nil
}
