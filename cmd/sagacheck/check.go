package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/reports"
)

func newCheck(p process) *cobra.Command {
	var properties []string
	var out string
	c := &cobra.Command{
		Use:   "check DIR|FILE...",
		Short: "Judge stored histories again",
		Long: `Judges histories that a run has stored. It needs nothing but the files: no
orchestrator, no participants. A file that is damaged, cut or of another version
is an error.`,
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
			files, err := historyFiles(args)
			if err != nil {
				return usage(err)
			}
			return checkFiles(c, p, selected, files, out)
		},
	}
	c.Flags().StringSliceVar(&properties, "property", nil, "only properties that match this `glob` (may be repeated)")
	c.Flags().StringVar(&out, "out", "sagacheck-out", "`folder` for reports")
	return c
}

// historyFiles finds the histories under the given files and folders.
func historyFiles(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		real, err := filepath.EvalSymlinks(arg)
		if err != nil {
			return nil, err
		}
		info, err := os.Stat(real)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, real)
			continue
		}
		before := len(files)
		err = filepath.WalkDir(real, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(path, history.Extension) {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if len(files) == before {
			return nil, fmt.Errorf("%s: no history in it: expected files that end in %s", arg, history.Extension)
		}
	}
	slices.Sort(files)
	return files, nil
}

func checkFiles(c *cobra.Command, p process, selected []checkers.Checker, files []string, out string) error {
	var docs []checkers.Doc
	for _, k := range selected {
		docs = append(docs, k.Doc())
	}
	started := time.Now()
	collector := reports.New(reports.Meta{Tool: toolVersion(), Command: strings.Join(p.args, " "), Started: started, Properties: docs})
	dir, err := reports.NewRunDir(out, c.Name(), started)
	if err != nil {
		return trouble(err)
	}
	progress := reports.NewProgress(reports.NewTerminal(p.stderr, p.getenv), "histories", len(files))
	for _, file := range files {
		if c.Context().Err() != nil {
			collector.Interrupt()
			break
		}
		h, err := history.Load(file)
		if err != nil {
			progress.Finish()
			return usage(err)
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			rel = file
		}
		collector.Add(reports.CellInfo{History: rel}, h, checkers.Judge(h, selected))
		progress.Done(reports.Passed)
	}
	progress.Finish()
	return publish(reports.NewTerminal(p.stdout, p.getenv), collector.Finish(), out, dir)
}
