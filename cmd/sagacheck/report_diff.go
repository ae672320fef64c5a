package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

func newReportDiff(p process) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "diff THEN NOW",
		Short: "Compare two runs: what is new, gone, the same, or no longer judged",
		Long: `Compares two runs by the keys of their findings, and property by property in each
scenario: yesterday's and today's, two versions of an orchestrator, two engines. Each
is the folder of a run, one of --out (whose last run is taken), or a report.json. What
else differs between them is said: versions, seeds, plans, scenarios, settings. Runs
with other participants, or with no scenario or property in common, are refused.

Exit codes: 0 nothing is new, and all that was judged then was judged now; 1 new
findings, or something broken now that was not then; 2 nothing is new, but a scenario,
a property or a clause was judged then and not now, a finding of then could not show,
or the run of now is inconclusive, vacuous, had errors or did not come to its end; 3
usage, or what can't be compared.`,
		Example: `  sagacheck report diff yesterday/latest sagacheck-out/latest
  sagacheck report diff --json v1/report.json v2/report.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usage(fmt.Errorf("report diff: expected two runs, then and now: %q", args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			d, err := diffOf(args[0], args[1])
			if err != nil {
				return err
			}
			if asJSON {
				err = p.json(d)
			} else {
				err = reports.PrintDiff(p.terminal(false), d)
			}
			if err != nil {
				return trouble(err)
			}
			if d.Exit != results.ExitPass {
				return &exitError{code: d.Exit}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	return c
}

func diffOf(then, now string) (*results.Diff, error) {
	var runs [2]*results.Run
	for i, path := range []string{then, now} {
		r, err := results.LoadReport(path)
		if errors.Is(err, results.ErrUnfinished) {
			return nil, &exitError{results.ExitUnproven, fmt.Errorf("report diff: %w", err)}
		}
		if err != nil {
			return nil, usage(fmt.Errorf("report diff: %w", err))
		}
		runs[i] = r
	}
	d, err := results.NewDiff(runs[0], runs[1])
	if err != nil {
		return nil, usage(fmt.Errorf("report diff: %w", err))
	}
	return d, nil
}

func newReportTrend(p process) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "trend DIR",
		Short: "Show what the runs in a folder found over time",
		Long: `Lists the runs in a folder, at any depth, the oldest first: verdict, cells, findings,
duration, cells a second. Below them stands each finding of an orchestrator by its key,
with when it was first and last seen, in how many of the runs that asked for it, and
whether the last of those showed it. Replays, and runs that were judged again, are
left out, and named.`,
		Example: `  sagacheck report trend sagacheck-out
  sagacheck report trend --json nightly-artifacts`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(fmt.Errorf("report trend: expected one folder: %q", args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			t, err := results.LoadTrend(args[0])
			if err != nil {
				return usage(fmt.Errorf("report trend: %w", err))
			}
			if asJSON {
				return trouble(p.json(t))
			}
			return trouble(reports.PrintTrend(p.terminal(false), t))
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	return c
}

// json prints a value for programs.
func (p process) json(v any) error {
	enc := json.NewEncoder(p.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
