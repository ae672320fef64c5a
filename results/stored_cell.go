package results

import (
	"fmt"
	"path/filepath"

	"github.com/sagacheck/sagacheck/history"
)

// Load reads the history of a cell. One that is not the cell's, as its record has it, is an error: what
// another cell showed would be counted in its place.
func (c StoredCell) Load() (*history.History, error) {
	h, err := history.Load(c.File)
	if err == nil && c.record != "" {
		err = c.Info.Match(c.File, h.Header, c.record)
	}
	if err != nil {
		return nil, err
	}
	return h, nil
}

// Match compares the header of a file with what a record says of its cell.
func (i CellInfo) Match(file string, h history.Header, record string) error {
	for _, f := range []struct{ field, got, want string }{
		{"cell", h.Cell, i.ID}, {"scenario", h.Scenario, i.Scenario}, {"plan_id", h.PlanID, i.PlanID},
	} {
		if f.got != f.want {
			return fmt.Errorf("%s:1: %s: %q: expected %q, as %s has it: it is the history of another cell", file, f.field, f.got, f.want, record)
		}
	}
	return nil
}

// eachOnce refuses a record in which a cell, or a history, is there twice: it would count for two.
func eachOnce(record string, cells []Cell) error {
	first := map[string]int{}
	for n, c := range cells {
		if c.Error != "" || c.NotKept { // such a run is not green anyway
			continue
		}
		for _, f := range []struct{ field, value string }{{"id", c.ID}, {"history", filepath.Clean(c.History)}} {
			key := f.field + " " + f.value
			if at, again := first[key]; again {
				return fmt.Errorf("%s:%d: %s: %q is in line %d already: expected one line a cell", record, n+1, f.field, f.value, at)
			}
			first[key] = n + 1
		}
	}
	return nil
}
