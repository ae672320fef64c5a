package harness_test

import (
	"strconv"

	"github.com/sagacheck/sagacheck/saga"
)

func itoa(n int) string { return strconv.Itoa(n) }

func mustPoint(s string) saga.FailurePoint {
	p, err := saga.ParseFailurePoint(s)
	if err != nil {
		panic(err)
	}
	return p
}
