package reference

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/sagacheck/sagacheck/reference/definitions"
	"github.com/sagacheck/sagacheck/reference/policies"
	"github.com/sagacheck/sagacheck/saga"
)

// versions are all the files of policies that have ever been in force; version n is the
// n-th. The last one is in force. They are safe for concurrent use.
type versions struct {
	mu   sync.RWMutex
	all  []*policies.File
	text string // of the last
}

// inForce is the number of the version in force; 0: there is none.
func (v *versions) inForce() int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return len(v.all)
}

// file is what a version says; nil for 0, and of no versions.
func (v *versions) file(version int) *policies.File {
	if v == nil || version == 0 {
		return nil
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	if version > len(v.all) {
		return nil
	}
	return v.all[version-1]
}

// last is the number and the text of the version in force.
func (v *versions) last() (version int, text string) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return len(v.all), v.text
}

func (v *versions) add(f *policies.File, text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.all, v.text = append(v.all, f), text
}

// know refuses a saga whose calls name templates that are not there.
func (v *versions) know(d saga.Definition) error {
	f := v.file(v.inForce())
	return definitions.EachCall(d, func(c saga.Call) *definitions.InvalidError {
		switch {
		case c.Policy == "":
			return nil
		case f == nil:
			return &definitions.InvalidError{Field: "policy", Reason: fmt.Sprintf("template %q: there are no policies", c.Policy)}
		case f.Templates[c.Policy] == nil:
			return &definitions.InvalidError{Field: "policy", Reason: fmt.Sprintf("no template is called %q: expected one of %s",
				c.Policy, strings.Join(slices.Sorted(maps.Keys(f.Templates)), ", "))}
		}
		return nil
	})
}

// decision is by which policies an operation is called. A nil template: as its definition
// says.
type decision struct {
	version  int
	name     string // of the template
	template *policies.Template
}

// decide finds what a version says of an operation.
func (v *versions) decide(version int, d *saga.Definition, r Ref) decision {
	f := v.file(version)
	if f == nil {
		return decision{version: version}
	}
	name, _ := f.Of(d.Name, d.FirstName(r.Step), r.Dir, callOf(d, r))
	return decision{version: version, name: name, template: f.Templates[name]}
}

// call is the call of an operation, as the policies say with which its step began.
func (s *State) call(r Ref) saga.Call {
	version, _ := s.Policy(r.Step)
	return s.versions.decide(version, &s.Def, r).call(&s.Def, r)
}

// call is the call of an operation as a decision has it.
func (d decision) call(of *saga.Definition, r Ref) saga.Call {
	return withRounds(of, r, bounded(d.template.Call(callOf(of, r))))
}

// callOf is the call of an operation as its definition has it.
func callOf(d *saga.Definition, r Ref) saga.Call {
	if r.Dir == saga.Action {
		return d.Steps[r.Step].Action
	}
	return *d.Steps[r.Step].Compensation
}

// Policy is the version of the policies with which a step began, 0 for none; or it has not
// begun.
func (s *State) Policy(step int) (version int, begun bool) {
	if s.Actions[step].Attempts == 0 && s.Undos[step].Attempts == 0 {
		return 0, false
	}
	if s.policies == nil {
		return 0, true
	}
	return s.policies[step], true
}

// began notes the version with which a step began.
func (s *State) began(step, version int) {
	if s.policies == nil && version != 0 {
		s.policies = make([]int, len(s.Def.Steps))
	}
	if s.policies != nil {
		s.policies[step] = version
	}
}

// decide finds the policies by which the next attempt is made.
func (o *operation) decide(with int) {
	e := o.run.e
	version := e.rules.Policy(o.op, o.begun, with, e.control.versions.inForce())
	if o.decided && version == o.op.policy.version {
		return
	}
	o.decided = true
	o.op.policy = e.control.versions.decide(version, o.op.Saga, o.ref)
	o.breaker = e.breakers.get(e.rules.Breaker(o.op))
}

// meaning is what an answer tells about the operation.
func (o Op) meaning(a Answer) saga.Answer {
	m, _ := o.policy.template.Meaning(a.Code, a.Header, a.problem)
	return m
}

// givesUp: by its policies no attempt follows such an answer in the normal course.
func (o Op) givesUp(a Answer) bool {
	_, giveUp := o.policy.template.Meaning(a.Code, a.Header, a.problem)
	return giveUp
}

// maxProblem is how many bytes of a problem are looked at.
const maxProblem = 64 << 10

// problemOf is the type of a problem, if the policies ask for any; else nothing is read.
func (d decision) problemOf(resp *http.Response) string {
	if d.template == nil || resp.StatusCode < 300 || !slices.ContainsFunc(d.template.Errors, func(e policies.ErrorClass) bool { return e.Problem != "" }) {
		return ""
	}
	if media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || media != "application/problem+json" {
		return ""
	}
	var p struct {
		Type string `json:"type"`
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	if err != nil || json.Unmarshal(b, &p) != nil {
		return "" // what is cut off is found by whoever reads the rest
	}
	return p.Type
}
