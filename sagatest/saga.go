package sagatest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/workflows"
)

// Saga is the code of a saga, and what it is to do.
type Saga struct {
	// Name of the saga, in reports; lower-case letters, digits and hyphens. Default: saga.
	Name string
	// Steps of the saga, in their order.
	Steps []Step
	// Workflow is the file of a workflow in place of Steps. Of it the services, the steps, the
	// promises and the body of the start count. A service is called by its host, or by its name.
	Workflow string
	// Start is the saga's code. It is asked to do all steps, or none: nil says that all is
	// done, an error that all is undone again (see Status).
	Start Start
	// Open is given in place of Start where the saga has a store that outlives its process: it
	// makes an empty store, and the code on it. When a plan kills the process, its calls never
	// return, and the same code is called again, with the same input: it goes on with what it
	// finds in its store. The context of the killed code goes on, as nobody tells a dead process;
	// what it does besides its calls (a goroutine that renews a lease) goes on as well, up to its
	// next call. Without Open nothing is killed.
	// It is called once for each plan, and what it gives to Cleanup is called after it, in the
	// bubble of the plan: that closes the store.
	Open func(t testing.TB) Start
	// Status says what an end of the code (nil included) means: saga.Completed,
	// saga.Compensated, or saga.Stuck where a person is needed. Default: an error is
	// saga.Compensated.
	Status func(err error) saga.Status
	// Participants is how the services protect themselves: naive, keyed, or fenced (the
	// default), see participants.Profile. A workflow's file may say it for each.
	Participants participants.Profile
	// Services are handlers of your own in the place of stand-ins, by the host that the code calls:
	// "payments". Each function is called once for each plan, in its bubble, since what a service
	// remembers of one plan must not decide what becomes of the next; what it gives to Cleanup is
	// called after the plan. What such a service did is what its answers say: see EffectID, and
	// Answer of a Step. In the file of a Workflow it is a service with upstream, whose address is
	// not called here.
	Services map[string]func(t testing.TB) http.Handler
	// Properties to judge, as globs; none: all.
	Properties []string
	// Settle is how long after the last fault the saga may take to end, in virtual time.
	// Default: 5 minutes.
	Settle time.Duration
}

// Start is the code of a saga. All its calls go through the client.
type Start = func(ctx context.Context, client *http.Client, in Input) error

// Input is what a saga is started with. It is the same each time that the saga is started
// again.
type Input struct {
	ID   string // of the saga
	Body []byte // of the start, as the workflow's file says it; nil: it says none
}

// Step is one step of a saga.
type Step struct {
	// Name is unique; lower-case letters, digits and hyphens.
	Name string
	// Do is the request that does it, with what varies in braces: POST http://payments/charges.
	Do string
	// Undo is the request that undoes it, at the same host; empty: nothing does. A parameter of
	// its path is that of Do's path of the same name, or else the id that the answer to Do had;
	// without one (and without Which), it undoes whatever the step did.
	Undo string
	// Which is an expression over request and action that is true for the action that Undo
	// undoes, where its path does not say it: request.body.charge == action.id.
	Which string
	// When is an expression over request that tells apart steps with the same Do:
	// request.body.kind == "hotel". UndoWhen is one for Undo.
	When, UndoWhen string
	// Kind of the step; empty: saga.Compensatable. A step without Undo says one: saga.Pivot or
	// saga.Retriable where no saga may end compensated with it, saga.Compensatable where it may
	// stay.
	Kind saga.Kind
	// After names the steps that must have succeeded before this one starts; nil: the one
	// before it.
	After []string
	// Optional: not every saga takes it; one may go on without it where it was refused, or undone.
	Optional bool
	// Answer is the body of the answer to Do, as JSON; its texts are templates, as in the file
	// of a workflow. Default: {"id": "${new.id}"} where Undo needs the id, else {}. Of the answers of
	// a service of your own (Services) it says where these name what was done: ${new.id}.
	Answer any
	// UndoAnswer is that of the answer to Undo. Default: {}.
	UndoAnswer any
	// Code of the answer to Do. Default: 200.
	Code int
}

// defaultSettle is Settle where nobody says it.
const defaultSettle = 5 * time.Minute

// program is a saga that can be run.
type program struct {
	Saga
	flow  *workflows.Workflow
	hosts map[string]string // → service
	steps []saga.Step       // as they were seen to be

	doubts   map[doubt]bool  // about what Services did
	unjudged map[string]bool // what of Services no fault strikes, or no checker judges, in words
}

// compile checks a saga.
func (s Saga) compile() (*program, error) {
	p := &program{Saga: s, hosts: map[string]string{}, doubts: map[doubt]bool{}, unjudged: map[string]bool{}}
	p.Name = cmp.Or(s.Name, "saga")
	p.Settle = cmp.Or(s.Settle, defaultSettle)
	p.Participants = cmp.Or(s.Participants, participants.Fenced)
	if _, err := participants.ParseProfile(string(p.Participants)); err != nil {
		return nil, err
	}
	if (s.Start == nil) == (s.Open == nil) {
		return nil, errors.New("expected either Start or Open")
	}
	if (s.Workflow == "") == (len(s.Steps) == 0) {
		return nil, errors.New("expected either Steps or Workflow")
	}
	var err error
	if s.Workflow != "" {
		p.flow, err = workflows.Load(s.Workflow)
	} else {
		p.flow, err = p.written()
	}
	if err != nil {
		return nil, err
	}
	if err := p.supported(); err != nil {
		return nil, err
	}
	return p, p.served()
}

