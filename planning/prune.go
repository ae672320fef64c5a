package planning

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/saga"
)

// Rule is an equivalence by which an explorer leaves plans out: another plan is
// run that shows the same.
type Rule struct {
	Name string
	Text string // why the plans are equivalent, and what is lost if they are not
}

// The rules, in the order in which they are tried. None but the first two touches
// plans of one fault, and none the first plan that places a kind of fault at a point:
// so every reachable point is struck by every kind.
var (
	SymmetricSagas = Rule{
		"symmetric sagas",
		"sagas of a cell with the same definition are interchangeable: faults strike the first of them only; faults on two sagas of a cell at once are not explored",
	}
	SameSet = Rule{
		"faults are a set",
		"a plan is the set of its faults: the order in which they were added does not matter; nothing is lost",
	}
	SameOutcome = Rule{
		"same outcome",
		"two runs in which every attempt came equally far, was answered alike and left the same effects go on alike: only the first is extended; lost is what depends on the time that the fault took, or on the exact status code",
	}
	SameTurn = Rule{
		"same turn",
		"with one fault a plan, what a fault does on a journey is tried at one step of a kind, and at every point that no other plan strikes with it; with two all of them are run; lost is what an orchestrator does there at another step",
	}
	SymmetricSteps = Rule{
		"symmetric steps",
		"steps of the same kind, policies, shape of effect and place in the order are interchangeable; lost is what an orchestrator does differently for the step that it lists first",
	}
	SameLook = Rule{
		"same look",
		"kinds that look alike to the orchestrator and do the same to the ledgers stand for each other beside another fault (reset and truncate; unavailable, throttle and error before anything was done; lose and a late delay of an answer; slow and a short delay); lost is what an orchestrator does differently for a reset and an early end, or for 429, 500 and 503",
	}
)

// Rules are all of them.
func Rules() []Rule {
	return []Rule{SymmetricSagas, SameSet, SameTurn, SameOutcome, SymmetricSteps, SameLook}
}

// representatives maps each saga's number to the first one with the same
// definition, its own id aside.
func representatives(defs []saga.Definition) map[int]int {
	first := map[string]int{}
	rep := map[int]int{}
	for i, d := range defs {
		b, err := json.Marshal(d)
		if err != nil { // plain data
			panic(err)
		}
		key := strings.ReplaceAll(string(b), d.ID, "{saga}")
		if first[key] == 0 {
			first[key] = i + 1
		}
		rep[i+1] = first[key]
	}
	return rep
}

// canonical puts the faults of a plan into one order, so that plans that are the
// same set have the same ID.
func canonical(p faults.Plan) faults.Plan {
	q := faults.Plan{Faults: slices.Clone(p.Faults)}
	slices.SortFunc(q.Faults, func(a, b faults.Fault) int {
		return cmp.Or(
			cmp.Compare(max(a.Saga, 1), max(b.Saga, 1)), comparePoints(a.At, b.At),
			cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.DelayMS, b.DelayMS), cmp.Compare(a.As, b.As), cmp.Compare(a.Consoles, b.Consoles), cmp.Compare(a.Times, b.Times), slices.Compare(a.Steps, b.Steps),
		)
	})
	return q
}

// symmetries are the ways to exchange symmetric steps with each other: for each,
// the new name of every step that gets one. The identity is always there.
func symmetries(d saga.Definition) []map[string]string {
	classes := map[string][]string{}
	var order []string
	for i := range d.Steps {
		key := stepShape(d, i)
		if classes[key] == nil {
			order = append(order, key)
		}
		classes[key] = append(classes[key], d.Steps[i].Name)
	}
	all := []map[string]string{{}}
	for _, key := range order {
		names := classes[key]
		if len(names) < 2 || len(names) > mostSymmetric || len(all) > mostWays {
			continue
		}
		var next []map[string]string
		for _, perm := range permutations(names) {
			for _, before := range all {
				renamed := maps.Clone(before)
				for i, name := range names {
					renamed[name] = perm[i]
				}
				next = append(next, renamed)
			}
		}
		all = next
	}
	return all
}

