package policies

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

// selector is what a binding says of the calls that it binds.
type selector struct {
	saga, step, participant string
	direction               saga.Direction
}

func (b Binding) selector() selector {
	return selector{b.Saga, b.Step, b.Participant, b.direction()}
}

// Of is the name of the template that an operation's call follows, and why; "" if it
// follows its own policy. A template that the call names and that is not there is none.
func (f *File) Of(name string, step string, dir saga.Direction, c saga.Call) (template, why string) {
	if f == nil {
		return "", ""
	}
	if c.Policy != "" && f.Templates[c.Policy] != nil {
		return c.Policy, "the definition names it"
	}
	hostport, host := participants(c.URL)
	best := -1
	for i, b := range f.Bindings {
		if !b.fits(name, step, dir, hostport, host) {
			continue
		}
		if best < 0 || b.weight() > f.Bindings[best].weight() {
			best = i
		}
	}
	if best < 0 {
		return "", ""
	}
	return f.Bindings[best].Template, fmt.Sprintf("bindings[%d]: %s", best, f.Bindings[best])
}

// Under is the call as it is made under the file: by the template that it follows, if any. The
// participant goes by a name of its own, whatever the call's address is.
func (f *File) Under(name, step string, dir saga.Direction, participant string, c saga.Call) saga.Call {
	known := c
	known.URL = "http://" + participant + "/"
	if template, _ := f.Of(name, step, dir, known); template != "" {
		return f.Templates[template].Call(c)
	}
	return c
}

func (b Binding) fits(name, step string, dir saga.Direction, hostport, host string) bool {
	return b.direction() == dir && (b.Saga == "" || b.Saga == name) && (b.Step == "" || b.Step == step) &&
		(b.Participant == "" || b.Participant == hostport || b.Participant == host)
}

// weight orders bindings that fit the same call: no two different ones weigh the same.
func (b Binding) weight() (w int) {
	if b.Saga != "" {
		w++
	}
	if b.Participant != "" {
		w += 2
	}
	if _, _, err := net.SplitHostPort(b.Participant); err == nil {
		w += 2 // 4 in all
	}
	if b.Step != "" {
		w += 8
	}
	return w
}

// String is what it binds, in words.
func (b Binding) String() string {
	var words []string
	for _, w := range []struct{ what, which string }{{"saga", b.Saga}, {"step", b.Step}, {"participant", b.Participant}} {
		if w.which != "" {
			words = append(words, w.what+" "+w.which)
		}
	}
	if len(words) == 0 {
		words = append(words, "every call")
	}
	return strings.Join(words, ", ") + ", " + string(b.direction())
}

// participants are the names of the host of a URL, with its port and without.
func participants(address string) (hostport, host string) {
	u, err := url.Parse(address)
	if err != nil {
		return "", ""
	}
	return strings.ToLower(u.Host), strings.ToLower(u.Hostname())
}

// Call is the call as the template has it made. A nil template leaves it as it is.
func (t *Template) Call(c saga.Call) saga.Call {
	if t == nil {
		return c
	}
	c.Retry = t.Retry
	if t.Breaker != nil {
		b := *t.Breaker
		// All who share a breaker agree on its numbers, also while two versions are followed.
		b.Name = fmt.Sprintf("%s (%d failures, %d ms, %d probes)", b.Name, b.Failures, b.OpenMS, b.Probes)
		c.Breaker = &b
	}
	if t.RetryBudget != nil {
		c.RetryBudget = t.RetryBudget
	}
	return c
}

// Meaning is what an answer tells about the operation; giveUp: no attempt follows in the
// normal course. problem is the type of a problem, or "". A nil template says what the
// contract says; so does every template of answers that it does not name.
func (t *Template) Meaning(code int, h http.Header, problem string) (m saga.Answer, giveUp bool) {
	m = saga.Classify(code)
	if t == nil || m == saga.Done || code == 0 {
		return m, false
	}
	for _, e := range t.Errors {
		if !e.fits(code, h, problem) {
			continue
		}
		if e.Class == Permanent {
			return saga.Permanent, false
		}
		return saga.Transient, e.Class == GiveUp
	}
	return m, false
}
