package main

import (
	"os"
	"testing"

	"github.com/tocsin-ir/tocsin/sensor/emulation"
)

// The test binary is also the program under test, and the programs it watches: run with
// one of these it is that and nothing else.
const asSensor = "TOCSIN_TEST_AS_SENSOR"

func TestMain(m *testing.M) {
	emulation.Main()
	if os.Getenv(asSensor) != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}
