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
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
	"github.com/sagacheck/sagacheck/reference/definitions"
	"github.com/sagacheck/sagacheck/saga"
)

// File is what the file says: the versions of each saga, by its name.
type File struct {
	Sagas map[string][]Version `json:"sagas" yaml:"sagas"`
}

// Version is one version of a saga. Steps and Budget are written as in POST /sagas. What a file in JSON says of them
// is kept as it stands there.
type Version struct {
	Version string         `json:"version,omitempty" yaml:"version,omitempty"`
	Share   string         `json:"share,omitempty" yaml:"share,omitempty"` // of new sagas, as 10%; empty: what the others leave
	Steps   []any          `json:"steps" yaml:"steps"`
	Budget  map[string]any `json:"budget,omitempty" yaml:"budget,omitempty"`
	// Rounds and RoundDelayMS are those of the saga.
	Rounds       int `json:"rounds,omitempty" yaml:"rounds,omitempty"`
	RoundDelayMS int `json:"round_delay_ms,omitempty" yaml:"round_delay_ms,omitempty"`
}

// Catalogue is a file that was read. It is not changed any more.
type Catalogue struct {
	sagas map[string][]version // of each name those with a share, and last the one without
	file  string
	shape *yamlfile.Shape // which knows the places in the file
}

// version is one that can be chosen: its definition has no id yet.
type version struct {
	def   saga.Definition
	at    string // where it stands in the file
	below int    // the places in which it is chosen lie below
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
// one name not as of another. A share that grows keeps the sagas that it had, while those before it stay as they are.
func placeOf(name, id string) int {
	sum := sha256.Sum256([]byte(name + "\x00" + id))
	place, _ := bits.Mul64(binary.BigEndian.Uint64(sum[:8]), places)
	return int(place)
}
