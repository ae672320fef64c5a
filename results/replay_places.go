package results

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/yamlfile"
)

// Wrong names what is wrong below a field of a file that was loaded, with file and line. An error that says more than
// one thing joins a yamlfile.Problem for each; the text of another one may begin with a field.
func (r *Replay) Wrong(field string, err error) error {
	ps := yamlfile.In(err)
	for _, p := range ps {
		p.File, p.Field = r.file, strings.Trim(field+"."+p.Field, ".")
		p.At(r.shape.Place(p.Field))
	}
	return ps.InOrder().Err()
}

// Plannable tells what is wrong with the plan, whether of itself or for the sagas of the cell. Only who runs it has to
// know: of another build's file the rest can be shown.
func (r *Replay) Plannable() error {
	err := r.Plan.Validate() // what a kind is not is not asked further
	if err == nil {
		err = r.Plan.Fits(r.Definitions)
	}
	return r.Wrong("plan", err)
}

// validate finds what is missing, and values that are none.
func (r *Replay) validate() (ps yamlfile.Problems) {
	for _, p := range r.shape.Problems { // the decoder takes a missing plan for the empty one: a run without a fault
		if p.Field == "plan" || p.Field == "plan.faults" {
			p.Reason += ": a cell without a fault has faults: []"
			ps = append(ps, p)
		}
	}
	if r.Scenario == "" {
		ps.Add("scenario", "must be given")
	}
	if !slices.Contains(history.Profiles, r.Profile) {
		ps.Add("profile", "%q: expected one of %s", r.Profile, strings.Join(history.Profiles, ", "))
	}
	if r.SettleMS < 0 {
		ps.Add("settle_ms", "%d: expected 0 (the default) or more", r.SettleMS)
	}
	if r.QuietMS < 0 {
		ps.Add("quiet_ms", "%d: expected 0 (as the policies say) or more", r.QuietMS)
	}
	if len(r.Definitions) == 0 {
		ps.Add("definitions", "expected at least one saga")
	}
	switch r.System.By {
	case "", BuiltIn:
	case ByManifest, ByURL, ByWorkflow:
		if r.System.Name == "" {
			ps.Add("system.name", "must be given")
		}
	default:
		ps.Add("system.by", "%q: expected %s, %s, %s or %s", r.System.By, BuiltIn, ByManifest, ByURL, ByWorkflow)
	}
	for i, d := range r.Definitions {
		if err := d.Validate(); err != nil {
			field, reason, _ := strings.Cut(err.Error(), ": ")
			ps.Add(fmt.Sprintf("definitions[%d].%s", i, field), "%s", reason)
		}
	}
	for i, f := range r.Plan.Faults {
		if f.Kind == "" {
			ps.Add(fmt.Sprintf("plan.faults[%d].kind", i), "must be given")
		}
	}
	return ps
}

// inWords says of what the decoder refuses what was expected, in the words of the file and with its place.
func (r *Replay) inWords(b []byte, err error) error {
	line := 0
	var known yaml.Error
	if errors.As(err, &known) && known.GetToken() != nil {
		line = known.GetToken().Position.Line
	}
	for _, p := range r.shape.Problems {
		if line > 0 && p.Line == line || line == 0 && strings.Contains(err.Error(), p.Reason) {
			return p
		}
	}
	return withLine(b, err)
}

// shapeOf is where the fields of a replay file stand.
func shapeOf(b []byte) (*yamlfile.Shape, error) {
	root, ps := yamlfile.Document(b, maxReplay, "a replay file")
	if len(ps) > 0 {
		return nil, ps.Err()
	}
	return yamlfile.NewShape(root, reflect.TypeFor[Replay](), nil), nil
}
