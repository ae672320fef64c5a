package agents

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// mostEntries is how many entries list names unless it is told otherwise, and mostWithClauses
// of how many the clauses are told.
const (
	mostEntries     = 60
	mostWithClauses = 3
)

type listArguments struct {
	What  string `json:"what" jsonschema:"which catalogue: scenarios, faults, checkers, defects, orchestrators or packs"`
	Match string `json:"match,omitempty" jsonschema:"only names that match this glob, for example retry-*; of few checkers the clauses are told too"`
	Limit int    `json:"limit,omitempty" jsonschema:"how many entries at the most (default 60)"`
}

type catalogue struct {
	Entries []entry `json:"entries"`
	LeftOut int     `json:"left_out,omitempty" jsonschema:"entries that match and are not listed: raise limit, or narrow match"`
}

// entry is one of a catalogue, as sagacheck list --json has it.
type entry struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind,omitempty" jsonschema:"of a fault its phases, of a defect the property that it breaks, of an orchestrator or a pack its version"`
	Text    string   `json:"text"`
	Clauses []clause `json:"clauses,omitempty" jsonschema:"what a property promises, one by one"`
}

type clause struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

func (s *server) list(ctx context.Context, _ *mcp.CallToolRequest, in listArguments) (c catalogue, err error) {
	if _, err := path.Match(in.Match, ""); err != nil || in.Limit < 0 {
		return c, fmt.Errorf("match %q, limit %d: expected a glob such as retry-*, and a limit of 0 (the default, %d) or more", in.Match, in.Limit, mostEntries)
	}
	e := s.ask(ctx, "list", "--json", "--", in.What)
	if e.Exit != 0 {
		return c, s.failed(e)
	}
	var all []entry
	if err := json.Unmarshal([]byte(e.Output), &all); err != nil {
		return c, fmt.Errorf("%s: %w", e.Command, err)
	}
	if in.Match != "" {
		all = slices.DeleteFunc(all, func(e entry) bool {
			ok, _ := path.Match(in.Match, e.Name)
			return !ok
		})
	}
	c.LeftOut = cut(&all, cmp.Or(in.Limit, mostEntries))
	if len(all) > mostWithClauses {
		for i := range all {
			all[i].Clauses = nil
		}
	}
	c.Entries = append([]entry{}, all...)
	return c, nil
}

// cut shortens a list, and says by how much.
func cut[T any](list *[]T, most int) int {
	n := len(*list)
	*list = (*list)[:min(n, most)]
	return n - len(*list)
}

func (c catalogue) text() string {
	var b strings.Builder
	for _, e := range c.Entries {
		if e.Kind != "" {
			e.Kind = " (" + e.Kind + ")"
		}
		fmt.Fprintf(&b, "%s%s: %s\n", e.Name, e.Kind, e.Text)
		for _, k := range e.Clauses {
			fmt.Fprintf(&b, "  clause %s: %s\n", k.Name, k.Text)
		}
	}
	switch {
	case c.LeftOut > 0:
		fmt.Fprintf(&b, "and %d more: raise limit, or narrow match\n", c.LeftOut)
	case len(c.Entries) == 0:
		b.WriteString("nothing matches\n")
	}
	return b.String()
}