// mostSymmetric bounds the permutations of one class of steps to 24, and mostWays
// those to which another class is added.
const (
	mostSymmetric = 4
	mostWays      = 24
)

// stepShape is all that an orchestrator knows of a step but its name, its URLs
// and the amounts.
func stepShape(d saga.Definition, i int) string {
	s := d.Steps[i]
	var after, before []string
	after = slices.Sorted(slices.Values(d.Predecessors(i)))
	for j, o := range d.Steps {
		if slices.Contains(d.Predecessors(j), s.Name) {
			before = append(before, o.Name)
		}
	}
	call := func(c *saga.Call) string {
		if c == nil {
			return "none"
		}
		e, err := c.Effect()
		if err != nil {
			return string(c.Body)
		}
		breaker := saga.Breaker{}
		if c.Breaker != nil {
			breaker = *c.Breaker
		}
		budget := saga.RetryBudget{}
		if c.RetryBudget != nil {
			budget = *c.RetryBudget
		}
		return fmt.Sprintf("%+v %+v %+v %d postings %d writes", c.Retry, breaker, budget, len(e.Postings), len(e.Writes))
	}
	return fmt.Sprintf("%s %q %q %s %s", s.Kind, after, before, call(&s.Action), call(s.Compensation))
}

func permutations(names []string) [][]string {
	if len(names) <= 1 {
		return [][]string{slices.Clone(names)}
	}
	var all [][]string
	for i, name := range names {
		rest := slices.Concat(names[:i], names[i+1:])
		for _, p := range permutations(rest) {
			all = append(all, append([]string{name}, p...))
		}
	}
	return all
}

// underSymmetry is the plan that stands for all plans that exchanging symmetric
// steps makes of it: the first by its text.
func underSymmetry(p faults.Plan, ways []map[string]string) faults.Plan {
	best, bestText := p, ""
	for _, way := range ways {
		q := faults.Plan{Faults: slices.Clone(p.Faults)}
		for i := range q.Faults {
			if to, ok := way[q.Faults[i].At.Step]; ok {
				q.Faults[i].At.Step = to
			}
		}
		q = canonical(q)
		if text := fmt.Sprintf("%+v", q); bestText == "" || text < bestText {
			best, bestText = q, text
		}
	}
	return best
}

// look is what a fault looks like to the orchestrator and does to the ledgers.
// Faults that look alike at the same point are interchangeable beside others.
func look(f faults.Fault, p saga.RetryPolicy) string {
	e := f.Injection(0)
	switch {
	case f.Window() || e.Victim != "":
	case f.Code > 0:
		return fmt.Sprintf("answer %d %d %v", f.Code, f.RetryAfterS, f.RetryAfterDate)
	case e.Answer != nil && !e.Decides && f.At.Phase == saga.Receive:
		return "not now"
	case len(e.Bends) == 1:
		if text := lookOfBend(e.Bends[0], p); text != "" {
			return text
		}
	}
	return fmt.Sprintf("%s %d%s%d", f.Kind, f.DelayMS, f.As, f.Consoles)
}

// lookOfBend is the look of bytes that come in another way; empty: like nothing else.
func lookOfBend(b faults.Bend, p saga.RetryPolicy) string {
	switch {
	case b.How == faults.Trickling, b.How == faults.Late && b.N < p.AttemptTimeoutMS:
		return "slowly"
	case b.Answer && (b.How == faults.Swallowed || b.How == faults.Late):
		return "silent"
	case b.How == faults.Reset, b.How == faults.Ended:
		return "broken"
	}
	return ""
}

// lookOf is the look of a whole plan.
func lookOf(p faults.Plan, d saga.Definition) string {
	var b strings.Builder
	for _, f := range p.Faults {
		fmt.Fprintf(&b, "%d %s %s;", max(f.Saga, 1), f.At, look(f, policyOf(d, f.At)))
	}
	return b.String()
}
