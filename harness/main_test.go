package harness_test

import (
	"flag"
	"os"
	"testing"
)

// Tests wait for most of their time: that many run at once, however few the cores are. Who
// says -parallel has it so.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
