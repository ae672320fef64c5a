package sagatest

import (
	"errors"
	"fmt"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/history"
)

// afterwards is how much virtual time what a plan has started has to end in when its context
// has: more than a goroutine that goes on calling is given (simulation).
const afterwards = 2 * time.Minute

// standing is how long a plan may run, in real time, before its clock is held to stand. A plan
// takes a few milliseconds.
var standing = 30 * time.Second

var errLeft = errors.New("it left a goroutine behind: expected each to end when the context of Start does, or in a Cleanup of what Open is given")

// cell runs a plan in a bubble of its own.
func (e *exploration) cell(plan faults.Plan) (h *history.History, err error) {
	defer e.watch(plan)()
	own := ""
	defer func() {
		switch why := recover(); {
		case why == nil:
		case strings.HasPrefix(fmt.Sprint(why), "deadlock:"):
			if err = errLeft; !e.left {
				err = fmt.Errorf("%w:\n%s", err, in(own))
			}
			e.left = true
		default:
			panic(why)
		}
	}()
	synctest.Test(e.t, func(t *testing.T) {
		own = bubble()
		began := time.Now()
		h, err = e.p.run(t, plan)
		e.virtual += time.Since(began)
		time.Sleep(afterwards)
	})
	return h, err
}

// watch ends the test if a plan does not: a bubble whose clock stands can't be left. With
// -timeout 0 somebody is debugging.
func (e *exploration) watch(plan faults.Plan) (stop func() bool) {
	if _, limited := e.t.Deadline(); !limited {
		return func() bool { return false }
	}
	limit := standing
	return time.AfterFunc(limit, func() {
		debug.SetTraceback("all")
		panic(fmt.Sprintf("sagatest: %s, plan %s: it has run for %s, its clock stands: code waits for what is outside its bubble (a socket, a channel made before the test), "+
			"holds a mutex during a call or a sleep, or goes round without either: the goroutines below whose bubble is the last show where", e.t.Name(), plan, limit))
	}).Stop
}

// heading is the first line of a goroutine in a stack trace.
var heading = regexp.MustCompile(`^goroutine \d+ \[.*(synctest bubble \d+)`)

// bubble is the bubble of its caller, as stack traces name it.
func bubble() string {
	text := make([]byte, 256)
	if found := heading.FindSubmatch(text[:runtime.Stack(text, false)]); found != nil {
		return string(found[1])
	}
	return ""
}

// mostLeft is how many goroutines are shown that were left behind.
const mostLeft = 3

// in are the stacks of the goroutines in a bubble.
func in(bubble string) string {
	text := make([]byte, 1<<20)
	var found []string
	for _, stack := range strings.Split(string(text[:runtime.Stack(text, true)]), "\n\n") {
		if at := heading.FindStringSubmatch(stack); at != nil && at[1] == bubble && len(found) < mostLeft {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}
