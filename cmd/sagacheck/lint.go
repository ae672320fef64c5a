package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/lint"
	"github.com/sagacheck/sagacheck/results"
)

// lintLine is one finding in JSON.
type lintLine struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Field  string `json:"field"`
	Rule   string `json:"rule"`
	Text   string `json:"text"`
	Why    string `json:"why"`
}

func newLint(p process) *cobra.Command {
	var asJSON bool
	var workflow string
	c := &cobra.Command{
		Use:        "lint FILE...",
		SuggestFor: []string{"validate", "verify"},
		Short:      "Name what goes against the rules of durable workflows, before anything runs",
		Long: `Reads scenarios, workflows, policies, and sagas as a client submits them (JSON), and
names what goes against the rules that durable workflows follow (docs/lint.md). Exit 1 if
something does, 3 if a file is wrong, which it finds out of plans and manifests too. What
only a run can show it leaves to runs.`,
		Example: `  sagacheck lint workflow.yaml policies.yaml
  sagacheck lint saga.json --json
  sagacheck lint --workflow workflow.yaml`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if workflow != "" {
				args = append([]string{workflow}, args...)
			}
			if len(args) == 0 {
				return usage(errors.New("lint: expected at least one file"))
			}
			found, err := lintFiles(args)
			if err != nil {
				return usage(err)
			}
			if err := p.showLint(found, len(args), asJSON); err != nil {
				return trouble(err)
			}
			if len(found) > 0 {
				return &exitError{code: results.ExitViolation}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	c.Flags().StringVar(&workflow, "workflow", "", "the same as naming this `file`, for those who have it from another command")
	return c
}

// lintFiles reads all files; the error has the mistakes of all of them.
func lintFiles(files []string) (found []lint.Finding, err error) {
	for _, file := range files {
		more, wrong := lint.File(file)
		found, err = append(found, more...), errors.Join(err, wrong)
	}
	return found, err
}

// showLint prints the findings, and the reason of each rule once.
func (p process) showLint(found []lint.Finding, files int, asJSON bool) error {
	if asJSON {
		lines := []lintLine{}
		for _, f := range found {
			lines = append(lines, lintLine{f.Place.File, f.Place.Line, f.Place.Column, f.Place.Field, f.Rule.Name, f.Place.Reason, f.Rule.Why})
		}
		enc := json.NewEncoder(p.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(lines)
	}
	broken := map[string]bool{}
	for _, f := range found {
		broken[f.Rule.Name] = true
		if _, err := fmt.Fprintln(p.stdout, f); err != nil {
			return err
		}
	}
	for _, r := range lint.Rules() {
		if broken[r.Name] {
			if _, err := fmt.Fprintf(p.stdout, "\n%s: %s\n", r.Name, r.Why); err != nil {
				return err
			}
		}
	}
	if len(found) == 0 {
		_, err := fmt.Fprintf(p.stdout, "nothing goes against a rule in %s\n", words.Plural(files, "file"))
		return err
	}
	return nil
}
