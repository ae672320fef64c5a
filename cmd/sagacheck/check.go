package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

func newCheck(p process) *cobra.Command {
	var properties []string
	var out string
	var clauses bool
	c := &cobra.Command{
		Use:   "check DIR|FILE...",
		Short: "Judge stored histories again",
		Long: `Judges histories that a run has stored. It needs nothing but the files: no
orchestrator, no participants. A file that is damaged, cut or of another version
is an error.

Of the folder of a run it judges the cells that the run counted, and says what is
missing if the run was killed: that is incomplete, exit 2. Its own report is under
latest-check; latest stays the last run.`,
		Example: `  sagacheck check sagacheck-out/latest
  sagacheck check --property duplicate-effect some.history.jsonl`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(errors.New("check: expected at least one folder or history file"))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			selected, err := checkers.Select(properties)
			if err != nil {
				return usage(fmt.Errorf("--property: %w", err))
			}
			from, err := results.FindStored(args)
			if err != nil {
				return usage(err)
			}
			return checkFiles(c, p, selected, from, out, p.terminal(clauses))
		},
	}
	c.Flags().StringSliceVar(&properties, "property", nil, "only properties that match this `glob` (may be repeated)")
	clausesFlag(c, &clauses)
	c.Flags().StringVar(&out, "out", "sagacheck-out", "`folder` for reports")
	return c
}

// checkFiles judges what is stored, as the runs that wrote it counted it.
func checkFiles(c *cobra.Command, p process, selected []checkers.Checker, from *results.Stored, out string, t reports.Terminal) error {
	meta := from.Meta()
	meta.Tool, meta.Command, meta.Started = toolVersion(), strings.Join(p.args, " "), time.Now()
	for _, k := range selected {
		meta.Properties = append(meta.Properties, k.Doc())
	}
	collector := results.New(meta)
	dir, err := results.NewRunDir(out, c.Name(), meta.Started)
	if err != nil {
		return trouble(err)
	}
	for _, note := range from.Tell(collector) {
		fmt.Fprintf(p.stderr, "sagacheck: %s\n", note)
	}
	progress := reports.NewProgress(reports.NewTerminal(p.stderr, p.getenv), "histories", len(from.Cells))
	for _, cell := range from.Cells {
		if c.Context().Err() != nil {
			collector.Interrupt()
			break
		}
		if cell.Failed != "" {
			collector.AddError(cell.Info, errors.New(cell.Failed))
			progress.Done(results.Errored)
			continue
		}
		h, err := history.Load(cell.File)
		if err != nil {
			progress.Finish()
			return usage(err)
		}
		if cell.Info.History, err = filepath.Rel(dir, cell.File); err != nil {
			cell.Info.History = cell.File
		}
		progress.Done(collector.Add(cell.Info, h, checkers.Judge(h, selected)))
	}
	progress.Finish()
	return publishAs(t, collector.Finish(), out, dir, results.CheckLink)
}
