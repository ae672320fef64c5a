// Package defects breaks the reference executor on purpose. Each planted defect is one
// bug as real engines have had it: another function laid over one of the executor's
// rules. They show that the checkers see.
//
// The catalogue is All; each group of it is a file, with the functions that its defects
// lay. over.go has what they share.
package defects

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/telemetry"
)

// Defect is a planted defect, which breaks a guarantee in the way in which real engines
// have broken it; or an equivalent switch, which changes the behaviour and breaks
// nothing, so that a checker that complains is too strict.
type Defect struct {
	Name        string
	Anomaly     string // the property that it breaks; empty for an equivalent switch
	Equivalent  bool
	Description string
	Source      string // public bug report that it is modelled on; may be empty
	Needs       string // what a plan must hold for it to show
	lay         func(*reference.Rules)
	lie         func(*telemetry.Rules) // in place of lay: what it says about itself is not true
}

// All lists all switches, those that break something first.
func All() []Defect {
	return slices.Concat(effectDefects, compensationDefects, orderDefects, retryDefects, breakerDefects, budgetDefects, identityDefects, livenessDefects, tiredDefects, promiseDefects, governedDefects, operatedDefects, driftDefects, repairDefects, versionDefects, wayDefects, roundDefects, againDefects, reportDefects, lies, equivalents)
}

// Rules are those of an executor with the defects of these names; nil for none. Each
// executor needs rules of its own, since some defects remember what they have seen.
func Rules(names ...string) (*reference.Rules, error) {
	if len(names) == 0 {
		return nil, nil
	}
	all, rules := All(), reference.DefaultRules()
	for _, name := range names {
		i := slices.IndexFunc(all, func(d Defect) bool { return d.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no planted defect is called %q: expected one of %s", name, strings.Join(sortedNames(all), ", "))
		}
		if all[i].lay != nil {
			all[i].lay(rules)
		}
	}
	return rules, nil
}

// Lies are the rules by which an executor with the defects of these names says what it
// does; nil: the true ones.
func Lies(names ...string) *telemetry.Rules {
	var rules *telemetry.Rules
	for _, d := range All() {
		if d.lie == nil || !slices.Contains(names, d.Name) {
			continue
		}
		if rules == nil {
			rules = telemetry.DefaultRules()
		}
		d.lie(rules)
	}
	return rules
}

func sortedNames(all []Defect) []string {
	names := make([]string, len(all))
	for i, d := range all {
		names[i] = d.Name
	}
	slices.Sort(names)
	return names
}

const anywhere = "nothing: it shows without a fault"
