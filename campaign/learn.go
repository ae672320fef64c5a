package campaign

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/lint"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/saga"
	"github.com/sagacheck/sagacheck/workflows"
	"github.com/sagacheck/sagacheck/workflows/learn"
)

// LearnOptions are those of [Learn].
type LearnOptions struct {
	Out      string            // the file that is written
	Force    bool              // overwrite it
	Name     string            // of the workflow; empty: that of the file
	Services map[string]string // real services or stubs of them: name → URL
	Listen   map[string]string // addresses that a running system was told: name → host:port
	Hosts    map[string]string // names by which the workflow calls services, through a forward proxy: name → host
	Env      map[string]string // of the command; the name of a service stands for its address
	Command  []string          // that starts the workflow; none: it runs already
	Ready    string            // path or URL that answers when it is ready; empty: its port is open
	Start    string            // METHOD URL BODY
	Outcome  string            // METHOD URL, with ${id}
	Starts   int               // without a fault
	Quiet    time.Duration     // how long all must be silent at the end of a start
	Limit    time.Duration     // how long a start may take
}

// Learnt is what came of it.
type Learnt struct {
	File    string
	Missing []string // lines that the file needs before it can be run
}

// DefaultLearn are the options with their defaults.
func DefaultLearn() LearnOptions {
	return LearnOptions{Out: "workflow.yaml", Starts: 3, Quiet: time.Second, Limit: 20 * time.Second}
}

// serviceLimit is how long services that were started beside it may take to listen.
const serviceLimit = 5 * time.Second

// Learn runs a workflow in front of real services, refuses and loses its calls in turn, and
// writes the first draft of its file.
func Learn(ctx context.Context, host Host, o LearnOptions) (*Learnt, error) {
	setup, err := o.setup()
	if err != nil {
		return nil, usage(err)
	}
	recorder, err := learn.NewRecorder(o.Services, o.Listen, o.Hosts)
	if err != nil {
		return nil, usage(err)
	}
	defer func() { _ = recorder.Close() }() // all calls are over
	recorder.Await(ctx, serviceLimit)
	began := time.Now()
	system, stop, err := o.system(ctx, host, setup, recorder)
	if err != nil {
		return nil, trouble(err)
	}
	setup.Began = time.Since(began)
	l := &learner{host: host, o: o, setup: setup, recorder: recorder, base: setup.Base, system: system}
	if system != nil {
		l.base = system.Base()
	}
	err = errors.Join(l.all(ctx), stop())
	if err != nil {
		if ctx.Err() != nil {
			return nil, &Error{results.ExitInterrupted, errors.New("interrupted: nothing was written")}
		}
		return nil, trouble(err)
	}
	return l.write()
}

// write writes the draft, if it is one that can be read.
func (l *learner) write() (*Learnt, error) {
	file, missing := learn.Write(l.setup, l.record)
	file, err := lint.Noted(l.o.Out, file)
	if err != nil {
		return nil, trouble(fmt.Errorf("the draft is no workflow, and was not written: %w", err))
	}
	if err := l.o.free(); err != nil { // somebody else may have written it meanwhile
		return nil, usage(err)
	}
	if err := results.WriteFile(l.o.Out, file); err != nil {
		return nil, usage(err)
	}
	return &Learnt{l.o.Out, missing}, nil
}

// free tells whether the file may be written.
func (o LearnOptions) free() error {
	if _, err := os.Lstat(o.Out); err == nil && !o.Force {
		return fmt.Errorf("--out: %s is there already: --force overwrites it", o.Out)
	}
	return nil
}

var (
	target   = regexp.MustCompile(`(?s)^([A-Z]+) (https?://([^/\s]+))(/\S*)?(?:\s+(.*))?$`)
	portName = regexp.MustCompile(`:([A-Z][A-Z0-9_]*)$`)
)

// address is METHOD URL BODY, read.
type address struct{ request, base, body string }

func readAddress(flag, text string) (address, error) {
	m := target.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return address{}, fmt.Errorf("%s: %q: expected a method, a URL and, if there is one, a body: POST http://127.0.0.1:8080/orders {…}", flag, text)
	}
	path := m[4]
	if path == "" {
		path = "/"
	}
	return address{request: m[1] + " " + path, base: m[2], body: m[5]}, nil
}

