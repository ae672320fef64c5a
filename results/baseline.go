package results

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/internal/yamlfile"
)

// BaselineVersion is the version of baseline files. A file of another version is refused.
const BaselineVersion = 1

// maxBaseline is how large such a file may be, in bytes.
const maxBaseline = 1 << 20

// baselineDays is for how many days an entry holds that an update adds.
const baselineDays = 90

// Baseline is a file of findings that are known. It is of one orchestrator, or of one workflow:
// what is known of one says nothing of another.
type Baseline struct {
	Version  int     `json:"sagacheck_baseline" yaml:"sagacheck_baseline"`
	Of       string  `json:"orchestrator" yaml:"orchestrator"` // name of the orchestrator or of the workflow
	Findings []Known `json:"findings" yaml:"findings"`

	file string
	read []byte // the file as it was read; nil: it was not there
}

// Known is a finding that somebody knows of, by its key.
type Known struct {
	Property     string   `json:"property" yaml:"property"`
	Scenario     string   `json:"scenario" yaml:"scenario"`
	Participants string   `json:"participants" yaml:"participants"`
	Plan         string   `json:"plan" yaml:"plan"`                                       // in words, in any order
	Also         []string `json:"also,omitempty" yaml:"also,omitempty"`                   // properties that the same cause breaks
	Reason       string   `json:"reason" yaml:"reason" jsonschema:"minLength=1"`          // why it may stay for now
	Owner        string   `json:"owner" yaml:"owner" jsonschema:"minLength=1"`            // who sees to it
	Expires      string   `json:"expires" yaml:"expires" jsonschema:"example=2027-01-31"` // the last day, UTC, on which it is no failure
}

// finding is the known one, by its key.
func (k Known) finding() Finding {
	return Finding{Key: Key{Property: k.Property, Scenario: k.Scenario, Participants: k.Participants, Plan: SortPlan(k.Plan)}, Also: k.Also}
}

// Expired tells whether the last day of an entry is over.
func (k Known) Expired(now time.Time) bool { return now.UTC().Format(time.DateOnly) > k.Expires }

// unfinished tells whether nobody has said yet why an entry may stay, or who sees to it: an update wrote
// it, and it excuses nothing.
func (k Known) unfinished() bool {
	return strings.TrimSpace(k.Reason) == "" || strings.TrimSpace(k.Owner) == ""
}

// LoadBaseline reads a baseline. An error names every mistake with its file, line and field; a
// file that is not there is fs.ErrNotExist. Unfinished entries, that an update has written and
// nobody has given a reason or an owner yet, are mistakes unless the file is to be updated.
func LoadBaseline(file string, update bool) (*Baseline, error) {
	text, err := yamlfile.Read(file, maxBaseline)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing(file)
	}
	if err != nil {
		return nil, err
	}
	b, ps := decodeBaseline(text, update)
	if len(ps) > 0 {
		return nil, ps.Of(file).InOrder().Err()
	}
	b.file, b.read = file, text
	return b, nil
}

// missing is a baseline that is not there.
type missing string

func (m missing) Error() string {
	return string(m) + ": there is no such file: --baseline-update writes a first one"
}

func (missing) Is(target error) bool { return target == fs.ErrNotExist }

// NewBaseline is an empty one, for a file that is not there yet.
func NewBaseline(file string) *Baseline { return &Baseline{Version: BaselineVersion, file: file} }

// File is where it was read from.
func (b *Baseline) File() string { return b.file }

func decodeBaseline(text []byte, update bool) (*Baseline, yamlfile.Problems) {
	b := &Baseline{}
	sh, ps := yamlfile.Decode(text, maxBaseline, "a baseline", b, nil)
	if sh == nil {
		return nil, ps
	}
	return b, sh.Besides(b.problems(update))
}

// problems are what is wrong with a file that has the right shape.
func (b *Baseline) problems(update bool) (ps yamlfile.Problems) {
	if b.Version != BaselineVersion {
		ps.Add("sagacheck_baseline", "version %d: this sagacheck reads version %d", b.Version, BaselineVersion)
	}
	if b.Of == "" {
		ps.Add("orchestrator", "expected the name of the orchestrator, or of the workflow, whose findings these are")
	}
	first := map[Key]int{}
	for i, k := range b.Findings {
		at := fmt.Sprintf("findings[%d]", i)
		k.problems(&ps, at, update)
		key := k.finding().Key
		if j, twice := first[key]; twice {
			ps.Add(at, "the same finding as findings[%d]: expected each once", j)
		} else {
			first[key] = i
		}
	}
	return ps
}

