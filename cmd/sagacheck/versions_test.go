package main

import (
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/saga"
)

func TestVersionsAsText(t *testing.T) {
	var b strings.Builder
	err := writeVersions(&b, reference.Versions{Cut: true, Versions: []reference.VersionSums{
		{Name: "order", Sagas: 10, Ends: map[saga.Status]int{saga.Completed: 9, saga.Compensated: 1}, MedianMS: 120, P95MS: 1500, Calls: 31, Retries: 2, Compensations: 1},
		{Name: "order", Version: "2", Sagas: 3, Ends: map[saga.Status]int{saga.EndedByHand: 1}, Open: 1, Paused: 2, Stuck: 1, Calls: 7},
	}})
	want := `name   version  sagas  completed  compensated  ended by hand  open  paused  stuck  half took  95 of 100 took  calls  again  undone
order  -        10     9          1            0              0     0       0      120ms      1.5s            31     2      1
order  2        3      0          0            1              1     2       1      0s         0s              7      0      0
there are more sagas than were read, which are those that are open and the last that ended: ask with --since or --name
`
	if err != nil || b.String() != want {
		t.Errorf("%s\nwant\n%s, %v", &b, want, err)
	}
}