// setup is what the options say of the file.
func (o *LearnOptions) setup() (learn.Setup, error) {
	none := learn.Setup{}
	if len(o.Services) == 0 {
		return none, errors.New("--service: expected at least one NAME=URL: a service that the workflow calls, or a stub of it")
	}
	if o.Starts < 2 {
		return none, fmt.Errorf("--starts: %d: expected 2 or more: from one nobody can tell what differs", o.Starts)
	}
	for name := range o.Listen {
		if o.Services[name] == "" {
			return none, fmt.Errorf("--listen: %q: expected one of the services: %s", name, strings.Join(slices.Sorted(maps.Keys(o.Services)), ", "))
		}
	}
	if err := errors.Join(o.hosts(), o.free()); err != nil {
		return none, err
	}
	start, err := readAddress("--start", o.Start)
	if err != nil {
		return none, err
	}
	outcome, err := readAddress("--outcome", o.Outcome)
	if err != nil {
		return none, err
	}
	if !strings.Contains(outcome.request+outcome.body, "${id}") {
		return none, fmt.Errorf("--outcome: %q: expected ${id} in it, which stands for the id in the answer to the start: GET %s/orders/${id} (in single quotes, as the shell has a meaning for $)", o.Outcome, start.base)
	}
	if outcome.base != start.base {
		return none, fmt.Errorf("--outcome: %q: expected the host and port of --start, %s", outcome.base, start.base)
	}
	s := learn.Setup{
		Name: o.Name, Env: map[string]string{}, Base: start.base, Start: start.request, Body: learn.JSON([]byte(start.body)),
		Outcome: outcome.request, Listen: o.Listen, Hosts: o.Hosts, Services: o.Services, Headers: map[string]string{},
	}
	if s.Name == "" {
		s.Name = nameOf(o.Out)
	}
	for k, v := range o.Env {
		if o.Services[v] != "" {
			v = "${service." + v + "}"
		}
		s.Env[k] = v
	}
	if m := portName.FindStringSubmatch(s.Base); m != nil {
		s.Base = strings.TrimSuffix(s.Base, m[1]) + "${port.http}"
		s.Env[m[1]] = "${port.http}"
	}
	if o.Ready != "" {
		s.Ready = o.Ready
		if strings.HasPrefix(o.Ready, "/") {
			s.Ready = s.Base + o.Ready
		}
	}
	if err := o.command(&s); err != nil {
		return none, err
	}
	return s, o.places(s)
}

// nameOf is the name of a workflow whose file has this path.
func nameOf(file string) string {
	name, _, _ := strings.Cut(filepath.Base(file), ".")
	name = strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-"), "-")
	if name == "" {
		return "workflow"
	}
	return name
}

// system starts the workflow, which is told the addresses of the recorder; nil: it runs already.
func (o *LearnOptions) system(ctx context.Context, host Host, s learn.Setup, r *learn.Recorder) (system orchestrators.System, stop func() error, err error) {
	if len(o.Command) == 0 {
		return nil, func() error { return nil }, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return nil, nil, err
	}
	p := orchestrators.Process{
		Name: s.Name, Env: s.Env, Crashable: true,
		Ready: orchestrators.Ready{URL: s.Ready, TimeoutMS: int(o.readyLimit().Milliseconds())},
	}
	for _, word := range o.Command {
		p.Command = append(p.Command, workflows.Beside(dir, word))
	}
	if s.Ready == "" {
		p.Ready.TCP = strings.TrimPrefix(s.Base, "http://")
	}
	m := orchestrators.InFolder(orchestrators.Manifest{Name: s.Name, Base: s.Base, Processes: []orchestrators.Process{p}}, dir)
	vars := map[string]string{}
	for name := range o.Services {
		vars["service."+name] = r.Addr(name)
	}
	env, clean, err := told(r, vars)
	if err != nil {
		return nil, nil, err
	}
	waiting := time.AfterFunc(sayAfter, func() { host.say("%s", o.waits(s)) })
	system, err = m.Start(ctx, orchestrators.Options{
		Vars: vars, Env: env, Log: host.output(), Speak: func(string, orchestrators.Caller) orchestrators.Client { return silent{} },
	})
	waiting.Stop()
	if err != nil {
		return nil, nil, errors.Join(o.unready(s, err), clean())
	}
	return system, func() error {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopLimit)
		defer cancel()
		return errors.Join(system.Stop(end), clean())
	}, nil
}

// stopLimit is how long a workflow that was learnt may take to end.
const stopLimit = 30 * time.Second

// silent is the client of a system that is not spoken to by a contract.
type silent struct{}

var errSilent = errors.New("a workflow that is learnt is handed no saga")

func (silent) Submit(context.Context, saga.Definition) (int, error) { return 0, errSilent }
func (silent) Report(context.Context, string) (saga.Report, int, error) {
	return saga.Report{}, 0, errSilent
}
func (silent) Compensate(context.Context, string) (int, error) { return 0, errSilent }
func (silent) Ready(context.Context) error                     { return nil }
