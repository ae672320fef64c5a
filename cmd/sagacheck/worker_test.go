package main

import (
	"fmt"
	"maps"
	"os"
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
		t.Errorf("exit %d, %q of %+v\n%s", code, broken(report), report.Totals, output)
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
	p := process{args: []string{"worker"}, stdout: &said, stderr: &said, getenv: func(string) string { return "" }, hide: func(string) error { return nil }}
	if code := run(t.Context(), p); code != results.ExitUsage || !strings.Contains(said.String(), "--server: expected the URL of a NATS server") {
		t.Errorf("exit %d: %s", code, said.String())
	}
}

// What lets a worker into its server is not left to the orchestrator that it starts; what it did not
// take is.
func TestTheServerIsTakenOutOfTheEnvironment(t *testing.T) {
	for name, c := range map[string]struct {
		flag   string
		env    map[string]string
		server string
		left   map[string]string
	}{
		"ours":               {"", map[string]string{"SAGACHECK_SERVER": "nats://secret@a"}, "nats://secret@a", map[string]string{}},
		"that of NATS":       {"", map[string]string{"NATS_URL": "nats://secret@b"}, "nats://secret@b", map[string]string{}},
		"both":               {"", map[string]string{"SAGACHECK_SERVER": "nats://secret@a", "NATS_URL": "nats://b"}, "nats://secret@a", map[string]string{"NATS_URL": "nats://b"}},
		"none but the flag":  {"nats://c", map[string]string{}, "nats://c", map[string]string{}},
		"ours, and the flag": {"nats://c", map[string]string{"SAGACHECK_SERVER": "nats://secret@a", "NATS_URL": "nats://b"}, "nats://c", map[string]string{"NATS_URL": "nats://b"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := process{getenv: func(v string) string { return c.env[v] }, hide: func(v string) error { delete(c.env, v); return nil }}
			server := c.flag
			if err := serverOfEnvironment(p, &server); err != nil || server != c.server || !maps.Equal(c.env, c.left) {
				t.Errorf("%q, %v, left %v: expected %q, left %v", server, err, c.env, c.server, c.left)
			}
		})
	}
}

// An orchestrator that workers of this machine start has the environment of the run, and nothing
// of their server's.
func TestOrchestratorsOfWorkersKnowNoServer(t *testing.T) {
	dir := t.TempDir()
	seen, manifest := filepath.Join(dir, "environment"), filepath.Join(dir, "orchestrator.yaml")
	write := fmt.Sprintf(`name: curious
title: Curious
version: "1"
processes:
  - name: executor
    command: [sh, -c, "env >> %s; exec '${self}' reference serve --addr 127.0.0.1:${port.http} --store '${dir}/store.db'"]
    ready: {url: "http://127.0.0.1:${port.http}/healthz"}
base: http://127.0.0.1:${port.http}
capabilities: [idempotent-submit]
`, seen)
	if err := os.WriteFile(manifest, []byte(write), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NATS_URL", "nats://of-the-orchestrator:4222")
	plan := filepath.Join("testdata", "cases", "01-lost-answer.yaml")
	_, report, output := command(t, "run", "--workers", "1", "--orchestrator", manifest, "--scenario", "order", "--plan", plan, "--property", "stuck-saga")
	text, err := os.ReadFile(seen)
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	lives := strings.Count(string(text), "NATS_URL=nats://of-the-orchestrator:4222\n")
	if lives < 2 || lives != strings.Count(string(text), "NATS_URL=") || strings.Contains(string(text), "SAGACHECK_SERVER") || report.Totals.Cells != 1 {
		t.Errorf("%d orchestrators have seen\n%s\n%s", lives, text, output)
	}
}
