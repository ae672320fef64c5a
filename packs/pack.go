package packs

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/internal/yamlfile"
	"github.com/sagacheck/sagacheck/reference/policies"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/scenarios"
)

// File is the name of the file that makes a folder a pack.
const File = "pack.yaml"

// maxFile is how large that may be, in bytes.
const maxFile = 1 << 20

// Pack is a folder that was read.
type Pack struct {
	// Name of the pack: lower-case letters, digits and hyphens.
	Name string `json:"name" yaml:"name"`
	// Version as semantic versioning has it: 1.2.0.
	Version string `json:"version" yaml:"version"`
	// Description says in a sentence or two what it is good for.
	Description string `json:"description" yaml:"description"`
	// Scenarios are files of the folder.
	Scenarios []string `json:"scenarios" yaml:"scenarios"`
	// Plans are run beside those that Sagacheck makes.
	Plans []Plan `json:"plans,omitempty" yaml:"plans,omitempty"`
	// Policies is a file of policies that the scenarios' calls follow, by saga, step and
	// participant; left out: their own.
	Policies string `json:"policies,omitempty" yaml:"policies,omitempty"`

	read []*scenarios.Scenario
}

// Plan is a plan for one of the scenarios.
type Plan struct {
	// File of the plan.
	File string `json:"file" yaml:"file"`
	// Scenario by its name.
	Scenario string `json:"scenario" yaml:"scenario"`
	// Why it is there: what it once found, or must show.
	Why string `json:"why,omitempty" yaml:"why,omitempty"`

	plan *faults.PlanFile
}

// Faults are the faults of the plan.
func (p *Plan) Faults() faults.Plan { return p.plan.Plan }

// Sagas are the pack's scenarios, under its policies.
func (p *Pack) Sagas() []*scenarios.Scenario { return p.read }

// String is name and version.
func (p *Pack) String() string { return p.Name + " " + p.Version }

var (
	namePattern    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	versionPattern = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)
)

// Read reads a pack from a folder that is shown as where. The error names every mistake with
// file, line and field.
func Read(dir fs.FS, where string) (*Pack, error) {
	b, err := fs.ReadFile(dir, File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no %s in it: expected the folder of a pack", where, File)
	}
	if err != nil {
		return nil, err
	}
	p := &Pack{}
	sh, ps := yamlfile.Decode(b, maxFile, "a pack", p, nil)
	if len(ps) > 0 {
		return nil, ps.Of(path.Join(where, File)).InOrder().Err()
	}
	r := reader{dir: dir, where: where, pack: p}
	r.all()
	return p, errors.Join(append(r.others, sh.Besides(r.problems).Of(path.Join(where, File)).InOrder().Err())...)
}

// reader reads the files that a pack names.
type reader struct {
	dir      fs.FS
	where    string
	pack     *Pack
	problems yamlfile.Problems // of the pack's own file
	others   []error           // of those that it names
}

func (r *reader) all() {
	p := r.pack
	if !namePattern.MatchString(p.Name) {
		r.problems.Add("name", "%q: expected lower-case letters, digits and hyphens, at most 63", p.Name)
	}
	if !versionPattern.MatchString(p.Version) {
		r.problems.Add("version", "%q: expected a version such as 1.2.0", p.Version)
	}
	if strings.TrimSpace(p.Description) == "" {
		r.problems.Add("description", "expected a sentence that says what it is good for")
	}
	if len(p.Scenarios) == 0 {
		r.problems.Add("scenarios", "expected one file at least")
	}
	follow := r.policies()
	for i, file := range p.Scenarios {
		field := fmt.Sprintf("scenarios[%d]", i)
		if s := read(r, field, file, scenarios.Parse); s != nil {
			if slices.ContainsFunc(p.read, func(o *scenarios.Scenario) bool { return o.Name == s.Name }) {
				r.problems.Add(field, "%s: expected a name of its own: there is a scenario %q already", file, s.Name)
				continue
			}
			follow(s)
			if err := s.Validate(); err != nil {
				r.others = append(r.others, fmt.Errorf("%s: under %s: %w", path.Join(r.where, file), p.Policies, err))
				continue
			}
			p.read = append(p.read, s)
		}
	}
	for i := range p.Plans {
		r.plan(i)
	}
}

// read reads a file that a field names; nil: it can't be.
func read[T any](r *reader, field, file string, parse func(string, []byte) (*T, error)) *T {
	if !fs.ValidPath(file) {
		r.problems.Add(field, "%q: expected a file of the folder, without .. or a leading /", file)
		return nil
	}
	b, err := fs.ReadFile(r.dir, file)
	if err != nil {
		r.problems.Add(field, "%s: no such file in the folder", file)
		return nil
	}
	v, err := parse(path.Join(r.where, file), b)
	if err != nil {
		r.others = append(r.others, err)
		return nil
	}
	return v
}

func (r *reader) plan(i int) {
	p, field := &r.pack.Plans[i], fmt.Sprintf("plans[%d]", i)
	at := slices.IndexFunc(r.pack.read, func(s *scenarios.Scenario) bool { return s.Name == p.Scenario })
	if at < 0 && len(r.pack.read) == len(r.pack.Scenarios) {
		r.problems.Add(field+".scenario", "%q: expected the name of one of the scenarios", p.Scenario)
	}
	if p.plan = read(r, field+".file", p.File, faults.ParsePlanFile); p.plan == nil || at < 0 {
		return
	}
	defs, _ := r.pack.read[at].Build([]string{"saga"}, func(int, saga.StepRef) string { return "http://127.0.0.1/" })
	if err := p.plan.Fits(defs); err != nil {
		r.others = append(r.others, err)
	}
}

// policies is how scenarios come to follow the pack's policies.
func (r *reader) policies() (follow func(*scenarios.Scenario)) {
	none := func(*scenarios.Scenario) {}
	if r.pack.Policies == "" {
		return none
	}
	f := read(r, "policies", r.pack.Policies, policies.Parse)
	if f == nil {
		return none
	}
	return func(s *scenarios.Scenario) {
		s.Follow(func(step, participant string, d saga.Direction, c saga.Call) saga.Call {
			return f.Under(s.Name, step, d, participant, c)
		})
	}
}
