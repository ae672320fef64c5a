package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

// finish reports and gives the exit code.
func (x *session) finish() error {
	err := x.close()
	if err != nil {
		x.collector.AddError(results.CellInfo{}, err)
	}
	return x.publish(x.collector.Finish())
}

// publish writes and prints a finished run.
func (x *session) publish(run *results.Run) error {
	return publishAs(x.terminal, run, x.s.out, x.dir, x.link)
}

// publish writes and prints a run, as the last one in out.
func publish(t reports.Terminal, run *results.Run, out, dir string) error {
	return publishAs(t, run, out, dir, results.LatestLink)
}

// publishAs writes a run, lets the link in out point to it, and prints it. What a
// full disk or the like keeps from being written is not pointed to.
func publishAs(t reports.Terminal, run *results.Run, out, dir, link string) error {
	err := reports.Save(run, dir)
	if err == nil {
		err = results.PointLatest(out, link, dir)
	} else { // whatever was found, this is no PASS
		run.Errors = append(run.Errors, "the report could not be written")
		run.Judge()
	}
	if err = errors.Join(err, reports.Print(t, run)); err != nil {
		return trouble(err)
	}
	if run.Summary.Exit != 0 {
		return &exitError{code: run.Summary.Exit}
	}
	return nil
}

// clausesFlag adds the flag for commands that print properties.
func clausesFlag(c *cobra.Command, all *bool) {
	c.Flags().BoolVar(all, "clauses", false, "print every clause of every property (default: those that could not be judged, or mostly not; report.md has all)")
}

// terminal is where results are printed.
func (p process) terminal(clauses bool) reports.Terminal {
	t := reports.NewTerminal(p.stdout, p.getenv)
	t.Clauses = clauses
	return t
}
