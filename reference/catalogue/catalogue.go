// Package catalogue reads the file of sagas that clients start by their name alone: of each name one
// definition, or several versions, of which new ones get a share of the sagas (a canary).
//
// Which version a saga gets follows from its name and id, so that the same start, sent again, gets the same;
// and what it got is a part of what the executor writes down, so that another file changes nothing for it.
//
// Non-goals: what a saga is about. A call of the file is the same in all its sagas, and says which one by the
// header Saga-Id, as every call does.
package catalogue

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
	"github.com/sagacheck/sagacheck/reference/definitions"
	"github.com/sagacheck/sagacheck/saga"
)

// File is what the file says: the versions of each saga, by its name.
type File struct {
	Sagas map[string][]Version `json:"sagas" yaml:"sagas"`
}

// Version is one version of a saga. Steps and Budget are written as in POST /sagas.
type Version struct {
	Version string         `json:"version,omitempty" yaml:"version,omitempty"`
	Share   string         `json:"share,omitempty" yaml:"share,omitempty"` // of new sagas, as 10%; empty: what the others leave
	Steps   []any          `json:"steps" yaml:"steps"`
	Budget  map[string]any `json:"budget,omitempty" yaml:"budget,omitempty"`
}

// Catalogue is a file that was read. It is not changed any more.
type Catalogue struct {
	sagas map[string][]version // of each name those with a share, and last the one without
}

// version is one that can be chosen: its definition has no id yet.
type version struct {
	def   saga.Definition
	below int // the places in which it is chosen lie below
}

// places is how many places there are for sagas: as many as shares differ, of four decimals of a percent.
const places = 100 * 1e4

// MaxFile is how large a file may be, in bytes.
const MaxFile = 4 << 20

// Load reads a file, YAML or JSON, strictly. The error joins a yamlfile.Problem for each mistake, with file, line,
// column and field.
func Load(path string) (*Catalogue, error) {
	b, err := yamlfile.Read(path, MaxFile)
	if err != nil {
		return nil, fmt.Errorf("definitions: %w", err)
	}
	return Parse(path, b)
}

// Parse reads the text of a file; name is what errors call it.
func Parse(name string, text []byte) (*Catalogue, error) {
	var f File
	sh, ps := yamlfile.Decode(text, MaxFile, "a file of definitions", &f, nil)
	c := &Catalogue{sagas: map[string][]version{}}
	if sh != nil {
		ps = sh.Besides(f.into(c))
	}
	if len(ps) > 0 {
		return nil, ps.Of(name).InOrder().Err()
	}
	return c, nil
}

// into fills a catalogue, and says what is wrong.
func (f *File) into(c *Catalogue) (ps yamlfile.Problems) {
	if len(f.Sagas) == 0 {
		ps.Add("sagas", "expected at least one")
	}
	for _, name := range slices.Sorted(maps.Keys(f.Sagas)) {
		c.sagas[name] = versionsOf(name, f.Sagas[name], &ps)
	}
	return ps
}

func versionsOf(name string, written []Version, ps *yamlfile.Problems) (all []version) {
	at, sum := "sagas."+name, 0
	var rest []version // the one without a share
	for i, v := range written {
		here := fmt.Sprintf("%s[%d]", at, i)
		if slices.ContainsFunc(written[:i], func(other Version) bool { return other.Version == v.Version }) {
			ps.Add(here+".version", "%q is there twice", v.Version)
		}
		def := v.definition(name, here, ps)
		if v.Share == "" {
			if len(rest) > 0 {
				ps.Add(here, "expected a share, as 10%%: only one version can have what the others leave")
			}
			rest = []version{{def, places}}
			continue
		}
		share, err := placesOf(v.Share)
		if err != nil {
			ps.Add(here+".share", "%v", err)
		}
		sum += share
		all = append(all, version{def, sum})
	}
	switch {
	case len(rest) == 0:
		ps.Add(at, "expected one version without a share, which has what the others leave")
	case sum > places:
		ps.Add(at, "the shares are %v%% together: expected at most 100%%", float64(sum)/(places/100))
	}
	return append(all, rest...)
}

// definition is what a version says, as if it had been submitted.
func (v Version) definition(name, at string, ps *yamlfile.Problems) saga.Definition {
	text, err := json.Marshal(struct {
		ID      string         `json:"id"`
		Name    string         `json:"name"`
		Version string         `json:"version"`
		Steps   []any          `json:"steps"`
		Budget  map[string]any `json:"budget,omitempty"`
	}{"any", name, v.Version, v.Steps, v.Budget})
	if err != nil {
		ps.Add(at, "%v", err)
		return saga.Definition{}
	}
	def, err := definitions.Decode(bytes.NewReader(text))
	if err == nil {
		err = definitions.Validate(def)
	}
	var invalid *definitions.InvalidError
	switch {
	case errors.As(err, &invalid) && invalid.Field == "name":
		ps.Add("sagas."+name, "%s", invalid.Reason)
	case errors.As(err, &invalid):
		ps.Add(at+"."+invalid.Field, "%s", invalid.Reason)
	case err != nil:
		ps.Add(at, "%v", err)
	}
	def.ID = ""
	return def
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

// Choose is the definition of a saga of which only id and name are given, or its version besides. The error is a
// definitions.InvalidError.
func (c *Catalogue) Choose(asked saga.Definition) (saga.Definition, error) {
	all := c.sagas[asked.Name]
	if len(all) == 0 {
		return asked, &definitions.InvalidError{Field: "name", Reason: fmt.Sprintf("no definition is called %q: expected one of %s, or steps",
			asked.Name, strings.Join(slices.Sorted(maps.Keys(c.sagas)), ", "))}
	}
	place := placeOf(asked.Name, asked.ID)
	i := slices.IndexFunc(all, func(v version) bool { return place < v.below })
	if asked.Version != "" {
		i = slices.IndexFunc(all, func(v version) bool { return v.def.Version == asked.Version })
	}
	if i < 0 {
		return asked, &definitions.InvalidError{Field: "version", Reason: fmt.Sprintf("%q: %s has no such version", asked.Version, asked.Name)}
	}
	def := all[i].def
	def.ID = asked.ID
	return def, nil
}

// placeOf is where a saga lies among all of its name, below places: always in the same place, evenly over ids, and of
// one name not as of another. A share that grows keeps the sagas that it had.
func placeOf(name, id string) int {
	sum := sha256.Sum256([]byte(name + "\x00" + id))
	place, _ := bits.Mul64(binary.BigEndian.Uint64(sum[:8]), places)
	return int(place)
}
