package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/results"
)

// Workers are processes of this very program, and exit codes are those of one process.
func TestWorkersOfTheCommand(t *testing.T) {
	plan := filepath.Join("testdata", "cases", "01-lost-answer.yaml")
	code, report, output := command(t, "run", "--workers", "2", "--scenario", "order", "--plan", plan, "--property", "duplicate-effect", "--participants", "naive")
	if code != results.ExitViolation || report.Totals.Violated != 1 {
		t.Errorf("exit %d, %+v\n%s", code, report.Totals, output)
	}
}

// What lets one into a server stays out of reports.
func TestCommandsAreToldWithoutSecrets(t *testing.T) {
	args := []string{"run", "--server", "nats://token@h:4222", "--server=tls://me:secret@h", "--wait-for", "http://h/p"}
	if got, want := withoutSecrets(args), "run --server nats://h:4222 --server=tls://h --wait-for http://h/p"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// A worker without a server says what is missing.
func TestWorkerWithoutServer(t *testing.T) {
	var said strings.Builder
	p := process{args: []string{"worker"}, stdout: &said, stderr: &said, getenv: func(string) string { return "" }}
	if code := run(t.Context(), p); code != results.ExitUsage || !strings.Contains(said.String(), "--server: expected the URL of a NATS server") {
		t.Errorf("exit %d: %s", code, said.String())
	}
}
