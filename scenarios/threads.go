package scenarios

import (
	"slices"
	"sync"
)

var threadNames []string

var threads = sync.OnceValue(func() []*Scenario { return read("catalogue/threads", threadNames) })

// Threads are the scenarios that were taken from public bug reports. They are
// shared and must not be changed.
func Threads() []*Scenario { return slices.Clone(threads()) }
