package catalogue

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
	"github.com/sagacheck/sagacheck/saga"
)

// reader makes a catalogue of a file.
type reader struct {
	sagas map[string][]version
	said  map[string]setting // by the name of a breaker or a retry budget
	asIs  *verbatim          // nil: it is no JSON
	ps    yamlfile.Problems
}

// verbatim is a file in JSON, of which what is not ours stays as it was written: the number 1e3, and 4200.00.
type verbatim struct {
	Sagas map[string][]written `json:"sagas"`
}

// written is a version in JSON.
type written struct {
	Steps  []json.RawMessage `json:"steps"`
	Budget json.RawMessage   `json:"budget"`
	Rounds json.RawMessage   `json:"rounds"`
	Delay  json.RawMessage   `json:"round_delay_ms"`
}

// Parse reads the text of a file; name is what errors call it.
func Parse(name string, text []byte) (*Catalogue, error) {
	var f File
	sh, ps := yamlfile.Decode(text, MaxFile, "a file of definitions", &f, nil)
	r := reader{sagas: map[string][]version{}, said: map[string]setting{}}
	if sh != nil {
		if plain, bad := yamlfile.Text(text); bad == nil && json.Valid(plain) {
			r.asIs = &verbatim{}
			_ = json.Unmarshal(plain, r.asIs) // what has another shape than expected is named already
		} else {
			r.numbers(sh.Changed())
		}
		r.file(f)
		ps = sh.Besides(r.ps)
	}
	if len(ps) > 0 {
		return nil, ps.Of(name).InOrder().Err()
	}
	return &Catalogue{r.sagas, name, sh}, nil
}

// inBody is the field of a value in the body of a call.
var inBody = regexp.MustCompile(`\.steps\[[0-9]+\]\.(action|compensation|parts\[[0-9]+\])\.body([.\[]|$)`)

// numbers refuses those that a participant would not get as they stand in the file: an amount must not change.
func (r *reader) numbers(changed yamlfile.Problems) {
	for _, p := range changed {
		if inBody.MatchString(p.Field) {
			r.ps = append(r.ps, p)
		}
	}
}

func (r *reader) file(f File) {
	if len(f.Sagas) == 0 {
		r.ps.Add("sagas", "expected at least one")
	}
	for _, name := range slices.Sorted(maps.Keys(f.Sagas)) {
		r.sagas[name] = r.versions(name, f.Sagas[name])
	}
}

func (r *reader) versions(name string, all []Version) (found []version) {
	at, sum := "sagas."+name, 0
	var rest []version // the one without a share
	for i, v := range all {
		here := fmt.Sprintf("%s[%d]", at, i)
		if slices.ContainsFunc(all[:i], func(other Version) bool { return other.Version == v.Version }) {
			r.ps.Add(here+".version", "%q is there twice", v.Version)
		}
		def := r.definition(name, here, i, v)
		if v.Share == "" {
			if len(rest) > 0 {
				r.ps.Add(here, "expected a share, as 10%%: only one version can have what the others leave")
			}
			rest = []version{{def, here, places}}
			continue
		}
		share, err := placesOf(v.Share)
		if err != nil {
			r.ps.Add(here+".share", "%v", err)
		}
		sum += share
		found = append(found, version{def, here, sum})
	}
	switch {
	case len(rest) == 0:
		r.ps.Add(at, "expected one version without a share, which has what the others leave")
	case sum > places:
		r.ps.Add(at, "the shares are %v%% together: expected at most 100%%", float64(sum)/(places/100))
	}
	return append(found, rest...)
}

// definition is what a version says, as if it had been submitted.
func (r *reader) definition(name, at string, i int, v Version) saga.Definition {
	w, ok := r.written(name, at, i, v)
	if !ok {
		return saga.Definition{}
	}
	def, err := decoded(name, v.Version, w)
	if err == nil {
		def.ID = ""
		eachCall(def, func(part string, c saga.Call) { r.agrees(at+"."+part, c) })
		return def
	}
	for _, m := range mistakes(name, v.Version, w, err) {
		r.ps.Add(cmp.Or(map[string]string{"name": "sagas." + name}[m.Field], at+"."+m.Field), "%s", m.Reason)
	}
	return saga.Definition{}
}

// written is a version in JSON: as it stands in the file, or made of what YAML says.
func (r *reader) written(name, at string, i int, v Version) (w written, ok bool) {
	if r.asIs != nil {
		if all := r.asIs.Sagas[name]; i < len(all) && len(all[i].Steps) == len(v.Steps) {
			return all[i], true
		}
		r.ps.Add(at, "is not the same in JSON and in YAML, of which JSON is a part: expected plain names")
		return w, false
	}
	for n, s := range v.Steps {
		text, err := json.Marshal(s)
		if step := fmt.Sprintf("%s.steps[%d]", at, n); err != nil {
			if !r.ps.Touches(step) { // else it is named already, as a number that has no end
				r.ps.Add(step, "%v", err)
			}
			return w, false
		}
		w.Steps = append(w.Steps, text)
	}
	if v.Budget != nil {
		text, err := json.Marshal(v.Budget)
		if err != nil {
			r.ps.Add(at+".budget", "%v", err)
			return w, false
		}
		w.Budget = text
	}
	if v.Rounds != 0 {
		w.Rounds = fmt.Appendf(nil, "%d", v.Rounds)
	}
	if v.RoundDelayMS != 0 {
		w.Delay = fmt.Appendf(nil, "%d", v.RoundDelayMS)
	}
	return w, true
}

var percentForm = regexp.MustCompile(`^([0-9]{1,3})(?:\.([0-9]{1,4}))?%$`)

// placesOf is how many places a share has.
func placesOf(share string) (int, error) {
	if m := percentForm.FindStringSubmatch(share); m != nil {
		n, err := strconv.Atoi(m[1] + (m[2] + "0000")[:4])
		if err == nil && n <= places {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%q: expected 0%% to 100%%, as 10%% or 0.5%%", share)
}
