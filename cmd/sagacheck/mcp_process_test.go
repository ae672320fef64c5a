package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// mcpProcess is sagacheck mcp as a client starts it, in a folder of the test.
func mcpProcess(t *testing.T) *exec.Cmd {
	t.Helper()
	t.Chdir(t.TempDir())
	cmd := exec.CommandContext(t.Context(), os.Args[0], "mcp")
	log, err := os.Create("stderr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = log.Close()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name()) // only for the message
			t.Logf("stderr: %s", text)
		}
	})
	cmd.Stderr = log
	return cmd
}

// soon waits until something is so.
func soon(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(awaitLimit); !is(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", awaitLimit, what)
		}
	}
}

// childrenOf are the processes that a process has started.
func childrenOf(t *testing.T, pid int) (ids []int) {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		b, err := os.ReadFile(list)
		if err != nil { // the task may have ended by now
			continue
		}
		for _, word := range strings.Fields(string(b)) {
			id, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
	}
	return ids
}

// orchestratorsOf are the orchestrators that a process has started. It has other children too:
// Go's runtime starts one before main, to learn what the kernel can do.
func orchestratorsOf(t *testing.T, pid int) []int {
	t.Helper()
	return slices.DeleteFunc(childrenOf(t, pid), func(id int) bool {
		command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", id))
		return err != nil || !bytes.Contains(command, []byte("\x00reference\x00"))
	})
}

// long are the arguments of a run that takes far longer than a test, and kills orchestrators.
func long(out string) map[string]any {
	return map[string]any{"scenario": []string{"order"}, "runs": 100000, "parallel": 4, "out": out}
}

// A run whose client cancels it ends, as by Ctrl-C: with a report, and without processes. The
// server goes on, and has the next run wait for its turn.
func TestAgentCancelsRun(t *testing.T) {
	cmd := mcpProcess(t)
	session, told := client(t, &mcp.CommandTransport{Command: cmd})
	ctx, cancel := context.WithCancel(t.Context())
	params := &mcp.CallToolParams{Name: "run", Arguments: long("first")}
	params.SetProgressToken(7)
	ended := make(chan error, 1)
	go func() {
		res, err := session.CallTool(ctx, params)
		if err == nil {
			err = fmt.Errorf("it ended by itself: %s", textOf(t, res))
		}
		ended <- err
	}()
	select {
	case <-told.some:
	case err := <-ended:
		t.Fatal(err)
	}
	soon(t, "the run starts an orchestrator", func() bool { return len(orchestratorsOf(t, cmd.Process.Pid)) > 0 })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the call ended with %v", err)
	}
	var o cameTo
	if err := os.WriteFile("plan.yaml", []byte(lostAnswer), 0o600); err != nil {
		t.Fatal(err)
	}
	call(t, session, "run", map[string]any{"scenario": []string{"order"}, "plan": "plan.yaml", "out": "second", "property": []string{"duplicate-effect"}}, &o)
	if len(o.Findings) > 0 {
		t.Errorf("%+v", o)
	}
	if left := childrenOf(t, cmd.Process.Pid); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	text := call(t, session, "findings", map[string]any{"folder": "first"}, &o)
	if o.Verdict != "interrupted" || o.Exit != 130 {
		t.Errorf("expected an interrupted run: %s", text)
	}
	last := -1.0
	for _, p := range told.all() {
		if p.Progress <= last || p.Total > 0 && p.Progress > p.Total {
			t.Errorf("progress %v of %v after %v", p.Progress, p.Total, last)
		}
		last = p.Progress
	}
	if err := session.Close(); err != nil {
		t.Error(err)
	}
	if code := cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit %d, expected 0", code)
	}
}

