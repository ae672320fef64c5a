package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/sagacheck/sagacheck/results"
)

// exitError carries an exit code. A nil err means that everything was said.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usage marks an error of the user's input: exit 3.
func usage(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{results.ExitUsage, err}
}

// trouble marks an error of the system under test or of the infrastructure: exit 4.
func trouble(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{results.ExitSystem, err}
}

// run executes a command line and returns its exit code.
func run(ctx context.Context, p process) int {
	err := endsWithin(ctx, func() error { return execute(ctx, p) })
	if err == nil {
		return results.ExitPass
	}
	exit := exitOf(err)
	if exit.err != nil {
		fmt.Fprintf(p.stderr, "sagacheck: %v\n", exit.err)
		if exit.code == results.ExitUsage {
			fmt.Fprintln(p.stderr, "Try 'sagacheck --help', or '--help' after the command.")
		}
	}
	return exit.code
}

// execute executes a command line.
func execute(ctx context.Context, p process) error {
	root := newRoot(p)
	root.SetArgs(p.args)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	return root.ExecuteContext(ctx)
}

// exitOf is the exit that an error stands for.
func exitOf(err error) *exitError {
	var exit *exitError
	var failed *campaign.Error
	switch {
	case errors.As(err, &exit):
		return exit
	case errors.As(err, &failed):
		return &exitError{failed.Exit, failed.Err}
	}
	return &exitError{results.ExitUsage, err} // what cobra itself refuses
}

// endLimit is how long after an interrupt a command may take to report and clean up.
const endLimit = 6 * time.Second

// endsWithin does what a command does, and gives it up if it has not ended some time
// after it was interrupted, whatever it waits for. What it started ends with it.
func endsWithin(ctx context.Context, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	late := time.NewTimer(endLimit)
	defer late.Stop()
	select {
	case err := <-done:
		return err
	case <-late.C:
		return &exitError{results.ExitInterrupted, fmt.Errorf("interrupted: what was under way did not end within %v, and is not reported", endLimit)}
	}
}

const rootHelp = `Sagacheck finds out what a saga orchestrator does when calls time out, answers
are lost, services fail and processes die: does every saga still end all-done or
all-undone, with every effect exactly once?

It drives an executor through Toxiproxy faults on exact failure points, records
everything, judges the record, and reports pass, or the few events that prove
the violation.

Exit codes: 0 pass, 1 violation, 2 inconclusive, vacuous or incomplete, 3 usage
or configuration, 4 the system under test or the infrastructure failed,
130 interrupted.`

func newRoot(p process) *cobra.Command {
	root := &cobra.Command{
		Use:   "sagacheck",
		Short: "Fault injection and verification for saga orchestrators",
		Long:  rootHelp,
		Example: `  sagacheck run                                          the reference executor, fenced participants
  sagacheck run --orchestrator http://127.0.0.1:8080     your own, by the HTTP contract
  sagacheck run --participants naive                     services without any protection
  sagacheck learn --help                                 a workflow of your own: write its file
  sagacheck run --workflow workflow.yaml                 and test it
  sagacheck list scenarios                               what there is to run`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(refusedFlag)
	root.AddCommand(
		newRun(p), newInit(p), newLearn(p), newCheck(p), newLint(p), newReplay(p), newExplore(p), newCompare(p), newList(p), newReference(p), newOrchestrators(p), newReport(p), newMutants(p), newWorker(p), newDoctor(p), newMCP(p), newMan(), newVersion(p),
	)
	new(config).register(root, p)
	completeFlags(root)
	return root
}
