package orchestrators

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

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
	return os.WriteFile(s.vars.fill(s.manifest.Definitions), text, 0o600)
}

// definitionsFile is the file with one definition, byte by byte as a client would submit its steps.
func definitionsFile(d saga.Definition) ([]byte, error) {
	whole, err := d.Encode()
	if err != nil {
		return nil, err
	}
	var said struct{ Name, Version, Steps json.RawMessage }
	if err := json.Unmarshal(whole, &said); err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `{"sagas": {%s: [{"version": %s, "steps": %s}]}}`, said.Name, said.Version, said.Steps), nil
}

func (c *contract) Start(ctx context.Context, id, name string) (int, error) {
	body, err := json.Marshal(map[string]string{"id": id, "name": name})
	if err != nil {
		return 0, err
	}
	return c.post(ctx, c.base+"/sagas", body)
}
