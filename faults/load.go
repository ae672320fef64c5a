package faults

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
	"github.com/sagacheck/sagacheck/saga"
)

// maxFile is how large a file with a plan may be, in bytes.
const maxFile = 16 << 20

// PlanFile is a plan as it stands in a file, so that what is found out about it
// later can be told with its place too.
type PlanFile struct {
	Plan  Plan
	path  string
	shape *yamlfile.Shape
}

// LoadPlan reads a plan from a YAML or JSON file, strictly: the error joins a
// yamlfile.Problem for each mistake, with file, line, column and field.
func LoadPlan(path string) (*PlanFile, error) {
	b, err := yamlfile.Read(path, maxFile)
	if err != nil {
		return nil, err
	}
	return ParsePlanFile(path, b)
}

// ParsePlanFile is LoadPlan of a text; file is the name that mistakes show.
func ParsePlanFile(file string, b []byte) (*PlanFile, error) {
	p, ps := parsePlan(b)
	if len(ps) > 0 {
		return nil, ps.Of(file).InOrder().Err()
	}
	p.path = file
	return p, nil
}

// ParsePlan reads the text of a plan. See LoadPlan.
func ParsePlan(b []byte) (*Plan, error) {
	p, ps := parsePlan(b)
	if len(ps) > 0 {
		return nil, ps.InOrder().Err()
	}
	return &p.Plan, nil
}

// Fits checks the plan against the sagas that it is to strike. See Plan.Fits.
func (f *PlanFile) Fits(defs []saga.Definition) error {
	return f.place(f.Plan.misfits(defs)).Of(f.path).InOrder().Err()
}

func parsePlan(b []byte) (*PlanFile, yamlfile.Problems) {
	root, ps := yamlfile.Document(b, maxFile, "a plan, for example: faults: [{kind: lose, at: charge#1@response}]")
	if len(ps) > 0 {
		return nil, ps
	}
	f := &PlanFile{shape: yamlfile.NewShape(root, reflect.TypeFor[Plan](), nil)}
	ps = f.shape.Problems
	text, err := json.Marshal(f.shape.Value(root))
	if err == nil {
		err = json.Unmarshal(text, &f.Plan)
	}
	if err != nil {
		if len(ps) == 0 { // numbers that are no whole ones have a shape
			ps.Add("", "%v", err)
		}
		return nil, ps
	}
	if f.Plan.Faults == nil {
		f.Plan.Faults = []Fault{}
	}
	for _, p := range f.place(f.Plan.problems()) {
		if !f.shape.Problems.Touches(p.Field) {
			ps = append(ps, p)
		}
	}
	return f, ps
}

// place says where the fields of problems stand, and which of them do not.
func (f *PlanFile) place(ps yamlfile.Problems) yamlfile.Problems {
	for _, p := range ps {
		p.At(f.shape.Place(p.Field))
		if rest, zero := strings.CutPrefix(p.Reason, "0: expected"); zero && !f.shape.Has(p.Field) {
			p.Reason = "is missing: expected" + rest
		}
	}
	return ps
}
