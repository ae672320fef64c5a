package campaign

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/saga"
)

// firstRun is what a run without faults shows.
type firstRun struct {
	called map[string]int  // calls that reached a service
	took   map[string]bool // steps that were attempted
	status saga.Status     // the last one; empty: none was ever told
	word   string          // of the workflow, for it
	last   *history.Event  // the last call; nil: none
	no     *history.Event  // the last answer of the workflow that was none; nil: there is none
	later  []string        // requests that were answered 202, and of which nothing was told later
}

func (f *flow) firstRun(h *history.History) firstRun {
	r := firstRun{called: map[string]int{}, took: map[string]bool{}, later: unheard(h)}
	for i, e := range h.Events {
		switch e.Kind {
		case history.CallSent, history.CallRead:
			step, _ := saga.CutInstance(e.Step)
			r.called[f.file.ServiceOf(step)]++
			r.took[step] = r.took[step] || e.Direction == saga.Action
			r.last = &h.Events[i]
		case history.SagaStatus:
			r.status, r.word = e.Status, e.Word
		case history.SagaRefused, history.SagaUnknown:
			r.no = &h.Events[i]
		}
	}
	return r
}

// unheard are the requests that a service answered with 202, as if it were to tell more later,
// where nothing is to be told later, and nothing was: each once, in order.
func unheard(h *history.History) (requests []string) {
	told := map[string]bool{}
	for _, e := range h.Events {
		if e.Kind == history.CallBack {
			told[e.Step] = true
		}
	}
	sent := map[string]string{}
	for _, e := range h.Events {
		switch call := fmt.Sprint(e.Saga, e.Operation().Ref(), e.Attempt); {
		case e.Kind == history.CallSent && e.Request != nil:
			target, _, _ := strings.Cut(e.Request.Target, "?")
			sent[call] = e.Request.Method + " " + target
		case e.Kind == history.CallAnswered && e.Code == http.StatusAccepted && !e.Pending && !told[e.Step]:
			if r := sent[call]; r != "" && !slices.Contains(requests, r) {
				requests = append(requests, r)
			}
		}
	}
	return requests
}

// sound says what is wrong with a run without faults; nil: it shows the whole workflow.
func (f *flow) sound(h *history.History) error {
	r := f.firstRun(h)
	var errs []error
	if r.status != saga.Completed {
		errs = append(errs, r.unfinished())
	}
	if len(r.called) == 0 {
		return errors.Join(append(errs, errors.New("the workflow called nothing: do its addresses point to ${service.NAME}?"))...)
	}
	for _, name := range slices.Sorted(maps.Keys(f.file.Services)) {
		if s := f.file.Services[name]; r.called[name] == 0 && !s.Optional && len(s.Operations) > 0 {
			errs = append(errs, fmt.Errorf("services.%s: no call reached it%s", name, f.whyUncalled(name, r)))
		}
	}
	for _, s := range f.file.Steps {
		if !r.took[s.Name] && !s.Optional {
			errs = append(errs, fmt.Errorf("steps: %s: no call of it: expected one, or optional: true", s.Name))
		}
	}
	return errors.Join(errs...)
}

// keyless are the services whose calls have no key, though the file says where it stands: an
// expression that is misspelt gives nothing, and each repeat would be another call.
func (f *flow) keyless(h *history.History) (services []string) {
	keys := map[string]bool{}
	for _, e := range h.Events {
		if e.Kind == history.CallReceived { // by the expression
			step, _ := saga.CutInstance(e.Step)
			service := f.file.ServiceOf(step)
			keys[service] = keys[service] || e.Key != ""
		}
	}
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		if !keys[name] && f.file.Keyed(name) {
			services = append(services, name)
		}
	}
	return services
}

// whyUncalled is what may be the reason for it that a service was not called, in words.
func (f *flow) whyUncalled(name string, r firstRun) string {
	switch s := f.file.Services[name]; {
	case r.status != saga.Completed:
		return ": the workflow did not come so far"
	case s.Host != "":
		return fmt.Sprintf(": does the client of %s go through HTTPS_PROXY? (fetch of Node does with NODE_USE_ENV_PROXY=1, from Node 24 on)", s.Host)
	case s.Listen != "":
		return fmt.Sprintf(": was the workflow told that it is at %s?", s.Listen)
	}
	return fmt.Sprintf(": does its address point to ${service.%s}?", name)
}

// unfinished says how far a run came that did not complete.
func (r firstRun) unfinished() error {
	var how string
	switch {
	case r.status != "":
		how = fmt.Sprintf("it ended as %q (%q): expected completed", r.status, r.word)
	case r.no != nil && r.no.Detail != "":
		how = fmt.Sprintf("nothing of it was told: answered %d: %s", r.no.Code, r.no.Detail)
	case r.no != nil:
		how = fmt.Sprintf("nothing of it was told: asked for it, the workflow answered %d: is outcome.request right?", r.no.Code)
	default:
		how = "nothing of it was told: expected completed"
	}
	if r.last != nil {
		how += fmt.Sprintf("; the last call was %s#%d", r.last.Step, max(r.last.Attempt, 1))
	}
	if len(r.later) > 0 {
		how += fmt.Sprintf("; %s answered 202 and nothing called back: expected async, if the service tells later what became of it (docs/your-workflow.md)", strings.Join(r.later, ", "))
	}
	return errors.New(how)
}
