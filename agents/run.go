package agents

import (
	"context"
	"fmt"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// maxSeed is the largest whole number that every reader of JSON reads as it is.
const maxSeed = 1 << 53

// cellArguments are what all tools are told that run cells: flags of their commands.
type cellArguments struct {
	Workflow     string   `json:"workflow,omitempty" jsonschema:"file of a workflow of your own, which is started as it says and tested in the place of scenarios and an orchestrator"`
	Orchestrator string   `json:"orchestrator,omitempty" jsonschema:"system under test: reference (the default), the name or path of a manifest, or the URL of one that speaks the contract"`
	WaitFor      string   `json:"wait_for,omitempty" jsonschema:"URL that has to answer first, up to a minute"`
	Property     []string `json:"property,omitempty" jsonschema:"only properties that match these globs, and none that matches one behind a !; what is left out is not judged"`
	Participants string   `json:"participants,omitempty" jsonschema:"protection of the services: naive, keyed or fenced (the default)"`
	Defect       []string `json:"defect,omitempty" jsonschema:"planted defects of the reference executor or its services to switch on, to see that they are found"`
	Seed         int64    `json:"seed,omitempty" jsonschema:"of everything that is drawn (default 1): the same seed gives the same plans"`
	Parallel     int      `json:"parallel,omitempty" jsonschema:"sagas at once; fewer on a busy machine, where a verdict is vacuous or inconclusive"`
	Settle       string   `json:"settle,omitempty" jsonschema:"how long after the last fault a saga may take to end, for example 20s"`
	MaxTime      string   `json:"max_time,omitempty" jsonschema:"end after this time, for example 90s or 10m; what was not run then makes it incomplete"`
	Out          string   `json:"out,omitempty" jsonschema:"folder for reports and histories (default sagacheck-out)"`
}

// scenarioArguments are those of tools that choose what is run, and judge findings.
type scenarioArguments struct {
	Scenario    []string `json:"scenario,omitempty" jsonschema:"only scenarios that match these globs, or paths of scenario files (default: all)"`
	Pack        []string `json:"pack,omitempty" jsonschema:"scenarios of packs in the place of the catalogue: names (payments, bookings) or folders"`
	MaxFailures *int     `json:"max_failures,omitempty" jsonschema:"end after so many cells that break the same properties with nothing new among them; 0: no limit"`
	Replays     *int     `json:"replays,omitempty" jsonschema:"how often to replay each finding, to tell how often it comes back"`
	Shrink      *bool    `json:"shrink,omitempty" jsonschema:"shrink the first failure of each property to the smallest plan that still fails"`
}

type runArguments struct {
	cellArguments
	scenarioArguments
	Plan       string `json:"plan,omitempty" jsonschema:"file of a plan (faults: a list of kind and at, such as {kind: lose, at: charge#1@response}), which is then the only one"`
	Runs       *int   `json:"runs,omitempty" jsonschema:"how many drawn plans, over all scenarios (default 200)"`
	Curated    *bool  `json:"curated,omitempty" jsonschema:"also the curated plans: every kind of fault at each of its phases (default true)"`
	DrawnSagas int    `json:"drawn_sagas,omitempty" jsonschema:"how many random scenarios to run beside the others"`
}

type exploreArguments struct {
	cellArguments
	scenarioArguments
	Depth    int    `json:"depth,omitempty" jsonschema:"how many faults a plan may have (default 1)"`
	MaxPlans int    `json:"max_plans,omitempty" jsonschema:"run so many plans at the most"`
	Resume   string `json:"resume,omitempty" jsonschema:"file explore.jsonl of an exploration that was cut off, to go on with"`
	Operator bool   `json:"operator,omitempty" jsonschema:"also have operators ask for a rollback, a retry, a pause at every failure point"`
}

type replayArguments struct {
	cellArguments
	File  string `json:"file" jsonschema:"file of the finding" flag:"-"`
	Times *int   `json:"times,omitempty" jsonschema:"how often (default 1)"`
}

func (s *server) run(ctx context.Context, req *mcp.CallToolRequest, in runArguments) (outcome, error) {
	return s.cells(ctx, req, in.cellArguments, append([]string{"run"}, flags(in)...))
}

func (s *server) explore(ctx context.Context, req *mcp.CallToolRequest, in exploreArguments) (outcome, error) {
	return s.cells(ctx, req, in.cellArguments, append([]string{"explore"}, flags(in)...))
}

func (s *server) replay(ctx context.Context, req *mcp.CallToolRequest, in replayArguments) (outcome, error) {
	args := append([]string{"replay"}, flags(in)...)
	out, err := s.cells(ctx, req, in.cellArguments, append(args, "--", in.File))
	if err == nil {
		out.Replays = &replays{Failed: out.violated, Of: out.ran}
	}
	return out, err
}

// cells carries out a command that runs cells, when it is its turn.
func (s *server) cells(ctx context.Context, req *mcp.CallToolRequest, in cellArguments, args []string) (outcome, error) {
	if in.Seed < 0 || in.Seed > maxSeed {
		return outcome{}, fmt.Errorf("seed %d: expected a number from 1 to %d", in.Seed, maxSeed)
	}
	ctx, cancel := s.until(ctx)
	defer cancel()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return outcome{}, fmt.Errorf("cancelled while another run was under way: it was not begun")
	}
	told, end := follow(ctx, req)
	defer end()
	said := &notes{}
	e := s.Do(ctx, args, Listener{Say: said.add, Progress: told.begin})
	if e.Done == nil {
		return outcome{}, s.failed(e)
	}
	if e.Err != nil { // there is a run, but not all of its reports
		said.add(e.Err.Error())
	}
	o := s.outcomeOf(e.Done.Run, mostFindings)
	o.Command, o.Exit = e.Command, e.Exit
	o.Notes, o.LeftOut.Notes = said.all(s.Bare)
	return o, nil
}

// mostNotes is how many of the lines that a person should know are told: the last ones.
const mostNotes = 8

// notes are what a command says while it goes on.
type notes struct {
	mu    sync.Mutex
	lines []string
}

func (n *notes) add(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, line)
}

func (n *notes) all(bare func(string) string) (last []string, leftOut int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	leftOut = max(0, len(n.lines)-mostNotes)
	for _, line := range n.lines[leftOut:] {
		last = append(last, bare(line))
	}
	return last, leftOut
}
