package checkers

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/history"
)

// ByName finds a checker by the name of its anomaly.
func ByName(name string) (Checker, bool) {
	for _, c := range All() {
		if c.Doc().Name == name {
			return c, true
		}
	}
	return nil, false
}

// isAdvice tells whether a property is one that is reported and never red.
func isAdvice(name string) bool {
	c, ok := ByName(name)
	return ok && c.Doc().Advice
}

// Select finds the checkers whose name matches one of the globs (path.Match), in
// the order of the catalogue; no glob selects all. Those that match a glob behind a ! are left out. A glob that matches nothing is
// an error, so that a misspelt property is not silently left out.
func Select(globs []string) ([]Checker, error) {
	var wanted, unwanted []string
	for _, g := range globs {
		glob, not := strings.CutPrefix(g, "!")
		names, err := matching(glob)
		switch {
		case err != nil:
			return nil, err
		case not:
			unwanted = append(unwanted, names...)
		default:
			wanted = append(wanted, names...)
		}
	}
	if wanted == nil {
		wanted = Names()
	}
	selected := slices.DeleteFunc(All(), func(c Checker) bool {
		return !slices.Contains(wanted, c.Doc().Name) || slices.Contains(unwanted, c.Doc().Name)
	})
	if len(selected) == 0 {
		return nil, fmt.Errorf("property %s: nothing is left", strings.Join(globs, ", "))
	}
	return selected, nil
}

// matching are the names that match a glob: one or more.
func matching(glob string) (names []string, err error) {
	for _, name := range Names() {
		ok, err := path.Match(glob, name)
		if err != nil {
			return nil, fmt.Errorf("property %q: %w", glob, err)
		}
		if ok {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("property %q: no checker has that name; expected one of %s", glob, strings.Join(Names(), ", "))
	}
	return names, nil
}

// Names are the names of all checkers, in the order of the catalogue.
func Names() []string {
	var names []string
	for _, c := range All() {
		names = append(names, c.Doc().Name)
	}
	return names
}

// Judge gives the verdicts of the selected checkers on one history, in their
// order. It adds the rules that hold for all of them:
//
//   - a capability that the orchestrator lacks makes a property not applicable;
//   - what was never at risk, and could not be in this scenario, is not applicable;
//   - a history in which the orchestrator made no call holds nothing;
//   - a planned fault that did not fire makes every pass vacuous;
//   - without the settle event or without ledgers nothing passes.
func Judge(h *history.History, selected []Checker) []Verdict {
	return JudgeIndexed(history.NewIndex(h), selected)
}

// JudgeIndexed is Judge where the index of the history is there already.
func JudgeIndexed(ix *history.Index, selected []Checker) []Verdict {
	h := ix.History
	gap, unfired := evidenceGap(h, ix), unfiredFault(h, ix)
	parts, said := takenApart(ix, roundsApart), takenApart(ix, roundsSaid)
	verdicts := make([]Verdict, 0, len(selected))
	for _, c := range selected {
		of, doc := parts, c.Doc()
		switch {
		case doc.Whole:
			of = ix
		case doc.Said:
			of = said
		}
		verdicts = append(verdicts, judgeOne(c, h, of, gap, unfired))
	}
	return verdicts
}

func judgeOne(c Checker, h *history.History, ix *history.Index, gap, unfired string) Verdict {
	doc := c.Doc()
	if lacks := missing(doc.Needs, h); lacks != "" {
		return notApplicable(doc, lacks)
	}
	if lacks := missing(doc.Promised, h); lacks != "" && h.Header.Workflow != "" {
		return notApplicable(doc, lacks)
	}
	if doc.Own && h.Header.Workflow == "" {
		return notApplicable(doc, "these sagas are no workflow of the user's own")
	}
	v := c.Check(h, ix)
	if nobodyCalled(ix) {
		v.holdNothing("no call reached a participant")
	}
	v.tellUnclosed(ix)
	v.apply(doc.Clauses, h)
	if lacks := without(doc.Wants, h); lacks != "" && v.AtRisk == 0 && v.gap == "" {
		return notApplicable(doc, lacks)
	}
	v.decide(gap, unfired)
	for _, w := range v.Witnesses {
		slices.Sort(w.Events)
	}
	slices.SortStableFunc(v.Witnesses, func(a, b Witness) int {
		return cmp.Or(cmp.Compare(len(a.Events), len(b.Events)), slices.Compare(a.Events, b.Events))
	})
	return v
}

// nobodyCalled tells whether the orchestrator made no call at all.
func nobodyCalled(ix *history.Index) bool {
	return len(ix.Strays) == 0 && !slices.ContainsFunc(ix.Sagas, func(s *history.SagaRecord) bool { return len(s.Calls) > 0 })
}

// holdNothing makes unjudgeable what was held, for a reason that holds for all of it.
func (v *Verdict) holdNothing(why string) {
	for i := range v.Clauses {
		if c := &v.Clauses[i]; c.Held > 0 {
			c.Held, c.Unjudgeable, c.Why = 0, c.Unjudgeable+c.Held, why
		}
	}
}

func notApplicable(doc Doc, lacks string) Verdict {
	v := Verdict{Property: doc.Name, Outcome: NotApplicable, Reason: lacks}
	for _, k := range doc.Clauses {
		v.Clauses = append(v.Clauses, Count{Clause: k.Name, Lacks: lacks})
	}
	return v
}

// decide takes the outcome from what was counted: the worst of it.
func (v *Verdict) decide(gap, unfired string) {
	switch {
	case len(v.Witnesses) > 0:
		v.Outcome = Violation
	case v.gap != "":
		v.Outcome, v.Reason = Inconclusive, v.gap
	case v.AtRisk == 0:
		v.Outcome, v.Reason = v.nothing()
	case gap != "":
		v.Outcome, v.Reason = Inconclusive, gap
	case unfired != "":
		v.Outcome, v.Reason = Vacuous, unfired
	default:
		v.Outcome = Pass
	}
}

// nothing is the outcome where no clause was judged: not applicable if none of
// them is, else vacuous, with the first reason why one could not be judged.
func (v *Verdict) nothing() (Outcome, string) {
	open := slices.DeleteFunc(slices.Clone(v.Clauses), func(c Count) bool { return c.Lacks != "" })
	if len(open) == 0 {
		return NotApplicable, v.Clauses[0].Lacks
	}
	for _, c := range open {
		if c.Why != "" {
			return Vacuous, "it could not be judged: " + c.Why
		}
	}
	return Vacuous, v.never
}

// evidenceGap says what is missing at the end of a history; empty: nothing.
func evidenceGap(h *history.History, ix *history.Index) string {
	switch {
	case ix.Settled == nil:
		return "the history has no settle event: more could have happened"
	case len(ix.Ledgers) == 0:
		return "no ledger was read at the end"
	case len(h.Header.Definitions) == 0:
		return "the history defines no saga"
	}
	return ""
}

func unfiredFault(h *history.History, ix *history.Index) string {
	for i, f := range h.Header.Faults {
		if len(ix.Fired[i]) == 0 {
			return fmt.Sprintf("planned fault %d of %d (%s) did not fire", i+1, len(h.Header.Faults), f.Text)
		}
	}
	return ""
}
