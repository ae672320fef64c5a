package scenarios

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:embed catalogue
var files embed.FS

// names lists the catalogue in the order in which it is shown, from the ones
// that a reader knows to the ones made for a special question.
var names = []string{
	"order", "transfer", "booking", "order-status", "signup",
	"single-step", "long-chain", "fan-out",
	"seat", "voucher", "herd", "breaker", "outage", "patience", "way-round", "rounds", "saga-rounds", "saga-rounds-in-time",
}

var catalogue = sync.OnceValue(func() []*Scenario { return read("catalogue", names) })

// read parses files of the catalogue, which is part of the program: a mistake in
// it is a mistake of the program, and the tests find it.
func read(folder string, names []string) []*Scenario {
	ss := make([]*Scenario, len(names))
	for i, name := range names {
		file := path.Join(folder, name+".yaml")
		b, err := files.ReadFile(file)
		if err == nil {
			ss[i], err = Parse("scenarios/"+file, b)
		}
		if err != nil {
			panic(err)
		}
	}
	return ss
}

// All is the catalogue without the scenarios that were taken from threads, which
// Threads gives. The scenarios are shared and must not be changed.
func All() []*Scenario { return slices.Clone(catalogue()) }

// Match finds scenarios by glob patterns, in the order of the catalogue and each
// once. No pattern means All. A pattern that ends in .yaml or .yml is the path of
// a user's file. Scenarios taken from threads are found by their names too. A
// pattern that matches nothing is an error.
func Match(patterns ...string) ([]*Scenario, error) {
	if len(patterns) == 0 {
		return All(), nil
	}
	known := append(All(), Threads()...)
	var picked, own []*Scenario
	for _, pattern := range patterns {
		if ext := path.Ext(pattern); ext == ".yaml" || ext == ".yml" {
			s, err := Load(pattern)
			if err != nil {
				return nil, err
			}
			own = append(own, s)
			continue
		}
		named, err := Named(known, pattern)
		if err != nil {
			return nil, err
		}
		if len(named) == 0 {
			return nil, fmt.Errorf("scenario %q: nothing has this name: expected a file.yaml, or a name or pattern for one of %s, or a thread's (sagacheck list scenarios)",
				pattern, strings.Join(names, ", "))
		}
		picked = append(picked, named...)
	}
	found := slices.DeleteFunc(known, func(s *Scenario) bool { return !slices.Contains(picked, s) })
	return append(found, own...), nil
}

// Named are those of some scenarios whose names match a pattern (path.Match): there may be
// none. The error is about the pattern.
func Named(known []*Scenario, pattern string) (named []*Scenario, err error) {
	for _, s := range known {
		ok, err := path.Match(pattern, s.Name)
		if err != nil {
			return nil, fmt.Errorf("scenario %q: %w: expected a name, or a pattern with * and ?", pattern, err)
		}
		if ok {
			named = append(named, s)
		}
	}
	return named, nil
}
