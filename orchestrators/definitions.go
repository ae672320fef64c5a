package orchestrators

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/sagacheck/sagacheck/saga"
)

// Definer is a system that reads, when it starts, a file of sagas that clients start by their name: see
// docs/reference.md.
type Definer interface {
	// Define writes the file, with one definition under its name and nothing else: the next start reads it.
	// ErrNoDefinitions where there is no such file.
	Define(d saga.Definition) error
}

var _ Definer = (*started)(nil)

// ErrNoDefinitions says that a system reads no file of definitions.
var ErrNoDefinitions = errors.New("this orchestrator reads no file of definitions")

// Starter is what a client has besides whose orchestrator starts sagas by their name.
type Starter interface {
	// Start starts a saga of which only the id and the name are said.
	Start(ctx context.Context, id, name string) (code int, err error)
}

var _ Starter = (*contract)(nil)

// placeholder is in the file before anybody has defined a saga: it has to have one, and this one is never started.
var placeholder = saga.Definition{
	Name: "none", Version: saga.FirstVersion,
	Steps: []saga.Step{{Name: "none", Kind: saga.Retriable, Action: saga.Call{
		URL: "http://127.0.0.1:9/", Retry: saga.RetryPolicy{InitialIntervalMS: 10, Multiplier: 2, MaxIntervalMS: 100, AttemptTimeoutMS: 250},
	}}},
}

func (s *started) Define(d saga.Definition) error {
	if s.manifest.Definitions == "" {
		return ErrNoDefinitions
	}
	text, err := definitionsFile(d)
	if err != nil {
		return err
	}
	file := s.vars.fill(s.manifest.Definitions)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return renameio.WriteFile(file, text, 0o644, renameio.WithTempDir(filepath.Dir(file)), renameio.WithStaticPermissions(0o644))
}

// validateDefinitions refuses a file that is not in the folder of one start: it is written over, and what stands there may be
// somebody's; and one of a system that is never started again, which would never read it.
func (m *Manifest) validateDefinitions() error {
	file, inside := strings.CutPrefix(m.Definitions, "${dir}/")
	switch {
	case m.Definitions == "":
		return nil
	case !inside || !fs.ValidPath(file) || file == ".":
		return bad("definitions", "%q: expected a file below ${dir}/, since it is written over: ${dir}/sagas.json", m.Definitions)
	case !m.crashable():
		return bad("definitions", "expected a container, or a process with crashable: true: nothing else starts again and reads it")
	}
	return nil
}

// definitionsFile is the file with one definition, all of it but the id, byte by byte as a client would submit it.
func definitionsFile(d saga.Definition) ([]byte, error) {
	whole, err := d.Encode()
	if err != nil {
		return nil, err
	}
	var said map[string]json.RawMessage
	if err := json.Unmarshal(whole, &said); err != nil {
		return nil, err
	}
	name := said["name"]
	delete(said, "id")
	delete(said, "name")
	text := fmt.Appendf(nil, `{"sagas": {%s: [`, name)
	for i, field := range slices.Sorted(maps.Keys(said)) {
		text = fmt.Appendf(text, "%c%q: %s", "{,"[min(i, 1)], field, said[field])
	}
	return append(text, "}]}}"...), nil
}

func (c *contract) Start(ctx context.Context, id, name string) (int, error) {
	body, err := json.Marshal(map[string]string{"id": id, "name": name})
	if err != nil {
		return 0, err
	}
	return c.post(ctx, c.base+"/sagas", body)
}
