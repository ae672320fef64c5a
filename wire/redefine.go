package wire

import (
	"context"
	"errors"
)

// errUnversioned is about sagas that come in one version.
var errUnversioned = errors.New("the sagas of this cell have no next version")

// redefine has a saga of the next version of the definition submitted.
func (in *Injector) redefine(i int) {
	if in.Redefine == nil {
		in.fail(i, errUnversioned)
		return
	}
	ctx, cancel := context.WithTimeout(in.alive, askLimit)
	defer cancel()
	if err := in.Redefine(ctx); err != nil {
		in.fail(i, err)
	}
}
