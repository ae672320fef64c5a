package orchestrators

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sagacheck/sagacheck/history"
)

// Options are how an orchestrator is started.
type Options struct {
	// Dir is where the folder of this start (data, logs) is made; empty: the
	// system's folder for temporary files.
	Dir string
	// Keep leaves that folder there after Stop.
	Keep bool
	// Logs tells at Stop to which new folder the logs are copied before that folder goes; nil, or empty: they go with it.
	Logs func() string
	// Args are added to the command of the first process (or of the container):
	// planted defects, another store.
	Args []string
	// Self is the sagacheck program for ${self}; empty: SAGACHECK_SELF, or the
	// program that runs.
	Self string
	// Vars are templates besides those of a manifest: ${service.payments}.
	Vars map[string]string
	// Env is added to the environment of each process, which may say otherwise.
	Env map[string]string
	// Files of this machine are what Env speaks of: a container finds them under the same
	// paths.
	Files []string
	// Speak makes the client of a system with an API of its own, for a base URL; nil: as
	// the manifest says.
	Speak func(base string, call Caller) Client
	// Supplied lists what of its calls does not come from the system itself.
	Supplied []string
	// Log gets a few lines about what is started and where its logs are; nil: none.
	Log io.Writer
}

// Caller sends one request and reads the whole answer, as a [Client] has to: one that
// must not be repeated is never silently sent again. The error is about the connection.
type Caller func(ctx context.Context, method, url string, header http.Header, body []byte) (Answer, error)

// Start starts an orchestrator by its name or the path of its manifest (see
// FindManifest) and returns when it is ready. It must be installed. Several may
// start at the same time.
func Start(ctx context.Context, name string, o Options) (System, error) {
	m, err := FindManifest(name)
	if err != nil {
		return nil, err
	}
	return m.Start(ctx, o)
}

