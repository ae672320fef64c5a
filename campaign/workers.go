package campaign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sagacheck/sagacheck/harness"
	"github.com/sagacheck/sagacheck/queue"
	"github.com/sagacheck/sagacheck/results"
)

// Workers say who runs the cells of a campaign in its place. The zero value: it does so itself.
type Workers struct {
	Local  int    // processes of this program on this machine
	Server string // URL of a NATS server; empty: one inside this process
	Creds  string // file with credentials for it
	NKey   string // file with the seed of an nkey for it
	CA     string // file with the certificates of who signs its own; empty: whom the system trusts
	Listen string // host:port of the server inside this process; empty: a free port that this machine alone reaches

	ackWait    time.Duration // see queue.Options
	maxDeliver int
}

func (w Workers) wanted() bool { return w.Local > 0 || w.Server != "" || w.Listen != "" }

func (w Workers) check(s Settings) error {
	switch {
	case w.wanted() && s.Workflow != "":
		return errors.New("--workers: a workflow of your own (--workflow) runs on one machine: expected either")
	case w.Local < 0:
		return fmt.Errorf("--workers: %d: expected 0 or more", w.Local)
	case w.Server != "" && w.Listen != "":
		return fmt.Errorf("--listen: %s: expected either this or --server", w.Listen)
	case w.Server == "" && w.Creds+w.NKey+w.CA != "":
		return errors.New("--creds, --nkey, --tlsca: expected --server beside them")
	}
	return nil
}

// runner runs cells: the harness here, or workers.
type runner interface {
	Run(ctx context.Context, cells iter.Seq[harness.Cell], each func(harness.Result)) error
}

// runner is who runs the cells of the session.
func (x *session) runner() runner {
	if x.remote != nil {
		return x.remote
	}
	return x.harness
}

// remote runs cells on workers.
type remote struct {
	x        *session
	server   *queue.Server // nil: it is elsewhere
	conn     *queue.Conn
	job      *queue.Job
	staff    *staff
	chunks   int
	speed    speed
	dir      string                  // of histories
	late     map[string]harness.Late // worker → what it has heard too late
	lastSaid time.Time               // that nobody takes what is there
}

// hire lets workers run the cells of the session, if that is wanted.
func (x *session) hire(ctx context.Context, w Workers) error {
	if !w.wanted() {
		return nil
	}
	m := &remote{x: x, dir: filepath.Join(x.dir, results.HistoriesDir), late: map[string]harness.Late{}}
	x.remote = m
	if err := m.connect(ctx, w); err != nil {
		return trouble(err)
	}
	given := x.given
	given.Seed = x.s.Seed
	system, err := x.reached()
	if err != nil {
		return usage(err)
	}
	settings, err := json.Marshal(orders{given, x.harness.Again, x.system.Info(), x.content(), system})
	if err != nil {
		return err
	}
	name := x.nonce + "-" + fingerprint([]any{time.Now(), os.Getpid(), x.dir})[:4]
	if m.job, err = m.conn.Open(ctx, queue.Run{Name: name, Command: x.host.Command, Settings: settings}); err != nil {
		return notStartedYet(ctx, err)
	}
	m.tell(w, name)
	if w.Local > 0 {
		m.staff, err = newStaff(x, w, m.url(w), name)
	}
	return trouble(err)
}

// storeDir is the folder, in that of a run, of what the server inside this process keeps.
const storeDir = "queue"

// storesIn are the folders in which runs that are kept in a folder may have had a store: other folders called so
// are somebody else's.
func storesIn(out string) (dirs []string) {
	all, _ := os.ReadDir(out) // what is not found is not removed
	for _, e := range all {
		dir := filepath.Join(out, e.Name())
		if _, err := os.Stat(filepath.Join(dir, results.ManifestFile)); err == nil && e.IsDir() {
			dirs = append(dirs, filepath.Join(dir, storeDir))
		}
	}
	return dirs
}

// connect reaches the server, which is started if there is none.
func (m *remote) connect(ctx context.Context, w Workers) error {
	content, err := catalogue(m.x.host.Tool)
	if err != nil {
		return err
	}
	if w.Server == "" {
		if err := queue.DropStores(storesIn(filepath.Dir(m.x.dir))); err != nil { // no reason not to run
			m.x.host.say("%v", err)
		}
		addr := w.Listen
		if addr == "" {
			addr = "127.0.0.1:0"
		}
		if m.server, err = queue.Serve(addr, filepath.Join(m.x.dir, storeDir)); err != nil {
			return err
		}
	}
	m.conn, err = queue.Connect(ctx, queue.Options{
		URL: m.url(w), Creds: w.Creds, NKey: w.NKey, CA: w.CA, Version: m.x.host.Tool, Catalogue: content,
		AckWait: w.ackWait, MaxDeliver: w.maxDeliver, Say: func(line string) { m.x.host.say("%s", line) },
	})
	return err
}

func (m *remote) url(w Workers) string {
	if m.server != nil {
		return m.server.URL()
	}
	return w.Server
}

// tell says who is to do the work.
func (m *remote) tell(w Workers, name string) {
	var who []string
	if w.Local > 0 {
		who = append(who, fmt.Sprintf("%d workers here", w.Local))
	}
	switch {
	case w.Server != "":
		who = append(who, "sagacheck worker --server "+queue.Bare(w.Server))
	case w.Listen != "":
		who = append(who, workerCommand(m.server, name))
	}
	m.x.host.say("run %s is given to workers: %s", name, strings.Join(who, ", and by "))
}

// workerCommand is how other machines take part in a run over the server of this process. What is
// secret is in the environment, which no list of processes shows to others.
func workerCommand(s *queue.Server, run string) string {
	hosts := s.Hosts()
	command := ServerEnv + "=" + s.URLAt(hosts[0]) + " sagacheck worker --run " + run
	if others := hosts[1:]; len(others) > 0 {
		command += " (this machine is " + strings.Join(others, " and ") + " too)"
	}
	return command
}

// leaveLimit is how long workers of other machines may take to hear that a run is over.
const leaveLimit = 2 * time.Second

// close ends what was begun; who still works on the run leaves it.
func (m *remote) close() error {
	var errs []error
	if m.job != nil {
		if err := m.job.Close(); err != nil { // the cells have been judged
			m.x.host.say("the run is still on the NATS server, until the next one a day from now: %v", err)
		}
	}
	if m.staff != nil {
		errs = append(errs, m.staff.close())
	}
	if m.server != nil && m.job != nil {
		m.server.Leave(leaveLimit)
	}
	if m.conn != nil {
		m.conn.Close()
	}
	if m.server != nil {
		errs = append(errs, m.server.Close())
	}
	return errors.Join(errs...)
}

// Bare is the address of a NATS server without its token or password, to be shown.
func Bare(server string) string { return queue.Bare(server) }
