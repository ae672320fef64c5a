package policies

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
	"github.com/sagacheck/sagacheck/reference/bounds"
	"github.com/sagacheck/sagacheck/saga"
)

var (
	nameForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	headerForm = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
)

// problems is all that is wrong with a file whose shape is right.
func (f *File) problems(sh *yamlfile.Shape) (ps yamlfile.Problems) {
	names := slices.Sorted(maps.Keys(f.Templates))
	for _, name := range names {
		at := "templates." + name
		if !nameForm.MatchString(name) {
			ps.Add(at, "name %q: expected lower-case letters, digits and hyphens, at most 63", name)
		}
		if t := f.Templates[name]; t != nil {
			t.problems(at, &ps)
		}
	}
	for i, b := range f.Bindings {
		f.checkBinding(i, b, names, sh, &ps)
	}
	for i, flag := range f.Flags {
		at := fmt.Sprintf("flags[%d].", i)
		flag.problems(at, &ps)
		if slices.ContainsFunc(f.Flags[:i], func(other Flag) bool { return other.Name == flag.Name }) {
			ps.Add(at+"name", "%q is there twice", flag.Name)
		}
	}
	return ps
}

func (t *Template) problems(at string, ps *yamlfile.Problems) {
	excess := bounds.Retry(t.Retry)
	if err := t.Retry.Validate(); err != nil {
		field, reason, _ := strings.Cut(err.Error(), ": ")
		ps.Add(at+".retry."+field, "%s", reason)
	}
	if b := t.Breaker; b != nil {
		if b.Name == "" || b.Failures < 1 || b.OpenMS < 1 || b.Probes < 1 {
			ps.Add(at+".breaker", "expected a name, and failures, open_ms and probes of 1 or more")
		}
		excess = append(excess, bounds.Breaker(*b)...)
	}
	excess = append(excess, t.budgets(at, ps)...)
	for _, e := range excess {
		ps.Add(at+"."+e.Field, "%s", e.Reason)
	}
	for i, e := range t.Errors {
		e.problems(fmt.Sprintf("%s.errors[%d]", at, i), ps)
	}
	if v := t.Visibility; v != "" && v != Progress && v != Silent {
		ps.Add(at+".visibility", "%q: expected %s or %s", v, Progress, Silent)
	}
	t.SLA.problems(at+".sla", ps)
}

// budgets adds what is wrong with the budgets, and finds what of them is out of bounds.
func (t *Template) budgets(at string, ps *yamlfile.Problems) (excess []bounds.Excess) {
	add := func(field string, err error) {
		if err != nil {
			name, reason, _ := strings.Cut(err.Error(), ": ")
			ps.Add(at+"."+field+"."+name, "%s", reason)
		}
	}
	if b := t.RetryBudget; b != nil {
		add("retry_budget", b.Validate())
		excess = append(excess, bounds.RetryBudget(*b)...)
	}
	if b := t.Budget; b != nil {
		add("budget", b.Validate(0))
		if *b == (saga.Budget{}) {
			ps.Add(at+".budget", "expected attempts or time_ms")
		}
		excess = append(excess, bounds.Budget(*b)...)
	}
	return excess
}

func (s *SLA) problems(at string, ps *yamlfile.Problems) {
	switch most := int(bounds.Duration.Milliseconds()); {
	case s == nil:
	case s.TargetMS <= 0 || s.TargetMS > most:
		ps.Add(at+".target_ms", "%d: expected 1 to %d", s.TargetMS, most)
	case s.WorstMS < s.TargetMS || s.WorstMS > most:
		ps.Add(at+".worst_ms", "%d: expected target_ms (%d) to %d", s.WorstMS, s.TargetMS, most)
	}
}

func (e ErrorClass) problems(at string, ps *yamlfile.Problems) {
	if e.Code == 0 && e.Problem == "" && e.Header == "" {
		ps.Add(at, "expected a code, a problem's type or a header")
	}
	if e.Code != 0 && (e.Code < 300 || e.Code > 599) {
		ps.Add(at+".code", "%d: expected 300 to 599: 2xx is always done", e.Code)
	}
	if name, _, _ := strings.Cut(e.Header, ":"); e.Header != "" && !headerForm.MatchString(name) {
		ps.Add(at+".header", "%q: expected a header's name, or name: value", e.Header)
	}
	switch e.Class {
	case Transient, GiveUp:
	case Permanent:
		if e.Code >= 500 && e.Problem == "" && e.Header == "" {
			ps.Add(at+".class", "%q of %d: permanent says that nothing was done, which a 5xx alone does not: expected %s or %s",
				e.Class, e.Code, Transient, GiveUp)
		}
	default:
		ps.Add(at+".class", "%q: expected %s, %s or %s", e.Class, Transient, Permanent, GiveUp)
	}
}

func (f *File) checkBinding(i int, b Binding, names []string, sh *yamlfile.Shape, ps *yamlfile.Problems) {
	at := fmt.Sprintf("bindings[%d]", i)
	if f.Templates[b.Template] == nil {
		ps.Add(at+".template", "no template is called %q: expected one of %s", b.Template, strings.Join(names, ", "))
	}
	if b.Direction != "" && b.Direction != saga.Action && b.Direction != saga.Compensation {
		ps.Add(at+".direction", "%q: expected %s or %s", b.Direction, saga.Action, saga.Compensation)
	}
	if b.Participant != "" { // else any
		checkParticipant(at+".participant", b.Participant, ps)
	}
	for j, other := range f.Bindings[:i] {
		if b.selector() == other.selector() && b.Template != other.Template {
			line := 0
			if p := sh.Place(fmt.Sprintf("bindings[%d]", j)); p != nil {
				line = p.Line
			}
			ps.Add(at, "template %q, and in line %d template %q for the same calls: expected one of them", b.Template, line, other.Template)
			return
		}
	}
}

// fits tells whether an answer is one of the class.
func (e ErrorClass) fits(code int, h http.Header, problem string) bool {
	if e.Code != 0 && e.Code != code || e.Problem != "" && e.Problem != problem {
		return false
	}
	name, want, valued := strings.Cut(e.Header, ":")
	if name == "" {
		return true
	}
	values := h.Values(name)
	return len(values) > 0 && (!valued || slices.ContainsFunc(values, func(v string) bool {
		return strings.EqualFold(strings.TrimSpace(v), strings.TrimSpace(want))
	}))
}
