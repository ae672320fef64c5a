package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/packs"
	participantdefects "github.com/sagacheck/sagacheck/participants/defects"
	"github.com/sagacheck/sagacheck/reference/defects"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// entry is one line of a catalogue.
type entry struct {
	Name string `json:"name"`
	Kind string `json:"kind,omitempty"`
	Text string `json:"text"`
	// Clauses, of a checker, are what it promises one by one.
	Clauses []clause `json:"clauses,omitempty"`
}

// clause is one promise of a property.
type clause struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

var catalogues = map[string]func() ([]entry, error){
	"scenarios": listScenarios, "faults": listFaults, "checkers": listCheckers, "defects": listDefects, "orchestrators": listOrchestrators, "packs": listPacks,
}

func newList(p process) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:       "list scenarios|faults|checkers|defects|orchestrators|packs",
		Short:     "List a catalogue",
		Example:   "  sagacheck list scenarios\n  sagacheck list checkers --json",
		ValidArgs: []string{"scenarios", "faults", "checkers", "defects", "orchestrators", "packs"},
		Args: func(c *cobra.Command, args []string) error {
			expected := "expected one of " + strings.Join(c.ValidArgs, ", ")
			switch {
			case len(args) == 0:
				return usage(errors.New("list: " + expected))
			case len(args) > 1 || catalogues[args[0]] == nil:
				return usage(fmt.Errorf("list: %q: %s", strings.Join(args, " "), expected))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			entries, err := catalogues[args[0]]()
			if err != nil {
				return trouble(err)
			}
			if asJSON {
				enc := json.NewEncoder(p.stdout)
				enc.SetIndent("", "  ")
				return enc.Encode(entries)
			}
			return printEntries(p.stdout, entries)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func printEntries(w io.Writer, entries []entry) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, e := range entries {
		if e.Kind != "" {
			fmt.Fprintf(t, "%s\t%s\t%s\n", e.Name, e.Kind, e.Text)
			if len(e.Clauses) > 1 {
				for _, k := range e.Clauses {
					fmt.Fprintf(t, "  %s\tclause\t  %s\n", k.Name, k.Text)
				}
			}
			continue
		}
		fmt.Fprintf(t, "%s\t%s\n", e.Name, e.Text)
	}
	return t.Flush()
}

func listScenarios() ([]entry, error) {
	var all []entry
	for _, s := range append(scenarios.All(), scenarios.Threads()...) {
		kind := fmt.Sprintf("%d steps", len(s.Steps))
		if s.Thread != nil {
			kind = s.Thread.Ref
		}
		all = append(all, entry{Name: s.Name, Kind: kind, Text: firstSentence(s.Description)})
	}
	return all, nil
}

func firstSentence(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if i := strings.Index(s, ". "); i >= 0 {
		return s[:i+1]
	}
	return s
}

func listFaults() ([]entry, error) {
	var all []entry
	for _, k := range faults.Kinds() {
		d := k.Doc()
		where := "window"
		if !d.Window() {
			where = phases(d.Phases)
		}
		all = append(all, entry{Name: d.Name, Kind: where, Text: d.Text})
	}
	return all, nil
}

func phases(ps []saga.Phase) string {
	var names []string
	for _, p := range ps {
		names = append(names, string(p))
	}
	return strings.Join(names, ", ")
}

func listCheckers() ([]entry, error) {
	var all []entry
	for _, c := range checkers.All() {
		d := c.Doc()
		kind := "property"
		if d.Advice {
			kind = "advice"
		}
		e := entry{Name: d.Name, Kind: kind, Text: d.Definition}
		for _, k := range d.Clauses {
			e.Clauses = append(e.Clauses, clause{k.Name, k.Text})
		}
		all = append(all, e)
	}
	return all, nil
}

func listDefects() ([]entry, error) {
	var all []entry
	for _, d := range defects.All() {
		kind := d.Anomaly
		if d.Equivalent {
			kind = "equivalent"
		}
		all = append(all, entry{Name: d.Name, Kind: kind, Text: d.Description})
	}
	for _, d := range participantdefects.All() {
		all = append(all, entry{Name: d.Name, Kind: d.Anomaly + " (participant)", Text: d.Description})
	}
	return all, nil
}

func listOrchestrators() ([]entry, error) {
	ms, err := orchestrators.List()
	if err != nil {
		return nil, err
	}
	var all []entry
	for _, m := range ms {
		all = append(all, entry{Name: m.Name, Kind: m.Version, Text: m.Title})
	}
	return all, nil
}

// listPacks lists those that come with the program.
func listPacks() ([]entry, error) {
	var all []entry
	for _, name := range packs.Shipped() {
		p, err := packs.Open(context.Background(), name) // inside the program
		if err != nil {
			return nil, err
		}
		all = append(all, entry{Name: p.Name, Kind: p.Version, Text: firstSentence(p.Description)})
	}
	return all, nil
}