func (k Known) problems(ps *yamlfile.Problems, at string, update bool) {
	for i, name := range append([]string{k.Property}, k.Also...) {
		field := ".property"
		if i > 0 {
			field = fmt.Sprintf(".also[%d]", i-1)
		}
		if _, ok := checkers.ByName(name); !ok {
			ps.Add(at+field, "%q: expected a property: sagacheck list checkers has them", name)
		}
	}
	if k.Scenario == "" {
		ps.Add(at+".scenario", "expected the name of a scenario, or of the workflow")
	}
	if k.Participants == "" {
		ps.Add(at+".participants", "expected naive, keyed or fenced")
	}
	if plan := SortPlan(k.Plan); plan != noFault {
		for fault := range strings.SplitSeq(plan, ", ") {
			kind, _, _ := strings.Cut(fault, " ")
			if _, err := faults.KindByName(kind); err != nil {
				ps.Add(at+".plan", "%q: expected a plan in words, as reports have it: faults with commas between them, each beginning with its kind, or %q", fault, noFault)
			}
		}
	}
	for _, f := range []struct{ name, value, want string }{
		{"reason", k.Reason, "why it may stay for now"}, {"owner", k.Owner, "who sees to it"},
	} {
		if strings.TrimSpace(f.value) == "" && !update {
			ps.Add(at+"."+f.name, "is empty: expected %s", f.want)
		}
	}
	if _, err := time.Parse(time.DateOnly, k.Expires); err != nil {
		ps.Add(at+".expires", "%q: expected a day, for example 2027-01-31", k.Expires)
	}
}

// baselineHead stands above the file.
const baselineHead = `Findings that are known: sagacheck --baseline does not fail for them until they expire.
--baseline-update adds and removes entries; reason and owner are for people to fill in.
`

// Encode is the file.
func (b *Baseline) Encode() ([]byte, error) {
	text, err := yaml.MarshalWithOptions(b, yaml.IndentSequence(true), yaml.CustomMarshaler(yamlText))
	if err != nil {
		return nil, fmt.Errorf("baseline: %w", err)
	}
	var out bytes.Buffer
	for line := range strings.Lines(baselineHead) {
		out.WriteString("# " + line)
	}
	out.WriteString("\n")
	out.Write(text)
	return out.Bytes(), nil
}

var plainText = regexp.MustCompile(`^[\pL\d]\PC*$`)

// yamlText is a text as YAML, in quotes where the library leaves them out and reads something else.
func yamlText(s string) ([]byte, error) {
	if !plainText.MatchString(s) {
		return []byte(strconv.Quote(s)), nil
	}
	return yaml.Marshal(s)
}

// Keys are those of the findings; nil: there is no baseline.
func (b *Baseline) Keys() (keys []Key) {
	for _, f := range b.known(nil) {
		keys = append(keys, f.Key)
	}
	return keys
}

// Fits refuses a baseline of another orchestrator, or of another workflow.
func (b *Baseline) Fits(orchestrator string) error {
	if b == nil || b.Of == "" || orchestrator == "" || b.Of == orchestrator {
		return nil
	}
	return fmt.Errorf("%s: orchestrator: %q: the run is of %q: what is known of one says nothing of another", b.file, b.Of, orchestrator)
}

// judges tells whether a run judges each property that a finding broke.
func (r *Run) judges(f Finding) bool {
	return !slices.ContainsFunc(f.broken(), func(name string) bool {
		return !slices.ContainsFunc(r.Properties, func(p Property) bool { return p.Name == name })
	})
}

// Updated is the baseline as a run leaves it: what nobody knew of is added, for people to say why it
// may stay and who sees to it, further properties of a known plan as an entry of their own; what is gone is
// left out, if all that it names was judged; all else stays as it was, and so does what the run did not look for.
func (b *Baseline) Updated(r *Run, now time.Time) (next *Baseline, added, removed int) {
	next = &Baseline{Version: BaselineVersion, Of: cmp.Or(b.Of, r.Orchestrator.Name), Findings: []Known{}, file: b.file, read: b.read}
	standing := map[Key]Standing{}
	for _, j := range r.Gate.Findings {
		standing[j.Key] = j.Standing
	}
	for _, k := range b.Findings {
		if standing[k.finding().Key] == Gone && r.judges(k.finding()) {
			removed++
			continue
		}
		next.Findings = append(next.Findings, k)
	}
	for _, j := range r.Gate.Findings {
		if j.Standing != Fresh {
			continue
		}
		_, open := explain(next.known(nil), j.Finding)
		if len(open) == 0 { // an entry that is not filled in yet
			continue
		}
		property, also := j.Property, j.Also
		if slices.ContainsFunc(next.known(nil), func(f Finding) bool { return f.Key == j.Key }) { // what it is known for is another matter
			property, also = open[0], open[1:]
		}
		added++
		next.Findings = append(next.Findings, Known{
			Property: property, Scenario: j.Scenario, Participants: j.Participants, Plan: j.Plan, Also: also,
			Expires: now.UTC().AddDate(0, 0, baselineDays).Format(time.DateOnly),
		})
	}
	slices.SortStableFunc(next.Findings, func(a, b Known) int { return a.finding().Compare(b.finding().Key) })
	return next, added, removed
}
