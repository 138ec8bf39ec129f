//go:build solo

package app

import (
	"github.com/tocsin-ir/tocsin/internal/config"
	"github.com/tocsin-ir/tocsin/internal/sandbox"
)

// bigVendors are left out of the build for one machine: their SDKs would double the time
// a newcomer waits for the compiler.
func bigVendors() []vendor { return nil }

// demoAWS is none: nothing here could speak to it.
func demoAWS(*sandbox.World) config.AWS { return config.AWS{} }
