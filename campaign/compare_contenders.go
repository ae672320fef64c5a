package campaign

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/sagacheck/sagacheck/workflows"
)

// contender is a system under test in a comparison: a row of the matrix.
type contender struct {
	name         string // of the row
	engine       string // that has to be installed; empty: none
	orchestrator string // as for --orchestrator
	file         string // of a workflow of the user's own, in place of it; empty: none
	parallel     int    // sagas it can take at once; 0: any number
}

// contenders are the orchestrators, or the workflows in their place. Workflows of one
// name, the wrong one and the mended one, are told apart by their files.
func (o *CompareOptions) contenders() ([]contender, error) {
	if len(o.Workflows) == 0 {
		var all []contender
		for _, name := range o.Orchestrators {
			if err := checkOrchestrator(name); err != nil {
				return nil, err
			}
			all = append(all, contender{name: name, engine: name, orchestrator: name, parallel: parallelOf(name)})
		}
		return all, nil
	}
	var all []contender
	var errs []error
	files, names := map[string]string{}, map[string]int{}
	for _, file := range o.Workflows {
		w, err := workflows.Load(file)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		whole, err := filepath.Abs(file)
		if before, twice := files[whole]; err == nil && twice {
			err = fmt.Errorf("--workflow: %q is the same file as %q: expected one row for each", file, before)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		files[whole] = file
		names[w.Name]++
		c := contender{name: w.Name, engine: w.System.Engine, orchestrator: Reference, file: file, parallel: w.System.Parallel}
		if w.Alone() {
			c.parallel = 1
		}
		all = append(all, c)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, usage(err)
	}
	if len(all)*len(o.Profiles) < 2 {
		return nil, usage(fmt.Errorf("--workflow: expected two files or more, or several --participants: %s alone is for sagacheck run", o.Workflows[0]))
	}
	for i, c := range all {
		if names[c.name] > 1 {
			all[i].name = c.file
		}
	}
	return all, nil
}
