package harness_test

import (
	"strconv"
	"sync/atomic"

	"github.com/sagacheck/sagacheck/saga"
)

var cells atomic.Int64

// nextID is unique among all cells of the test binary.
func nextID() string { return "t" + itoa(int(cells.Add(1))) }

func itoa(n int) string { return strconv.Itoa(n) }

func mustPoint(s string) saga.FailurePoint {
	p, err := saga.ParseFailurePoint(s)
	if err != nil {
		panic(err)
	}
	return p
}
