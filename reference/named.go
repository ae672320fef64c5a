package reference

import (
	"context"
	"errors"
	"reflect"

	"github.com/sagacheck/sagacheck/saga"
)

// Named tells whether a definition gives a saga's id and name, and perhaps its version, and nothing else: what is
// to be done stands elsewhere.
func Named(d saga.Definition) bool {
	return d.Name != "" && reflect.DeepEqual(d, saga.Definition{ID: d.ID, Name: d.Name, Version: d.Version})
}

// SubmitNamed accepts a saga that is Named by what choose finds for it. What an id has got stays: the same name
// again is the same start, whatever would be chosen now. Errors are those of SubmitTraced and of choose.
func (e *Executor) SubmitNamed(ctx context.Context, asked saga.Definition, choose func(saga.Definition) (saga.Definition, error), trace string) error {
	if known, err := e.startedAs(ctx, asked); known || err != nil {
		return err
	}
	def, err := choose(asked)
	if err != nil {
		return err
	}
	err = e.SubmitTraced(ctx, def, trace)
	if errors.Is(err, ErrConflict) { // the same start came between, and another file was in force
		if known, _ := e.startedAs(ctx, asked); known {
			return nil
		}
	}
	return err
}

// startedAs tells whether a saga is known by its id, and is the one that is asked for: else the error is
// ErrConflict.
func (e *Executor) startedAs(ctx context.Context, asked saga.Definition) (known bool, err error) {
	f, err := e.find(ctx, asked.ID)
	switch {
	case errors.Is(err, ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case f.broken != nil:
		return false, ErrQuarantined
	}
	f.view.mu.Lock()
	defer f.view.mu.Unlock()
	was := &f.view.s.Def
	if was.Name != asked.Name || asked.Version != "" && was.Version != asked.Version {
		return false, ErrConflict
	}
	return true, nil
}
