package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// notOfWorkflow are the flags that say nothing of a workflow of the user's own, and why.
var notOfWorkflow = []struct{ flag, why string }{
	{"orchestrator", "the file says what runs the workflow"},
	{"scenario", "the workflow is what is run, and its file says its steps"},
	{"pack", "the workflow is what is run, and its file says its steps"},
	{"drawn-sagas", "the workflow is what is run, and its file says its steps"},
	{"runs", "no plans are drawn for a workflow: every failure point that it passes is struck"},
	{"curated", "a workflow has no other plans: every failure point that it passes is struck (--plan runs one of your own)"},
	{"defect", "planted defects are those of the reference executor and of the participants of its sagas: plant yours in the workflow"},
}

// flagsOnly refuses arguments of a command that takes flags only: mostly the file of a
// workflow, without its flag.
func flagsOnly(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if u := c.Flags().Lookup("ui"); u != nil && u.Changed {
		return usage(fmt.Errorf("%s: %q: expected flags only; an address after its flag: --ui=%s", c.CommandPath(), args[0], args[0]))
	}
	return usage(fmt.Errorf("%s: %q: expected flags only; a workflow's file comes after its flag: %s --workflow %s", c.CommandPath(), args[0], c.CommandPath(), args[0]))
}

// refuseBeside refuses the flags that would be left unheard beside --workflow.
func refuseBeside(c *cobra.Command) error {
	if w := c.Flags().Lookup("workflow"); w == nil || !w.Changed {
		return nil
	}
	var errs []error
	for _, n := range notOfWorkflow {
		if f := c.Flags().Lookup(n.flag); f != nil && f.Changed {
			errs = append(errs, fmt.Errorf("--%s: can't be given with --workflow: %s", n.flag, n.why))
		}
	}
	return usage(errors.Join(errs...))
}
