package facade

import (
	"context"
	"errors"
	"net/http"
)

// The acts that an operator may ask for: the last part of the path of the request.
const (
	Rollback = "compensate"
	Pause    = "pause"
	Resume   = "resume"
)

// Operated is what an engine is besides whose sagas operators may ask something of.
type Operated interface {
	// Operate returns when what was asked for will be done whatever happens. Not changed:
	// it was so already. ErrUnknown if there is no saga of that id, ErrTooLate if it can't be.
	Operate(ctx context.Context, id, act string) (changed bool, err error)
}

// ErrTooLate says that a saga can't do what an operator asks for.
var ErrTooLate = errors.New("the saga can't do that, or not any more")

func operate(e Operated) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		changed, err := e.Operate(r.Context(), r.PathValue("id"), r.PathValue("act"))
		switch {
		case errors.Is(err, ErrUnknown):
			problem(w, http.StatusNotFound, err)
		case errors.Is(err, ErrTooLate):
			problem(w, http.StatusConflict, err)
		case err != nil:
			problem(w, http.StatusServiceUnavailable, err)
		case changed:
			answer(w, http.StatusAccepted, map[string]bool{"changed": true})
		default:
			answer(w, http.StatusOK, map[string]bool{"changed": false})
		}
	}
}
