package campaign

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/sagacheck/sagacheck/internal/testnats"
)

// serveNATS starts a NATS server as others run it, inside this process.
func serveNATS(t *testing.T, o *server.Options) *server.Server {
	t.Helper()
	o.Host, o.Port, o.JetStream, o.StoreDir, o.NoLog, o.NoSigs = "127.0.0.1", server.RANDOM_PORT, true, t.TempDir(), true, true
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(s.WaitForShutdown)
	t.Cleanup(s.Shutdown)
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("no server")
	}
	return s
}

// Workers of this machine enter the server as who runs the run does: by credentials, over TLS of an authority that no system knows.
func TestWorkersEnterAsTheRunDoes(t *testing.T) {
	operator, authority := testnats.NewOperator(t), testnats.NewAuthority(t)
	s := serveNATS(t, authority.Certified(operator.Trusted(&server.Options{})))
	o := lostAnswer(t)
	o.Workers = Workers{
		Local: 1, Server: s.ClientURL(), CA: authority.File,
		Creds: testnats.File(t, "user.creds", operator.Account(testnats.JetStream).Creds(nil)),
	}
	done, err := Run(t.Context(), testHost(), o)
	if err != nil {
		t.Fatal(err)
	}
	if n := done.Run.Totals; n.Cells != 1 || n.Errors > 0 {
		t.Errorf("%+v, %q", n, done.Run.Summary.Reasons)
	}
}
