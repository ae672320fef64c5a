package results

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/checkers"
)

// Keep says which histories of cells that passed stay in the run's folder. Those of all
// other cells stay always.
type Keep string

// What is kept.
const (
	KeepBySize   Keep = "by-size"  // all up to EnoughKept, then as KeepSample
	KeepAll      Keep = "all"      // every one
	KeepSample   Keep = "sample"   // the first SampleFirst of each scenario, then one in SampleEvery
	KeepFailures Keep = "failures" // none
)

// The sizes of what is kept.
const (
	EnoughKept  = 1 << 30 // bytes
	SampleFirst = 10
	SampleEvery = 100
)

// Keeps are the values of Keep.
func Keeps() []string {
	return []string{string(KeepBySize), string(KeepAll), string(KeepSample), string(KeepFailures)}
}

// Check refuses what is no value of it.
func (k Keep) Check() error {
	if slices.Contains(Keeps(), string(k)) {
		return nil
	}
	return fmt.Errorf("%q: expected %s", k, strings.Join(Keeps(), ", "))
}

// keeper decides which histories stay.
type keeper struct {
	keep   Keep
	passed map[string]int // cells of each scenario
	bytes  int64          // of the histories of those that stayed
}

// stays tells whether the history of a cell that passed, of so many bytes, is to stay.
func (k *keeper) stays(scenario string, bytes int64) bool {
	n := k.passed[scenario]
	k.passed[scenario]++
	sampled := n < SampleFirst || n%SampleEvery == 0
	stays := k.keep == KeepAll || k.keep == KeepSample && sampled ||
		k.keep == KeepBySize && (k.bytes+bytes <= EnoughKept || sampled)
	if stays {
		k.bytes += bytes
	}
	return stays
}

// plain tells whether there is nothing to see in the history of a cell: it passed, and no
// property has anything to tell of it, advice neither.
func plain(cell Cell, verdicts []checkers.Verdict) bool {
	return cell.Verdict == checkers.Pass && !slices.ContainsFunc(verdicts, func(v checkers.Verdict) bool {
		return v.Outcome == checkers.Violation || v.Outcome == checkers.Inconclusive
	})
}

// thin lets the history of a cell go in which there is nothing to see, if it is not to stay: the
// cell says so, and the file is to be removed when that is written down. Empty: it stays.
func (c *Collector) thin(cell *Cell) (file string) {
	if c.run.kept == "" || !filepath.IsLocal(cell.History) { // none, or one that another run has left
		return ""
	}
	path := filepath.Join(c.run.kept, cell.History)
	info, err := os.Stat(path)
	if err != nil {
		c.unthinned(err)
		return ""
	}
	if c.keeper.stays(cell.Scenario, info.Size()) {
		return ""
	}
	cell.History, cell.NotKept = "", true
	c.run.Totals.NotKept++
	return path
}

// unthinned notes, once, that a history could not be let go.
func (c *Collector) unthinned(err error) {
	c.run.Errors = append(c.run.Errors, fmt.Sprintf("a history that need not be kept: %v", err))
	c.keeper.keep = KeepAll
}
