package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/sagacheck/sagacheck/doctor"
)

func newDoctor(p process) *cobra.Command {
	var out string
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Say what will not work on this machine, and how to mend it",
		Long: `Tries what a run needs: addresses on 127.0.0.1, open files, what the kernel tells
of connections, timers, memory, disk; and looks which orchestrators are installed,
and whether Docker answers.

Each line is fine, limited (runs take longer, or prove less), absent (only some runs
need it) or broken (no run works: exit 4).`,
		Example: `  sagacheck doctor
  sagacheck doctor --json
  sagacheck doctor --out /mnt/reports`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			found := doctor.Look(c.Context(), doctor.Options{Out: out, Getenv: p.getenv})
			if err := printFindings(p.stdout, found, asJSON); err != nil {
				return trouble(err)
			}
			if !doctor.Works(found) {
				return trouble(errors.New("no run works here: mend what is broken"))
			}
			return nil
		},
	}
	c.Flags().StringVar(&out, "out", campaign.Defaults().Out, "`folder` for reports and histories of runs to come")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func printFindings(w io.Writer, found []doctor.Finding, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(found)
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, f := range found {
		fmt.Fprintf(t, "%s\t%s\t%s\n", f.State, f.Check, f.Found)
		if f.Mend != "" {
			fmt.Fprintf(t, "\t\t→ %s\n", f.Mend)
		}
	}
	return t.Flush()
}
