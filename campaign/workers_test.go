package campaign

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/results"
)

// poisonEnv is the plan whose cell kills its worker as soon as it begins.
const poisonEnv = "SAGACHECK_TEST_POISON"

// beWorker makes of the test program a worker, as sagacheck would be.
func beWorker(args []string) error {
	o := WorkOptions{Server: os.Getenv(ServerEnv)}
	f := flag.NewFlagSet("worker", flag.ContinueOnError)
	f.StringVar(&o.Run, "run", "", "")
	f.StringVar(&o.Creds, "creds", "", "")
	f.StringVar(&o.CA, "tlsca", "", "")
	f.IntVar(&o.Parallel, "parallel", 0, "")
	f.IntVar(&o.Processes, "processes", 0, "")
	if err := f.Parse(args); err != nil {
		return err
	}
	host := testHost()
	host.Say = func(line string) { fmt.Fprintln(os.Stderr, line) }
	if plan := os.Getenv(poisonEnv); plan != "" {
		host.Watch = poison(plan)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return Work(ctx, host, o)
}

func testHost() Host { return Host{Tool: "test", Command: "a test"} }

// poison is a plan of which its worker dies.
type poison string

func (poison) Begin(results.Meta, string)             {}
func (poison) Over(string)                            {}
func (poison) Judged(results.Cell, []results.Failure) {}
func (poison) LeftOut(string, int)                    {}
func (p poison) Began(cell results.CellInfo, _ *history.Recorder) {
	if cell.PlanID == string(p) {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
}

// beNATS makes of the test program a NATS server as others run it.
func beNATS(port, dir string) {
	n, err := strconv.Atoi(port)
	if err != nil {
		panic(err)
	}
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: n, JetStream: true, StoreDir: dir, NoLog: true})
	if err != nil {
		panic(err)
	}
	s.Start()
	s.WaitForShutdown()
}

// nats is a server of its own that can be killed and started again.
type natsProcess struct {
	t         *testing.T
	port, dir string
	cmd       *exec.Cmd
}

func startNATS(t *testing.T) *natsProcess {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(free.Addr().String())
	if err = errors.Join(err, free.Close()); err != nil {
		t.Fatal(err)
	}
	n := &natsProcess{t: t, port: port, dir: t.TempDir()}
	n.start()
	t.Cleanup(n.kill)
	for {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = c.Close()
			return n
		}
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
}

func (n *natsProcess) url() string { return "nats://127.0.0.1:" + n.port }

func (n *natsProcess) start() {
	n.cmd = exec.Command(os.Args[0], "nats-server", n.port, n.dir)
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := n.cmd.Start(); err != nil {
		n.t.Error(err)
	}
}

func (n *natsProcess) kill() {
	_ = n.cmd.Process.Kill()
	_ = n.cmd.Wait()
}

// workersOf are the pids of the workers that this process has started.
func workersOf(t *testing.T) (pids []int) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Error(err)
	}
	for _, dir := range all {
		stat, err1 := os.ReadFile(filepath.Join(dir, "stat"))
		args, err2 := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err1 != nil || err2 != nil { // it ended just now
			continue
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(os.Getpid()) && f[0] != "Z" && strings.Contains(string(args), "\x00worker\x00") {
			pid, _ := strconv.Atoi(filepath.Base(dir))
			pids = append(pids, pid)
		}
	}
	return pids
}

func drawnRun(t *testing.T, runs int) RunOptions {
	t.Helper()
	o := RunOptions{Settings: Defaults(), Runs: runs}
	o.Scenarios, o.Out = []string{"order"}, t.TempDir()
	return o
}

// A plan of which every worker dies is named, and the run is not green; the others are judged.
func TestACellThatKillsWorkersIsNamed(t *testing.T) {
	o := drawnRun(t, 12)
	one, err := Run(t.Context(), testHost(), o)
	if err != nil {
		t.Fatal(err)
	}
	plan := one.Run.Cells[3].PlanID
	t.Setenv(poisonEnv, plan)
	o.Workers = Workers{Local: 2, ackWait: time.Second, maxDeliver: 2}
	many, err := Run(t.Context(), testHost(), o)
	if err != nil {
		t.Fatal(err)
	}
	r := many.Run
	if len(r.LeftOut) != 1 || !strings.Contains(r.LeftOut[0].Reason, plan) || r.Totals.Cells != 11 {
		t.Errorf("%d cells, left out %+v: expected %s alone", r.Totals.Cells, r.LeftOut, plan)
	}
	if r.Summary.Exit != results.ExitUnproven || r.Summary.Outcome != results.Incomplete {
		t.Errorf("it ended %s: %q", r.Summary.Outcome, r.Summary.Reasons)
	}
}

