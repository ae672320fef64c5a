package campaign

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sagacheck/sagacheck/checkers"
	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/orchestrators"
	"github.com/sagacheck/sagacheck/packs"
	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/planning"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/scenarios"
	"github.com/sagacheck/sagacheck/wire"
)

// session is one run of cells: the system under test, the harness, the judges and
// what they found.
type session struct {
	host                Host
	s                   Settings
	given               Settings // as they came: s is adapted to the system under test
	profile             participants.Profile
	scenarios           []*scenarios.Scenario
	checkers            []checkers.Checker
	orchestratorDefects []string
	rules               *participants.Rules // of the participants; nil: the right ones

	flow      *flow // the user's own workflow; nil: the scenarios
	system    orchestrators.System
	harness   *harness.Harness
	remote    *remote // workers that run the cells of runCells in its place; nil: none
	collector *results.Collector
	progress  Progress
	command   string // that the folder is named after
	started   time.Time
	dir       string
	link      string // in the folder of Out, to dir
	nonce     string
	shard     *results.Shard
	cells     int
	ability   func() planning.Ability // reads the manifest once: that takes a while
	failing   map[string]int          // failed cells of each kind
	always    map[string]bool         // properties that a cell without faults broke
	limit     error                   // that was reached by them; nil: none
	alike     *alike                  // of which few are enough
	most      int                     // plans of a comparison, a scenario; 0: all
	resting   int                     // cells that may keep a process of their own in which nothing happens
	packs     []*packs.Pack
	alone     bool // cells are run once more, alone, for clauses that are open
	travels   bool // ways that a workflow may go are run: its other cells are yet to come
	saidOpen  bool // why they are: a workflow's file has dozens of such cells, one after the other
	unjudged  unjudged
	blurred   []harness.Cell // whose faults nobody could judge for the machine's sake
	stop      context.CancelCauseFunc
	gate      *gate
	watch     func(harness.Result, []checkers.Verdict) // also told of each judged cell
}

// reruns is how often a cell is run again whose planned fault did not fire.
const reruns = 2

// open checks the settings and starts what they name. The folder of the run has the
// command in its name.
func open(ctx context.Context, host Host, s Settings, command string, shard *results.Shard) (*session, error) {
	return openFor(ctx, host, s, command, shard, func(*session) error { return nil })
}

// openFor is open where what is to be run may be refused: as soon as it is known what
// the system under test can be given, for a workflow before anything of it is started.
func openFor(ctx context.Context, host Host, s Settings, command string, shard *results.Shard, refused func(*session) error) (*session, error) {
	x, err := prepare(ctx, host, s, command, shard)
	if err != nil {
		return nil, err
	}
	if x.flow != nil {
		err = usage(refused(x))
	}
	if err == nil {
		err = x.launch(ctx)
	}
	if err == nil && x.flow == nil {
		err = usage(refused(x))
	}
	if err != nil {
		return nil, errors.Join(err, x.close())
	}
	return x, nil
}

// prepare checks the settings and makes the folder of the run: what can't be is told
// before a system is started.
func prepare(ctx context.Context, host Host, s Settings, command string, shard *results.Shard) (*session, error) {
	x := &session{host: host, s: s, given: s, shard: shard, unjudged: unjudged{}, command: command, started: time.Now()}
	x.ability = sync.OnceValue(x.findAbility)
	if _, err := interruptible(ctx, func() (any, error) { return nil, x.choose(ctx) }); err != nil {
		return nil, badInput(err)
	}
	x.nonce = nextNonce(x.started)
	dir, err := results.NewRunDir(s.Out, command, x.started)
	if err != nil {
		return nil, errors.Join(trouble(err), x.close())
	}
	x.dir, x.link = dir, results.LatestLink
	return x, nil
}

// lastNonce is the time that the last session of this process has its nonce of, in milliseconds.
var lastNonce atomic.Int64

