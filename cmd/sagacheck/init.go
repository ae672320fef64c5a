package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/workflows/learn"
)

func newInit(p process) *cobra.Command {
	return &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a commented first file for a workflow of your own",
		Long: `Writes a workflow's file (default: workflow.yaml) that says with comments what
belongs where, for an order service with two services. A file that is there is
never overwritten. Where the workflow and its services, or stubs of them, can be
started, sagacheck learn writes a file that fits.`,
		Example: "  sagacheck init\n  sagacheck init shop.workflow.yaml",
		Args:    arguments(0, 1, "at most the file to write"),
		RunE: func(_ *cobra.Command, args []string) error {
			file := "workflow.yaml"
			if len(args) > 0 {
				file = args[0]
			}
			if err := writeNew(file, learn.First); err != nil {
				return usage(err)
			}
			fmt.Fprintf(p.stdout, "%s: written; change it to what your workflow does, then sagacheck run --workflow %s\n", file, file)
			return nil
		},
	}
}

// writeNew writes a file that must not be there.
func writeNew(file string, text []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already, and is not overwritten", file)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
