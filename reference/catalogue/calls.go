package catalogue

import (
	"fmt"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
	"github.com/sagacheck/sagacheck/saga"
)

// What is refused when a saga is started would else be refused for the share of the clients that get a version, which
// can't help it: so it is refused when the file is read.

// eachCall goes through the calls of a definition.
func eachCall(d saga.Definition, do func(part string, c saga.Call)) {
	for i, s := range d.Steps {
		do(fmt.Sprintf("steps[%d].action", i), s.Action)
		if s.Compensation != nil {
			do(fmt.Sprintf("steps[%d].compensation", i), *s.Compensation)
		}
	}
}

// setting is what a call says of what it shares with all calls that name the same.
type setting struct {
	at  string
	has any
}

// agrees notes what a call says of its breaker and its retry budget, and refuses what another call says otherwise: with
// two breakers of one name only sagas of one version could be open, and two budgets would let twice the retries through.
func (r *reader) agrees(at string, c saga.Call) {
	if b := c.Breaker; b != nil {
		r.says(at+".breaker", "breaker", b.Name, *b)
	}
	if b := c.RetryBudget; b != nil {
		r.says(at+".retry_budget", "retry budget", b.Name, *b)
	}
}

func (r *reader) says(at, what, name string, has any) {
	key := what + " " + name
	first, there := r.said[key]
	if !there {
		r.said[key] = setting{at, has}
		return
	}
	if first.has != has {
		r.ps.Add(at, "the %s %q has other settings in %s: expected the same, or another name", what, name, first.at)
	}
}

// Check refuses calls that may not go where they go. The error is as that of Load.
func (c *Catalogue) Check(refuses func(url string) error) error {
	var ps yamlfile.Problems
	check := func(field, url string) {
		if err := refuses(url); err != nil {
			p := &yamlfile.Problem{Field: field, Reason: err.Error()}
			p.At(c.shape.Place(field))
			ps = append(ps, p)
		}
	}
	for _, all := range c.sagas {
		for _, v := range all {
			eachCall(v.def, func(part string, call saga.Call) { check(v.at+"."+part+".url", call.URL) })
			for i, s := range v.def.Steps {
				if s.ReadBack != "" {
					check(fmt.Sprintf("%s.steps[%d].read_back", v.at, i), s.ReadBack)
				}
			}
		}
	}
	return ps.Of(c.file).InOrder().Err()
}