// nextNonce is a time that no other session of this process has: the ids of cells begin with it.
func nextNonce(now time.Time) string {
	for {
		last := lastNonce.Load()
		if next := max(now.UnixMilli(), last+1); lastNonce.CompareAndSwap(last, next) {
			return strconv.FormatInt(next%(36*36*36*36*36*36), 36)
		}
	}
}

// launch starts the system under test, and all that runs cells.
func (x *session) launch(ctx context.Context) error {
	if err := x.start(ctx); err != nil {
		return err
	}
	if err := x.dropUnfit(); err != nil {
		return err
	}
	x.pace()
	x.alike = newAlike(x.s.MaxAlike, x.s.Settle)
	var err error
	x.harness, err = harness.New(harness.Options{
		System: x.system, Start: x.starter(), Parallel: x.s.Parallel, Processes: x.s.Processes, Beside: ProcessesPerCore * runtime.GOMAXPROCS(0), Resting: x.resting,
		Settle: x.s.Settle, Quiet: x.s.Quiet, Scale: x.s.Scale, Dir: filepath.Join(x.dir, results.HistoriesDir), Defects: x.orchestratorDefects,
		Watch: x.host.watcher(), Wire: x.wire(), Alone: x.flow != nil && x.flow.file.Alone() && x.starter() != nil,
	})
	if err != nil {
		return trouble(err)
	}
	var docs []checkers.Doc
	for _, k := range x.checkers {
		docs = append(docs, k.Doc())
	}
	if x.flow != nil && x.command != "replay" { // whose steps its file knows
		if err := x.learn(ctx); err != nil {
			return notStartedYet(ctx, err)
		}
	}
	system, err := x.reached()
	if err != nil {
		return usage(err)
	}
	if silent, ok := x.system.(orchestrators.Silent); ok {
		system.Silent = silent.ClaimsNothing()
		x.saySilent(system.Silent)
	}
	meta := results.Meta{
		Tool: x.host.Tool, Command: x.host.Command, Started: x.started, Seed: x.s.Seed, Orchestrator: x.system.Info(), System: system,
		Profile: string(x.profile), Properties: docs, Shard: x.shard, Content: x.content(), Sources: x.sources(), Clause: x.s.clause, Keep: x.s.Keep,
	}
	if x.host.Watch != nil {
		x.host.Watch.Begin(meta, x.dir)
		meta.Watch, meta.WatchLeftOut = x.host.Watch.Judged, x.host.Watch.LeftOut
	}
	x.collector = results.New(meta)
	return trouble(x.collector.Keep(x.dir))
}

// wire is the pool of addresses that the services of a workflow have theirs of.
func (x *session) wire() *wire.Wire {
	if x.flow == nil {
		return nil
	}
	return x.flow.wire
}

// close ends everything that the session started.
func (x *session) close() error {
	var errs []error
	if x.remote != nil {
		errs = append(errs, x.remote.close())
	}
	switch {
	case x.harness != nil:
		errs = append(errs, x.harness.Close())
	case x.flow != nil: // whose addresses no harness has got
		errs = append(errs, x.flow.wire.Close())
	}
	if x.collector == nil && x.dir != "" { // nothing ran
		errs = append(errs, results.DropEmptyRunDir(x.dir))
	}
	if x.system != nil {
		limit := 30 * time.Second
		if x.harness != nil && x.harness.Cut() {
			limit = time.Second // nobody waits for its orderly end
		}
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		errs = append(errs, x.system.Stop(ctx))
		x.tellLogs()
	}
	return errors.Join(errs...)
}

// logsDir is the folder, in that of a run, of what the system under test has logged.
const logsDir = "logs"

// logsWanted is where its logs are kept; empty: no cell failed, and nobody will look for a reason.
func (x *session) logsWanted() string {
	if len(x.failing) == 0 || x.dir == "" {
		return ""
	}
	return filepath.Join(x.dir, logsDir)
}

// tellLogs says where the logs are, if some were kept.
func (x *session) tellLogs() {
	if dir := x.logsWanted(); dir != "" {
		if _, err := os.Stat(dir); err == nil {
			x.host.say("what it logged, but for cells with a process of their own: %s", dir)
		}
	}
}
