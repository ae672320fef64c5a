package simulation_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/participants"
	partdefects "github.com/sagacheck/sagacheck/participants/defects"
	"github.com/sagacheck/sagacheck/reference/defects"
	"github.com/sagacheck/sagacheck/scenarios"
	"github.com/sagacheck/sagacheck/simulation"
)

// planted is a defect to be found.
type planted struct {
	name, anomaly, needs string
	profile              participants.Profile
	inParticipant        bool
}

func allPlanted() []planted {
	var all []planted
	for _, d := range defects.All() {
		if !d.Equivalent {
			all = append(all, planted{name: d.Name, anomaly: d.Anomaly, needs: d.Needs, profile: participants.Fenced})
		}
	}
	for _, d := range partdefects.All() {
		all = append(all, planted{name: d.Name, anomaly: d.Anomaly, profile: d.Profile, inParticipant: true})
	}
	return all
}

// known are the plans that are known to show a defect on the wire: those of the threads that
// it is modelled on, and that of the catalogue.
func (d planted) known(t *testing.T) (all []trial) {
	t.Helper()
	for _, s := range scenarios.Threads() {
		if s.Thread.Defect != d.name {
			continue
		}
		k := trial{scenario: s, profile: participants.Profile(s.Thread.Profile()), property: s.Thread.Checker}
		if err := json.Unmarshal(s.Thread.PlanJSON(), &k.plan); err != nil {
			t.Fatal(err)
		}
		all = append(all, k)
	}
	for _, k := range catalogue(t) {
		if k.Defect != d.name {
			continue
		}
		found, err := scenarios.Match(k.Scenario)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, trial{found[0], faults.Plan{Faults: k.Faults}, d.profile, d.anomaly})
	}
	return all
}

// entry is a plan of the catalogue.
type entry struct {
	Defect   string         `yaml:"defect"`
	Scenario string         `yaml:"scenario"`
	Faults   []faults.Fault `yaml:"faults"`
}

// catalogue reads the plans that campaign has for defects.
func catalogue(t *testing.T) []entry {
	t.Helper()
	all, err := readCatalogue()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// readCatalogue is asked by tests that run side by side.
var readCatalogue = sync.OnceValues(func() (all []entry, err error) {
	text, err := os.ReadFile("../campaign/mutants.yaml")
	if err != nil {
		return nil, err
	}
	err = yaml.UnmarshalWithOptions(text, &all, yaml.Strict())
	return all, err
})

// verdict is that of the defect's property on an experiment with it, and the history.
func (d planted) verdict(t *testing.T, k trial, seed uint64) (checkers.Verdict, *history.History) {
	t.Helper()
	x := experiment{scenario: k.scenario, plan: k.plan, profile: k.profile, seed: seed}
	if d.inParticipant {
		rules, err := partdefects.Rules(d.name)
		if err != nil {
			t.Fatal(err)
		}
		x.rules = rules
	} else {
		x.defects = []string{d.name}
	}
	c, ok := checkers.ByName(k.property)
	if !ok {
		t.Fatalf("no property is called %q", k.property)
	}
	h := x.run(t)
	return checkers.Judge(h, []checkers.Checker{c})[0], h
}

// trial is a plan for a scenario.
type trial struct {
	scenario *scenarios.Scenario
	plan     faults.Plan
	profile  participants.Profile
	property string
}

// tries is how often a known plan is tried at the most: which of two calls comes first within
// an instant is up to the scheduler. What jitter does is told by a single cell of many sagas.
const tries = 60

// byKnown tells whether a plan that is known to show it does, or else why not.
func (d planted) byKnown(t *testing.T) (killed bool, why string) {
	t.Helper()
	for _, k := range d.known(t) {
		if why = simulation.Impossible(k.plan, able); why != "" {
			continue
		}
		for seed := range uint64(tries) {
			v, _ := d.verdict(t, k, seed)
			if v.Outcome == checkers.Violation {
				return true, ""
			}
			why = fmt.Sprintf("%s: %s", v.Outcome, v.Reason)
			if v.Outcome == checkers.NotApplicable || k.scenario.Sagas > 10 {
				break
			}
		}
	}
	return false, why
}

// told is why a defect is not killed, in the words of the page.
func told(d planted, why string) string {
	switch {
	case strings.Contains(why, "lacks the capability"), strings.Contains(why, "telemetry"):
		return "what it is about goes past the calls of a saga, over sockets of the executor's own"
	case d.anomaly == "thundering-herd":
		return "the herd comes in one instant, which the checker leaves to a machine that was late"
	case strings.HasPrefix(why, "pass"):
		return "its times are at the edge of what is allowed, and nothing is late here"
	}
	return why
}

var update = flag.Bool("update", false, "write the page anew")

const page = "../docs/virtual-time.md"

// Each planted defect is looked for with the plans that show it on the wire. The page says of
// which that can't be seen in virtual time, and why; nothing may be added to it unseen.
func TestDefectsPage(t *testing.T) {
	var silent, searched []string
	killed := 0
	for _, d := range allPlanted() {
		yes, why := d.byKnown(t)
		if !yes {
			silent = append(silent, fmt.Sprintf("| %s | %s | killed | %s |", d.name, d.anomaly, told(d, why)))
			continue
		}
		killed++
		searched = append(searched, d.name)
	}
	if on := onSearchPage(t); !slices.Equal(on, searched) {
		t.Errorf("%s is stale: make searches writes it anew; it has %v, expected %v", searchPage, on, searched)
	}
	t.Logf("%d of %d are killed", killed, killed+len(silent))
	text := fmt.Sprintf(head, strings.Join(silent, "\n"))
	if *update {
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(stored) != text {
		t.Errorf("%s is stale: make docs writes it anew; it should be\n%s", page, text)
	}
}

const head = `# Planted defects in virtual time

<!-- generated by simulation's TestDefectsPage; do not edit -->

The reference executor runs in memory and in virtual time, too ([architecture](architecture.md#in-memory)),
with the plans that show its planted defects, and those of participants, on the wire. All of them
([defects](defects.md)) are killed there as on the wire, but for these:

| defect | own checker | on the wire | in virtual time |
| --- | --- | --- | --- |
%s
`
