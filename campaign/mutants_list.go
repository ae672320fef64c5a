package campaign

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/participants"
	participantdefects "github.com/sagacheck/sagacheck/participants/defects"
	"github.com/sagacheck/sagacheck/reference/defects"
	"github.com/sagacheck/sagacheck/results"
)

// mutant is a planted defect, or an equivalent switch, to be measured.
type mutant struct {
	results.Defect
	profile participants.Profile
	// process: it shows only when the orchestrator's process is killed, or has what governs
	// it changed. Only then do plans do so, exact ones and those by chance.
	process bool
	// store: the same for outages of the store.
	store bool
}

// allMutants lists the switches of the reference executor, and those of the
// participants.
func allMutants() []mutant {
	var all []mutant
	for _, d := range defects.All() {
		all = append(all, mutant{
			Defect:  results.Defect{Name: d.Name, Text: d.Description, Anomaly: d.Anomaly, Equivalent: d.Equivalent, Place: "reference", Kills: map[string]int{}},
			profile: participants.Fenced, process: strings.Contains(d.Needs, "crash") || strings.Contains(d.Needs, "process of its own"), store: strings.Contains(d.Needs, "outage of the store"),
		})
	}
	for _, d := range participantdefects.All() {
		all = append(all, mutant{
			Defect:  results.Defect{Name: d.Name, Text: d.Description, Anomaly: d.Anomaly, Place: "participant", Kills: map[string]int{}},
			profile: d.Profile,
		})
	}
	return all
}

// chooseMutants finds the planted defects and equivalent switches that match one
// of the globs; none selects all.
func chooseMutants(globs []string) ([]mutant, error) {
	all := allMutants()
	if len(globs) == 0 {
		return all, nil
	}
	chosen := map[string]bool{}
	for _, g := range globs {
		found := false
		for _, m := range all {
			ok, err := path.Match(g, m.Name)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", g, err)
			}
			if ok {
				found, chosen[m.Name] = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("no defect matches %q: see sagacheck list defects", g)
		}
	}
	return slices.DeleteFunc(all, func(m mutant) bool { return !chosen[m.Name] }), nil
}
