package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/agents"
	"github.com/sagacheck/sagacheck/campaign"
)

func newMCP(p process) *cobra.Command {
	return &cobra.Command{
		Use:   "mcp",
		Short: "Let a coding agent list, validate, run, explain and replay, over the Model Context Protocol",
		Long: `Serves the Model Context Protocol on stdin and stdout, for a client that starts it. Its
tools are commands of this program (docs/agents.md). Paths are relative to the folder
that it is started in. It ends, and interrupts what is under way, when stdin does.

An agent that may use it may run commands: a workflow's file and a manifest name them.`,
		Example: `  sagacheck mcp
  {"mcpServers": {"sagacheck": {"command": "sagacheck", "args": ["mcp"]}}}      in the configuration of a client`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			defer outlivePipes()()
			ctx, stop := context.WithCancel(c.Context())
			defer stop()
			in := endOf(p.stdin, stop)
			return endsWithin(ctx, func() error { return trouble(agents.Serve(ctx, p.program(), in, p.stdout)) })
		},
	}
}

// outlivePipes lets a write to a client that is gone fail, as it does on a socket, so that what
// is under way can clean up. It gives a function that undoes it.
func outlivePipes() func() {
	ignored := make(chan os.Signal, 1)
	signal.Notify(ignored, syscall.SIGPIPE)
	return func() { signal.Stop(ignored) }
}

// input is a reader whose end is heard of.
type input struct {
	io.Reader
	ended func()
}

// endOf is a reader at whose end, or failure, a function is called.
func endOf(r io.Reader, ended func()) io.Reader { return input{r, ended} }

func (r input) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if err != nil {
		r.ended()
	}
	return n, err
}

// program is this one, for the tools of agents.
func (p process) program() agents.Program {
	return agents.Program{Version: toolVersion(), Do: p.do, Bare: withoutPasswords}
}

// hearing is who hears of a command in the place of a person at a terminal.
type hearing struct {
	agents.Listener
	done *campaign.Finished // what the campaign came to, when it is over
}

// do carries out a command line in this process. What it prints is caught.
func (p process) do(ctx context.Context, args []string, l agents.Listener) agents.Ended {
	var out bytes.Buffer
	p.args, p.stdin, p.stdout, p.agent = args, bytes.NewReader(nil), &out, &hearing{Listener: l}
	e := agents.Ended{Command: "sagacheck " + withoutSecrets(args)}
	if err := execute(ctx, p); err != nil {
		exit := exitOf(err)
		e.Exit, e.Err = exit.code, exit.err
	}
	e.Output, e.Done = out.String(), p.agent.done
	return e
}