// Start starts the orchestrator; see the function Start.
func (m *Manifest) Start(ctx context.Context, o Options) (System, error) {
	engine, ok, err := m.Installed()
	if err == nil && !ok {
		err = fmt.Errorf("is not installed: run sagacheck orchestrators install %s", m.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("orchestrator %s: %w", m.Name, err)
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	s := &started{manifest: m, keep: o.Keep, logs: o.Logs, sender: newSender(), speak: o.Speak, supplied: o.Supplied, env: o.Env}
	if err = s.prepare(engine, o); err == nil {
		err = s.up(ctx)
	}
	if err != nil {
		s.failed = ctx.Err() == nil
		limit := 2 * stopGrace
		if ctx.Err() != nil { // interrupted: nobody waits for it to end in order
			limit = time.Second
		}
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
		defer cancel()
		return nil, errors.Join(fmt.Errorf("orchestrator %s: %w", m.Name, err), s.Stop(stopCtx))
	}
	fmt.Fprintf(o.Log, "%s at %s, data and logs in %s\n", strings.TrimSpace(m.Name+" "+m.Version), s.Base(), s.dir)
	return s, nil
}

// unit is a process or a container of a system.
type unit interface {
	start(ctx context.Context) error
	kill(ctx context.Context) error
	pause(ctx context.Context) error
	resume(ctx context.Context) error
	stop(ctx context.Context) error
	died() error
	ready(ctx context.Context, v vars, w *sender) error
	crashable() bool
}

// started is a system of ours: its processes or its container.
type started struct {
	lookout  // of what runs already, if none of its processes is ours
	manifest *Manifest
	keep     bool
	logs     func() string // see Options
	failed   bool          // it never got ready
	sender   *sender
	dir      string
	vars     vars
	drawn    []int
	proxies  []fronted
	base     string
	ids      sync.Map

	translator *translator // nil: none is needed
	speak      func(base string, call Caller) Client
	supplied   []string
	env        map[string]string
	hearing    *Hearing // nil: nobody knows how to

	said   string // when it started, by its own word at its last start; empty: it does not say
	killed bool   // and not restarted since

	mu    sync.Mutex // one of start, kill, restart, stop at a time
	units []unit
}

var (
	_ System  = (*started)(nil)
	_ Paced   = (*started)(nil)
	_ Watched = (*started)(nil)
)

// prepare draws the ports, makes the folder, and the units.
func (s *started) prepare(engine string, o Options) error {
	dir, err := os.MkdirTemp(o.Dir, "sagacheck-"+s.manifest.Name+"-*")
	if err != nil {
		return err
	}
	s.dir = dir
	data, logs := filepath.Join(dir, "data"), filepath.Join(dir, logsDir)
	if err := errors.Join(os.Chmod(dir, 0o755), os.Mkdir(data, 0o755), os.Mkdir(logs, 0o755)); err != nil {
		return err
	}
	if engine == "" { // it comes inside the program: containers are built from files
		engine = filepath.Join(dir, "engine")
		if err := s.manifest.source.copyTo(engine); err != nil {
			return err
		}
	}
	self, err := selfPath(o.Self)
	if err != nil {
		return err
	}
	s.vars = s.manifest.places(engine)
	s.vars["dir"], s.vars["self"] = data, self
	maps.Copy(s.vars, o.Vars)
	if err := errors.Join(s.address(), s.hear()); err != nil {
		return err
	}
	s.hearing.place(s.vars, logs)
	s.base = s.vars.fill(s.manifest.Base)
	if m := s.manifest.Mapping; m != nil && m.Calls != nil {
		if s.translator, err = startTranslator(m.Calls); err != nil {
			return err
		}
	}
	if seed := s.manifest.Seed; seed != "" {
		if err := os.CopyFS(data, os.DirFS(filepath.Join(engine, seed))); err != nil {
			return fmt.Errorf("seed: %w", err)
		}
	}
	if err := s.Define(placeholder); err != nil && !errors.Is(err, ErrNoDefinitions) {
		return fmt.Errorf("definitions: %w", err)
	}
	if s.manifest.Container != nil {
		s.units = []unit{s.newContainer(engine, o)}
		return nil
	}
	for i, p := range s.manifest.Processes {
		if i == 0 {
			p.Command = slices.Concat(p.Command, o.Args)
		}
		s.units = append(s.units, s.newProcess(p, logs))
	}
	return nil
}

// address draws the ports and starts the proxies.
func (s *started) address() error {
	for _, name := range s.manifest.ports() {
		port, err := s.drawPort()
		if err != nil {
			return err
		}
		s.vars["port."+name] = fmt.Sprint(port)
	}
	for _, spec := range s.manifest.Proxies {
		port, err := s.drawPort()
		if err != nil {
			return err
		}
		p, err := front(spec, port, s.vars.fill(spec.Upstream))
		if err != nil {
			return err
		}
		s.proxies = append(s.proxies, p)
		s.vars["proxy."+spec.Name] = p.Addr()
	}
	return nil
}

func (s *started) drawPort() (int, error) {
	port, err := ports.draw()
	if err == nil {
		s.drawn = append(s.drawn, port)
	}
	return port, err
}

func selfPath(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	if env := os.Getenv("SAGACHECK_SELF"); env != "" {
		return env, nil
	}
	return os.Executable()
}

func (s *started) newProcess(p Process, logs string) *process {
	dir := s.vars.fill(p.Dir)
	if dir == "" {
		dir = s.vars["dir"]
	}
	return &process{
		spec: p,
		argv: s.vars.fillAll(p.Command),
		env:  append(vars{}.fillEnv(s.env), s.vars.fillEnv(p.Env)...),
		dir:  dir,
		log:  filepath.Join(logs, p.Name+".log"),
		gone: func(how error) { s.tell(s.named(how)) },
	}
}

// up starts the units that do not run, one after the other, each when the one
// before it is ready.
func (s *started) up(ctx context.Context) error {
	for _, u := range s.units {
		if err := u.start(ctx); err != nil {
			return err
		}
		if err := u.ready(ctx, s.vars, s.sender); err != nil {
			return err
		}
	}
	limit := time.Minute
	if len(s.units) == 0 { // it runs already, or does not
		limit = probeTimeout
		s.over(ctx, s.base, func(context.Context) error { return notListening(s.base) })
	}
	var err error
	s.said, err = s.await(ctx, limit)
	return err
}

func (s *started) Info() history.Orchestrator {
	caps := slices.Sorted(slices.Values(slices.Concat(s.manifest.Capabilities, s.manifest.Telemetry.says())))
	return history.Orchestrator{Name: s.manifest.Name, Version: s.manifest.Version, Capabilities: caps, Unable: s.manifest.unable(), Supplied: append(s.manifest.supplied(), s.supplied...)}
}

// Fill puts the values of the manifest's templates into a text.
func (s *started) Fill(text string) string { return s.vars.fill(text) }

func (s *started) Base() string { return s.base }

func (s *started) Pace() Pace {
	m := s.manifest
	return Pace{Scale: m.TimeScale, Quiet: time.Duration(m.QuietMS) * time.Millisecond, Parallel: m.Parallel, Cells: m.Cells}
}

func (s *started) Client(base string) Client {
	if m := s.manifest.Mapping; m != nil {
		return newMapped(m, base, s.sender, &s.ids, s.translator)
	}
	if s.speak != nil {
		return s.speak(base, s.sender.ask)
	}
	return newContract(base, s.sender)
}
