// Command sagacheck tests saga orchestrators: it drives them through time-outs,
// lost answers, outages and crashes, and proves what came of it.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// process is the outside world: the only place where it is touched, so that
// tests can put another in its place.
type process struct {
	args   []string
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	getenv func(string) string
	hide   func(string) error // takes a variable out of the environment, which processes inherit
	agent  *hearing           // who hears of a command that an agent's tool carries out; nil: a person at a terminal
}

// gcPercent: some MiB live and much garbage. The default would collect all the
// time, and each collection makes timers late.
const gcPercent = 400

// memoryLimit is from where on memory matters more than time: a run keeps some KiB of each plan, and a service what
// bounds it has.
const memoryLimit = 400 << 20

// spareMemory keeps a command that goes on for long within the limit, unless the user has set one.
func (p process) spareMemory() {
	if p.getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, process{args: os.Args[1:], stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, hide: os.Unsetenv})
	stop()
	os.Exit(code)
}