// supported refuses what a file may say and memory can't do, and finds the hosts.
func (p *program) supported() error {
	for name, s := range p.flow.Services {
		host := strings.ToLower(cmp.Or(s.Host, name))
		if p.Workflow != "" {
			p.hosts[host] = name
		}
		if s.Upstream != "" && p.Workflow != "" && !p.serves(host) {
			return fmt.Errorf("services.%s.upstream: a real service is reached through a socket: expected a handler of yours in its place, in Services under %q, or no upstream", name, host)
		}
	}
	if called := p.flow.Callbacks(); len(called) > 0 {
		return fmt.Errorf("async of %s: a service calls back through a socket: expected it without", strings.Join(called, ", "))
	}
	if polled := p.flow.Polled(); len(polled) > 0 {
		return fmt.Errorf("async of %s: what a service tells later is for sagacheck run: expected it without", strings.Join(polled, ", "))
	}
	return nil
}

// param is a parameter of a path.
var param = regexp.MustCompile(`\{([^{}]+)\}`)

// written is the steps as the file of a workflow has them.
func (p *program) written() (*workflows.Workflow, error) {
	services, steps := map[string]any{}, []any{}
	for _, s := range p.Steps {
		host, do, err := request(s.Do)
		if err != nil {
			return nil, fmt.Errorf("step %q: Do: %w", s.Name, err)
		}
		if s.Undo == "" && s.Kind == "" {
			return nil, fmt.Errorf("step %s: nothing undoes it: expected its Kind: saga.Pivot or saga.Retriable (no saga may end compensated with it), or saga.Compensatable (it may stay)", s.Name)
		}
		service := strings.NewReplacer(".", "-", ":", "-").Replace(host)
		p.hosts[host] = service
		at, _ := services[service].(map[string]any)
		if at == nil {
			at = map[string]any{}
			services[service] = at
		}
		at[s.Name] = operation(do, s.When, map[string]any{"answer": s.answer()})
		step := map[string]any{"name": s.Name, "do": service + "." + s.Name, "optional": s.Optional}
		if s.Kind != "" {
			step["kind"] = s.Kind
		}
		if s.After != nil {
			step["after"] = s.After
		}
		if s.Undo != "" {
			undo, err := s.undoing(host)
			if err != nil {
				return nil, fmt.Errorf("step %q: Undo: %w", s.Name, err)
			}
			step["undo"] = service + "." + s.Name + "-undo"
			at[s.Name+"-undo"] = undo
		}
		steps = append(steps, step)
	}
	for name, operations := range services {
		services[name] = map[string]any{"operations": operations}
	}
	for host, name := range p.hosts {
		if at, _ := services[name].(map[string]any); p.serves(host) { // it was made here
			at["upstream"] = inMemory
		}
	}
	file, err := json.Marshal(map[string]any{
		"name": p.Name, "services": services, "steps": steps,
		"system": map[string]any{"base": "http://in-memory"}, "start": map[string]any{"request": "POST /"},
		"outcome": map[string]any{"request": "GET /", "status": "answer.body", "statuses": map[string]any{"done": saga.Completed}},
	})
	if err != nil {
		return nil, err
	}
	return workflows.Parse(p.Name, file)
}

// answer is the answer to Do.
func (s Step) answer() map[string]any {
	_, own := s.params()
	body := s.Answer
	switch {
	case body != nil:
	case s.Which == "" && len(own) == 0:
		body = map[string]any{}
	default:
		body = map[string]any{"id": "${new.id}"}
	}
	return map[string]any{"code": cmp.Or(s.Code, http.StatusOK), "body": body}
}

// params are the parameters of Undo's path: those that Do's has, too, and its own.
func (s Step) params() (both, own []string) {
	for _, found := range param.FindAllStringSubmatch(s.Undo, -1) {
		if strings.Contains(s.Do, found[0]) {
			both = append(both, found[1])
		} else {
			own = append(own, found[1])
		}
	}
	return both, own
}

// which is the expression for the action that is undone; empty: the undo names none.
func (s Step) which() (string, error) {
	if s.Which != "" {
		return s.Which, nil
	}
	both, own := s.params()
	if len(own) > 1 {
		return "", fmt.Errorf("%q: expected Which, which says which action it undoes by %s", s.Undo, strings.Join(own, " and "))
	}
	var all []string
	for _, name := range both {
		all = append(all, fmt.Sprintf("request.path[%q] == action.request.path[%q]", name, name))
	}
	for _, name := range own {
		all = append(all, fmt.Sprintf("request.path[%q] == action.id", name))
	}
	return strings.Join(all, " && "), nil
}

func operation(request, when string, more map[string]any) map[string]any {
	more["request"], more["saga"] = request, "only"
	if when != "" {
		more["when"] = when
	}
	return more
}

// undoing is the operation that undoes the step, at its host.
func (s Step) undoing(host string) (map[string]any, error) {
	there, undo, err := request(s.Undo)
	if err == nil && there != host {
		err = fmt.Errorf("%q: expected the host of Do", s.Undo)
	}
	if err != nil {
		return nil, err
	}
	op := map[string]any{"undoes": s.Name}
	if s.UndoAnswer != nil {
		op["answer"] = map[string]any{"body": s.UndoAnswer}
	}
	which, err := s.which()
	if which != "" {
		op["which"] = which
	}
	return operation(undo, s.UndoWhen, op), err
}

// request cuts POST http://payments/charges into the host and the request to it.
func request(text string) (host, to string, err error) {
	method, at, _ := strings.Cut(text, " ")
	u, err := url.Parse(at)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https"}, u.Scheme) {
		return "", "", fmt.Errorf("%q: expected a method and a URL: POST http://payments/charges", text)
	}
	_, path, _ := strings.Cut(strings.TrimPrefix(at, u.Scheme+"://"), "/")
	return strings.ToLower(u.Host), method + " /" + path, nil
}
