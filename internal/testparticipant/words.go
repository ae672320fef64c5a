package testparticipant

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

// Scripted is a script in words, "op attempt code, …": that attempt is answered with that
// code, attempt * is every one. A negative code breaks the connection after the effect.
func Scripted(text string) func(Call) int {
	return func(c Call) int {
		for line := range strings.SplitSeq(text, ",") {
			f := strings.Fields(line)
			if len(f) == 3 && f[0] == c.Op && (f[1] == "*" || f[1] == strconv.Itoa(c.Attempt)) {
				code, err := strconv.Atoi(f[2])
				if err != nil {
					panic(err)
				}
				return code
			}
		}
		return 0
	}
}

// Chain is a saga of n steps in a row.
func (p *Participant) Chain(n int) saga.Definition {
	d := saga.Definition{ID: "chain", Name: "chain"}
	for i := range n {
		s := p.Define("x", fmt.Sprintf("s%d compensatable", i)).Steps[0]
		d.Steps = append(d.Steps, s)
	}
	return d
}

// Steps is a report in short: "a:succeeded/1 b:failed/3".
func Steps(r saga.Report) string {
	var parts []string
	for _, s := range r.Steps {
		parts = append(parts, fmt.Sprintf("%s:%s/%d", s.Name, s.Status, s.Attempts))
	}
	return strings.Join(parts, " ")
}

// JSON is a definition as a client sends it.
func JSON(t TB, d saga.Definition) string {
	t.Helper()
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return string(b)
}
