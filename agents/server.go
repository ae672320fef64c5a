package agents

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const instructions = `Sagacheck tests saga orchestrators and workflows: it injects faults on exact failure points and proves what came of it.
Paths are relative to the folder that this server was started in. Runs take turns: one at a time.
To test a workflow: init (a commented file), validate until there are no problems, run with that workflow, explain each finding, mend the workflow (not its file's promises), run again, replay.
Only the verdict pass is a pass. vacuous, inconclusive and incomplete mean that something was not proven: say so, and never report them as success.
A run may take minutes: give scenario, runs and max_time to keep it short.`

// server has what all calls of tools share.
type server struct {
	Program
	ctx  context.Context // ends with the server
	turn chan struct{}   // is held by the run that is under way
}

// New is the server with all tools. When ctx ends, what is under way is interrupted.
func New(ctx context.Context, p Program) *mcp.Server {
	m := mcp.NewServer(&mcp.Implementation{Name: "sagacheck", Title: "Sagacheck", Version: p.Version}, &mcp.ServerOptions{
		Instructions: instructions,
		Capabilities: &mcp.ServerCapabilities{},
	})
	s := &server{Program: p, ctx: ctx, turn: make(chan struct{}, 1)}
	s.addTools(m)
	return m
}

// Serve speaks the protocol, a line of JSON a message, until in ends or ctx does, and returns
// when what was under way has ended too. Nothing else may write to out.
func Serve(ctx context.Context, p Program, in io.Reader, out io.Writer) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	err := New(ctx, p).Run(ctx, &mcp.IOTransport{Reader: io.NopCloser(in), Writer: unclosed{out}})
	if errors.Is(err, context.Canceled) || errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) { // the client is gone
		return nil
	}
	if err != nil {
		return fmt.Errorf("the protocol: %w: expected a line of JSON-RPC a message, as a client of the Model Context Protocol writes it", err)
	}
	return nil
}

// unclosed is a writer that is somebody else's to close.
type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }

// until is the context of a call, which ends with the server too.
func (s *server) until(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	unhook := context.AfterFunc(s.ctx, cancel)
	return ctx, func() {
		unhook()
		cancel()
	}
}

// ask carries out a command that runs no cells; nobody hears of it before it has ended.
func (s *server) ask(ctx context.Context, args ...string) Ended {
	ctx, cancel := s.until(ctx)
	defer cancel()
	return s.Do(ctx, args, Listener{})
}

// failed is the error of a tool whose command has no result.
func (s *server) failed(e Ended) error {
	why := "it has no result"
	if e.Err != nil {
		why = e.Err.Error()
	}
	return fmt.Errorf("%s (exit code %d of: %s)", s.Bare(why), e.Exit, e.Command)
}