// A failure that a worker met has its story and its history, and can be judged again.
func TestWorkersTellFailures(t *testing.T) {
	o := lostAnswer(t)
	o.Participants, o.Workers = "naive", Workers{Local: 1}
	done, err := Run(t.Context(), testHost(), o)
	if err != nil {
		t.Fatal(err)
	}
	if f := done.Run.Failures; len(f) != 1 || len(f[0].Story.Lines) == 0 || f[0].Replay == nil {
		t.Errorf("%+v", f)
	}
	again, err := Check(t.Context(), testHost(), CheckOptions{Paths: []string{done.Dir}, Properties: o.Properties, Out: o.Out})
	if err != nil {
		t.Fatal(err)
	}
	if again.Run.Totals != done.Run.Totals {
		t.Errorf("run %+v, checked %+v", done.Run.Totals, again.Run.Totals)
	}
}

// A worker that is another program, or would make another run of the same settings, takes no part.
func TestWorkersRefuse(t *testing.T) {
	server := serveQueue(t, "127.0.0.1:0")
	ctx, end := context.WithCancel(t.Context())
	var run sync.WaitGroup
	defer run.Wait()
	defer end()
	run.Go(func() {
		o := drawnRun(t, 5)
		o.Workers = Workers{Server: server.URL()}
		done, err := Run(ctx, testHost(), o)
		if err != nil || done.Run.Summary.Outcome != results.Interrupted || done.Run.LeftOut[0].Plans != 5 {
			t.Errorf("the run without workers: %v, %+v", err, done)
		}
	})
	err := Work(t.Context(), Host{Tool: "other"}, WorkOptions{Server: server.URL()})
	var failed *Error
	if !errors.As(err, &failed) || failed.Exit != results.ExitUnproven || !strings.Contains(err.Error(), "sagacheck test") {
		t.Errorf("another version: %v", err)
	}
}

// A worker that would start the orchestrator by another file takes no part either.
func TestWorkersObeyTheManifest(t *testing.T) {
	x := openSession(t, Defaults())
	system, err := x.reached()
	if err != nil {
		t.Fatal(err)
	}
	o := orders{Orchestrator: x.system.Info(), Content: x.content(), System: system}
	if err := x.obeys("r", o); err != nil {
		t.Error(err)
	}
	o.System.Digest = "another"
	if err := x.obeys("r", o); err == nil || !strings.Contains(err.Error(), "what starts the orchestrator differs") {
		t.Errorf("got %v", err)
	}
}

// Why a run of workers ended is said: that nobody is left, or what the server answered.
func TestCutWithoutWorkers(t *testing.T) {
	for _, err := range []error{limitReached("no worker is left: exit status 2"), errors.New("stream not found")} {
		if why, byUser := cutBy(t.Context(), err); why != err.Error() || byUser {
			t.Errorf("%v: %q, by the user: %t", err, why, byUser)
		}
	}
	if why, _ := cutBy(t.Context(), nil); why != "" {
		t.Errorf("a run that came to its end: %q", why)
	}
}

// What can't be is said before anything runs.
func TestWorkersAreChecked(t *testing.T) {
	for flag, c := range map[string]struct {
		change func(*RunOptions)
		exit   int
	}{
		"--workers":   {func(o *RunOptions) { o.Workers.Local = -1 }, results.ExitUsage},
		"--workflow":  {func(o *RunOptions) { o.Workers.Local, o.Workflow = 1, "workflow.yaml" }, results.ExitUsage},
		"--listen":    {func(o *RunOptions) { o.Workers.Listen, o.Workers.Server = "127.0.0.1:0", "nats://127.0.0.1:1" }, results.ExitUsage},
		"--creds":     {func(o *RunOptions) { o.Workers.Local, o.Workers.Creds = 1, "some.creds" }, results.ExitUsage},
		"127.0.0.1:1": {func(o *RunOptions) { o.Workers.Server = "nats://127.0.0.1:1" }, results.ExitSystem},
		"nowhere":     {func(o *RunOptions) { o.Workers.Listen = "nowhere" }, results.ExitSystem},
	} {
		t.Run(flag, func(t *testing.T) {
			o := drawnRun(t, 1)
			c.change(&o)
			_, err := Run(t.Context(), testHost(), o)
			var failed *Error
			if !errors.As(err, &failed) || failed.Exit != c.exit || !strings.Contains(err.Error(), flag) {
				t.Errorf("got %v: expected exit %d and %q", err, c.exit, flag)
			}
		})
	}
}

// An exploration learns from what workers tell: the next level follows from the one before.
func TestWorkersExplore(t *testing.T) {
	o := ExploreOptions{Settings: Defaults(), Depth: 1, MaxPlans: 25}
	o.Scenarios, o.Out = []string{"single-step"}, t.TempDir()
	one, err := Explore(t.Context(), testHost(), o)
	if err != nil {
		t.Fatal(err)
	}
	o.Workers = Workers{Local: 2}
	many, err := Explore(t.Context(), testHost(), o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(one.Run.Coverage.Plans, many.Run.Coverage.Plans); diff != "" || many.Run.Totals.Cells < 20 {
		t.Errorf("%d cells; in one process (-), by workers (+):\n%s", many.Run.Totals.Cells, diff)
	}
}
