package campaign

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/queue"
	"github.com/sagacheck/sagacheck/results"
)

func serveQueue(t *testing.T, addr string) *queue.Server {
	t.Helper()
	server, err := queue.Serve(addr, filepath.Join(t.TempDir(), "queue"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// Workers that begin while the server is away for seconds are not used up by that.
func TestWorkersBeginWithoutTheirServer(t *testing.T) {
	nats := startNATS(t)
	o := lostAnswer(t)
	o.Workers = Workers{Local: 1, Server: nats.url(), ackWait: time.Second}
	host := testHost()
	var back sync.WaitGroup
	defer back.Wait()
	host.Say = func(line string) {
		if strings.Contains(line, "1 workers here") { // none has begun yet
			nats.kill()
			back.Go(func() {
				if wait(t.Context(), 5*time.Second) {
					nats.start()
				}
			})
		}
	}
	done, err := Run(t.Context(), host, o)
	if err != nil {
		t.Fatal(err)
	}
	if n := done.Run.Totals; n.Cells != 1 || n.Errors > 0 {
		t.Errorf("%+v, %q", n, done.Run.Summary.Reasons)
	}
}

// A run whose things the server has lost ends, and says so; so does a worker of it.
func TestARunThatItsServerHasLost(t *testing.T) {
	nats := startNATS(t)
	o := lostAnswer(t)
	o.Workers = Workers{Server: nats.url()}
	host := testHost()
	host.Say = func(line string) {
		if strings.Contains(line, "is given to workers") {
			nats.kill()
			nats.dir = t.TempDir()
			nats.start()
		}
	}
	done, err := Run(t.Context(), host, o)
	if err != nil {
		t.Fatal(err)
	}
	if s := done.Run.Summary; s.Exit != results.ExitUnproven || !strings.Contains(strings.Join(s.Reasons, " "), "has lost run") {
		t.Errorf("exit %d, %q", s.Exit, s.Reasons)
	}
}

// That nobody works is said, whatever counts as taken.
func TestThatNobodyWorksIsSaid(t *testing.T) {
	var said []string
	host := Host{Say: func(line string) { said = append(said, line) }}
	r := &round{remote: &remote{x: &session{host: host}}}
	long := time.Now().Add(-2 * sayEvery)
	for _, d := range []queue.Depth{{Alive: 1, Running: 3}, {Running: 3}} {
		r.lastSaid = long
		r.sayWaiting(d)
	}
	if len(said) != 1 || !strings.Contains(said[0], "no worker is there") {
		t.Errorf("said %q", said)
	}
}

// A worker of one run ends with 0 when that is over, and says it if nobody has ended it.
func TestAWorkerOfOneRun(t *testing.T) {
	server := serveQueue(t, "127.0.0.1:0")
	content, err := catalogue("test")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := queue.Connect(t.Context(), queue.Options{URL: server.URL(), Version: "test", Catalogue: content})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	job, err := conn.Open(t.Context(), queue.Run{Name: "ended", Settings: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	if err := job.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Work(t.Context(), testHost(), WorkOptions{Server: server.URL(), Run: "ended"}); err != nil {
		t.Errorf("a run that is over: %v", err)
	}
	var failed *Error
	err = whyWorkEnds(t.Context(), &queue.GoneError{Run: "killed"})
	if !errors.As(err, &failed) || failed.Exit != results.ExitSystem || !strings.Contains(err.Error(), "nobody runs killed") {
		t.Errorf("a run of nobody: %v", err)
	}
}

// The command for other machines has its token in the environment, and no address of nobody.
func TestTheCommandForWorkers(t *testing.T) {
	server := serveQueue(t, "0.0.0.0:0")
	said := workerCommand(server, "r1")
	environment, command, ok := strings.Cut(said, " sagacheck worker --run r1")
	if !ok || !strings.HasPrefix(environment, ServerEnv+"=nats://") || strings.Contains(command, "nats://") || strings.Contains(said, "0.0.0.0") || strings.Contains(said, "[::]") {
		t.Errorf("%q", said)
	}
}