// Whose client is gone, or who is told to end, interrupts what is under way, reports it, and
// leaves no process behind.
func TestAgentIsGone(t *testing.T) {
	for name, leave := range map[string]func(cmd *exec.Cmd, in io.Closer, out io.Closer) error{
		"end of stdin":  func(_ *exec.Cmd, in, _ io.Closer) error { return in.Close() },
		"SIGTERM":       func(cmd *exec.Cmd, _, _ io.Closer) error { return cmd.Process.Signal(syscall.SIGTERM) },
		"end of stdout": func(_ *exec.Cmd, _, out io.Closer) error { return out.Close() }, // the next notification fails
	} {
		t.Run(name, func(t *testing.T) {
			cmd := mcpProcess(t)
			in, out := pipes(t, cmd)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			speak(t, in, callLine(t, 2, "run", long("out")))
			var started []int
			soon(t, "the run starts an orchestrator", func() bool { started = orchestratorsOf(t, cmd.Process.Pid); return len(started) > 0 })
			if err := leave(cmd, in, out); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v, expected exit 0", err)
			}
			for _, id := range started {
				if err := syscall.Kill(id, 0); err == nil {
					t.Errorf("process %d is left", id)
				}
			}
			report, err := os.ReadFile("out/latest/report.json")
			if err != nil || !strings.Contains(string(report), `"interrupted": true`) {
				t.Errorf("expected the report of an interrupted run: %v", err)
			}
		})
	}
}

// Nothing but the protocol is written to stdout, whatever a run prints and starts.
func TestAgentReadsNothingButTheProtocol(t *testing.T) {
	cmd := mcpProcess(t)
	// what a project gives by its file is heard, and shown on stderr
	if err := os.WriteFile("sagacheck.yaml", []byte("run: {clauses: true, processes: 2}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("plan.yaml", []byte("faults:\n  - {kind: crash-orchestrator, at: charge#1@commit}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	in, out := pipes(t, cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	speak(t, in, callLine(t, 2, "run", map[string]any{"scenario": []string{"order"}, "plan": "plan.yaml", "defect": []string{"rerun-done-steps"}}),
		callLine(t, 3, "list", map[string]any{"what": "faults"}), callLine(t, 4, "run", map[string]any{"scenario": []string{"none"}}), `{"jsonrpc":"2.0","id":5,"method":"no/such"}`)
	answered := []int{}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for len(answered) < 5 && lines.Scan() {
		var m struct {
			JSONRPC string `json:"jsonrpc"`
			ID      int    `json:"id"`
			Result  struct {
				Structured cameTo `json:"structuredContent"`
			} `json:"result"`
		}
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil || m.JSONRPC != "2.0" {
			t.Fatalf("on stdout: %q", lines.Text())
		}
		if m.ID != 0 {
			answered = append(answered, m.ID)
		}
		if o := m.Result.Structured; m.ID == 2 && (o.Verdict != "violation" || !slices.ContainsFunc(o.Notes, func(n string) bool { return strings.Contains(n, "of sagacheck.yaml: ") })) {
			t.Errorf("%+v: expected a violation, and a note of sagacheck.yaml", o)
		}
	}
	slices.Sort(answered)
	if !slices.Equal(answered, []int{1, 2, 3, 4, 5}) {
		t.Errorf("answered: %v", answered)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(out)
	if err != nil || len(rest) > 0 {
		t.Errorf("at the end: %q, %v", rest, err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func pipes(t *testing.T, cmd *exec.Cmd) (in io.WriteCloser, out io.ReadCloser) {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if out, err = cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	return in, out
}

// speak greets the server, and says some lines.
func speak(t *testing.T, in io.Writer, lines ...string) {
	t.Helper()
	hello := []string{
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`,
		`{"jsonrpc":"2.0","method":"notifications/initialized"}`,
	}
	if _, err := io.WriteString(in, strings.Join(append(hello, lines...), "\n")+"\n"); err != nil {
		t.Fatal(err)
	}
}

// callLine is a call of a tool, which asks for progress.
func callLine(t *testing.T, id int, tool string, arguments map[string]any) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": map[string]any{"name": tool, "arguments": arguments, "_meta": map[string]any{"progressToken": id}}})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
