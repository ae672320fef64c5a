package lint

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/internal/yamlfile"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/reference/definitions"
	"github.com/sagacheck/sagacheck/reference/policies"
	"github.com/sagacheck/sagacheck/scenarios"
	"github.com/sagacheck/sagacheck/workflows"
)

// maxFile is how large a file may be, in bytes: that of the largest kind.
const maxFile = 1 << 20

// Finding is one place that goes against a rule.
type Finding struct {
	Rule  Rule
	Place yamlfile.Problem // its reason says what was found there
}

// String is "file:line:column: field: rule: what was found".
func (f Finding) String() string {
	p := f.Place
	p.Reason = f.Rule.Name + ": " + p.Reason
	return p.Error()
}

// File reads one file: a scenario, a workflow, a file of policies, the saga that a client
// submits (JSON, as the contract has it), or a plan or a manifest, of which no rule speaks.
// What it is, its fields say. An error: it is none of them, or its own reader refuses it, with
// file, line and field.
func File(path string) ([]Finding, error) {
	text, err := yamlfile.Read(path, maxFile)
	if err != nil {
		return nil, err
	}
	return Text(path, text)
}

// Text is File of a text that need not be there; path is what errors and findings call it, and what
// relative paths in it start from.
func Text(path string, text []byte) ([]Finding, error) {
	root, ps := yamlfile.Document(text, maxFile, "a file")
	if len(ps) > 0 {
		return nil, ps.Of(path).Err()
	}
	found, err := of(path, text, root)
	if err != nil {
		return nil, err
	}
	for i := range found {
		p := &found[i].Place
		p.File, p.Line, p.Column = path, 1, 1
		if n := nearest(root, p.Field); n != nil {
			p.At(n.GetToken().Position)
		}
	}
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Place.Column, b.Place.Column))
	})
	return found, nil
}

// of finds out what a file is.
func of(path string, text []byte, root ast.Node) ([]Finding, error) {
	has := func(field string) bool { return node(root, field) != nil }
	var l linter
	switch {
	case has("services"):
		w, err := workflows.Parse(path, text)
		if err != nil {
			return nil, err
		}
		l.workflow(w)
	case has("templates"), has("bindings"):
		f, err := policies.Parse(path, text)
		if err != nil {
			return nil, err
		}
		l.policies(f)
	case has("faults"):
		if _, err := faults.ParsePlanFile(path, text); err != nil {
			return nil, err
		}
	case has("base"), has("capabilities"):
		if _, err := orchestrators.ParseManifest(path, text); err != nil {
			return nil, err
		}
	case has("steps[0].action"):
		d, err := definitions.Decode(bytes.NewReader(text))
		if err == nil {
			err = definitions.Validate(d)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		l.definition(d)
	case has("steps"):
		s, err := scenarios.Parse(path, text)
		if err != nil {
			return nil, err
		}
		l.scenario(s)
	default:
		return nil, &yamlfile.Problem{File: path, Reason: "expected a scenario (steps), a workflow (services), policies (templates), a plan (faults), a manifest (base), or a saga as it is submitted (steps with an action)"}
	}
	return l.found, nil
}

// node is a field of a document; nil: it is not there.
func node(root ast.Node, field string) ast.Node {
	path, err := yaml.PathString("$." + quoted(field))
	if err != nil {
		return nil
	}
	n, err := path.FilterNode(root)
	if err != nil {
		return nil
	}
	return n
}

// nearest is a field, or what it would belong to; nil: nothing of it is there.
func nearest(root ast.Node, field string) ast.Node {
	for field != "" {
		if n := node(root, field); n != nil {
			return n
		}
		field = field[:max(strings.LastIndexAny(field, ".["), 0)]
	}
	return nil
}

// quoted has those names of a field in quotes that are no words of a path.
func quoted(field string) string {
	names := strings.Split(field, ".")
	for i, name := range names {
		if strings.ContainsAny(name, "-$@ ") {
			names[i] = "'" + name + "'"
		}
	}
	return strings.Join(names, ".")
}

// linter collects findings.
type linter struct{ found []Finding }

func (l *linter) add(r Rule, field, format string, args ...any) {
	l.found = append(l.found, Finding{r, yamlfile.Problem{Field: field, Reason: fmt.Sprintf(format, args...)}})
}
