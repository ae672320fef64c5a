package api

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sagacheck/sagacheck/internal/testpostgres"
	"github.com/sagacheck/sagacheck/reference"
	"github.com/sagacheck/sagacheck/reference/catalogue"
)

var (
	tortureKills = flag.Int("torture", 8, "how often TestTorture kills the executor")
	tortureSeed  = flag.Uint64("torture-seed", 1, "what TestTorture draws its choices from")
)

// A victim is this test binary as a server, told by its environment what to do.
const (
	victimStore = "SAGACHECK_VICTIM_STORE"
	victimAddr  = "SAGACHECK_VICTIM_ADDR"
	victimClock = "SAGACHECK_VICTIM_CLOCK" // by which its clock is wrong
	victimFull  = "SAGACHECK_VICTIM_FULL"  // whether its disk is full at first
	victimSagas = "SAGACHECK_VICTIM_SAGAS" // its file of definitions, if it has one
	victimLease = time.Second
)

func victim() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	wrong, err := time.ParseDuration(os.Getenv(victimClock))
	if err != nil {
		panic(err)
	}
	if os.Getenv(victimFull) == "true" {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Max: unix.RLIM_INFINITY}); err != nil {
			panic(err)
		}
	}
	var sagas *catalogue.Catalogue
	if file := os.Getenv(victimSagas); file != "" {
		if sagas, err = catalogue.Load(file); err != nil {
			panic(err)
		}
	}
	err = Serve(ctx, ServeOptions{
		Options: reference.Options{
			StoreDSN: os.Getenv(victimStore), Logger: slog.New(slog.NewJSONHandler(os.Stderr, nil)), Lease: victimLease,
			Clock: func() time.Time { return time.Now().Add(wrong) },
		},
		Addr: os.Getenv(victimAddr), Catalogue: sagas,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// node is a victim that is started again and again at one address.
type node struct {
	store, addr string
	sagas       string // its file of definitions; "": none
	full        bool   // its disk, at first
	log         *os.File
	cmd         *exec.Cmd
	gone        chan error
}

func (n *node) start(t *testing.T, wrong time.Duration) {
	t.Helper()
	n.cmd = exec.Command(os.Args[0], "-test.run=^$")
	n.cmd.Env = append(os.Environ(), victimStore+"="+n.store, victimAddr+"="+n.addr, victimClock+"="+wrong.String(),
		victimFull+"="+strconv.FormatBool(n.full), victimSagas+"="+n.sagas)
	n.cmd.Stdout, n.cmd.Stderr = n.log, n.log
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n.gone = make(chan error, 1)
	go func(c *exec.Cmd, gone chan error) { gone <- c.Wait() }(n.cmd, n.gone)
}

func (n *node) signal(t *testing.T, s syscall.Signal) {
	if err := n.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
}

// room is how long its files may be, in bytes: 0 is a full disk.
func (n *node) room(t *testing.T, size uint64) {
	if err := unix.Prlimit(n.cmd.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: size, Max: unix.RLIM_INFINITY}, nil); err != nil {
		t.Error(err)
	}
}

func (n *node) end(t *testing.T, s syscall.Signal) {
	n.signal(t, s)
	<-n.gone //nolint:errcheck // it was told to end
}

// torture kills the nodes of one store, and does worse in between.
type torture struct {
	*testing.T
	rng   *rand.Rand
	world *surroundings
	nodes []*node
	pg    *testpostgres.Server // nil: SQLite
}

// TestTorture: however often, and at whatever moment, the executor is killed, on either
// store, with a full disk or a store that is away, a clock that is wrong, and an owner
// that is replaced in between, every saga ends all done or all undone, each effect
// once, and no healthy one is undone.
func TestTorture(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		tormented(t, nil, 1, filepath.Join(t.TempDir(), "sagas.db"))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		pg := testpostgres.New(t)
		tormented(t, pg, 2, pg.DSN("torture"))
	})
}

func tormented(t *testing.T, pg *testpostgres.Server, nodes int, store string) {
	x := &torture{T: t, rng: rand.New(rand.NewPCG(*tortureSeed, uint64(nodes))), pg: pg}
	log, err := os.Create(filepath.Join(t.TempDir(), "victims.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	defer func() {
		if t.Failed() {
			b, _ := os.ReadFile(log.Name())
			t.Logf("the end of the victims' log:\n%s", b[max(0, len(b)-20_000):])
		}
	}()
	var bases []string
	for range nodes {
		n := &node{store: store, addr: freeAddr(t), log: log}
		n.start(t, 0)
		defer n.end(t, syscall.SIGKILL)
		x.nodes = append(x.nodes, n)
		bases = append(bases, "http://"+n.addr)
	}
	x.world = newSurroundings(t, bases, *tortureSeed)
	began := time.Now()
	for kill := range *tortureKills {
		x.world.awaitCalls(t, 1+x.rng.IntN(30)) // it is at work
		time.Sleep(time.Duration(x.rng.IntN(30)) * time.Millisecond)
		n := x.nodes[x.rng.IntN(len(x.nodes))]
		x.inBetween(kill, n)
		x.world.disturbed()
		n.end(t, syscall.SIGKILL)
		n.start(t, x.wrongClock())
	}
	x.world.settle(t)
	sagas, calls := x.world.judge(t)
	t.Logf("%d kills, %d sagas, %d calls, %v", *tortureKills, sagas, calls, time.Since(began).Round(time.Second))
}

func (x *torture) wrongClock() time.Duration {
	return []time.Duration{0, 0, -time.Hour, time.Minute, -time.Minute}[x.rng.IntN(5)]
}

// inBetween does what is worse than a kill, or just before it.
func (x *torture) inBetween(kill int, n *node) {
	switch {
	case kill%5 == 1:
		x.noRoom(n)
	case kill%7 == 3:
		x.replace(n)
	}
}

// noRoom makes the disk full, or takes the database away, for a moment.
func (x *torture) noRoom(n *node) {
	if x.pg != nil {
		x.pg.Stop(x.T, syscall.SIGQUIT)
		time.Sleep(time.Duration(x.rng.IntN(300)) * time.Millisecond)
		x.pg.Start(x.T)
		return
	}
	n.room(x.T, 0)
	time.Sleep(time.Duration(x.rng.IntN(300)) * time.Millisecond)
	if x.rng.IntN(2) == 0 { // there is room again before it dies
		n.room(x.T, unix.RLIM_INFINITY)
		x.world.awaitCalls(x.T, 1)
	}
}

// replace lets another one become the owner while this one is still there.
func (x *torture) replace(n *node) {
	x.world.disturbed()
	if x.pg == nil {
		n.end(x.T, syscall.SIGTERM)
		n.start(x.T, x.wrongClock())
		x.world.awaitCalls(x.T, 1)
		return
	}
	n.signal(x.T, syscall.SIGSTOP)
	time.Sleep(victimLease + victimLease/2)
	n.signal(x.T, syscall.SIGCONT)
	x.world.awaitCalls(x.T, 1)
}
