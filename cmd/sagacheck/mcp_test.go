package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sagacheck/sagacheck/agents"
)

// told collects what a client is told of progress.
type told struct {
	mu   sync.Mutex
	list []*mcp.ProgressNotificationParams
	some chan struct{} // closed at the first
}

func (x *told) hear(_ context.Context, req *mcp.ProgressNotificationClientRequest) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.list = append(x.list, req.Params); len(x.list) == 1 {
		close(x.some)
	}
}

func (x *told) all() []*mcp.ProgressNotificationParams {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.list)
}

// client is a client of the server behind a transport.
func client(t *testing.T, transport mcp.Transport) (*mcp.ClientSession, *told) {
	t.Helper()
	x := &told{some: make(chan struct{})}
	c := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, &mcp.ClientOptions{ProgressNotificationHandler: x.hear})
	session, err := c.Connect(t.Context(), transport, nil)
	if err != nil {
		t.Fatal(err)
	}
	return session, x
}

// inMemory is a client of a server in this process; both end with the test.
func inMemory(t *testing.T) (*mcp.ClientSession, *told) {
	t.Helper()
	p := process{stdout: io.Discard, stderr: io.Discard, getenv: func(string) string { return "" }}
	here, there := mcp.NewInMemoryTransports()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	server := agents.New(ctx, p.program())
	go func() { ended <- server.Run(ctx, there) }()
	session, x := client(t, here)
	t.Cleanup(func() {
		_ = session.Close() // it may be closed already
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return session, x
}

// call calls a tool, whose data is read into out, and gives its text.
func call(t *testing.T, session *mcp.ClientSession, tool string, arguments map[string]any, out any) string {
	t.Helper()
	res, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	text := textOf(t, res)
	if res.IsError {
		t.Fatalf("%s: %s", tool, text)
	}
	b, err := json.Marshal(res.StructuredContent)
	if err == nil {
		err = json.Unmarshal(b, out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// refused calls a tool that must refuse it as an error of the tool, which an agent reads, and
// gives the reason.
func refused(t *testing.T, session *mcp.ClientSession, tool string, arguments map[string]any) string {
	t.Helper()
	res, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		t.Fatalf("%s %v: an error of the protocol: %v", tool, arguments, err)
	}
	text := textOf(t, res)
	if !res.IsError {
		t.Fatalf("%s %v: expected an error: %s", tool, arguments, text)
	}
	return text
}

func textOf(t *testing.T, res *mcp.CallToolResult) string {
	t.Helper()
	if len(res.Content) != 1 {
		t.Fatalf("%d parts: expected one text", len(res.Content))
	}
	return res.Content[0].(*mcp.TextContent).Text
}

// cameTo is what the tests read of the outcome of a run.
type cameTo struct {
	Verdict  string         `json:"verdict"`
	Exit     int            `json:"exit"`
	AtRisk   map[string]int `json:"at_risk"`
	Folder   string         `json:"folder"`
	Report   string         `json:"report"`
	Command  string         `json:"command"`
	Notes    []string       `json:"notes"`
	Findings []struct {
		Property string `json:"property"`
		Plan     string `json:"plan"`
		File     string `json:"file"`
	} `json:"findings"`
	Replays *struct{ Failed, Of int } `json:"replays"`
	LeftOut struct{ Findings int }    `json:"left_out"`
}

// The loop of an agent: a run finds a planted defect, the finding is explained, replayed, and
// gone without the defect.
func TestAgentFindsExplainsReplays(t *testing.T) {
	t.Chdir(t.TempDir())
	session, told := inMemory(t)
	if err := os.WriteFile("plan.yaml", []byte(lostAnswer), 0o600); err != nil {
		t.Fatal(err)
	}
	arguments := map[string]any{"scenario": []string{"order"}, "plan": "plan.yaml", "property": []string{"key-misuse"}, "defect": []string{"retry-twice"}}
	params := &mcp.CallToolParams{Name: "run", Arguments: arguments}
	params.SetProgressToken("p-1")
	res, err := session.CallTool(t.Context(), params)
	if err != nil || res.IsError {
		t.Fatal(err, res)
	}
	if all := told.all(); len(all) == 0 || all[0].ProgressToken != "p-1" || !strings.Contains(all[0].Message, "cell") {
		t.Errorf("progress: %v", all)
	}
	var o cameTo
	text := call(t, session, "run", arguments, &o)
	if o.Verdict != "violation" || o.Exit != 1 || len(o.Findings) != 1 || o.Findings[0].Property != "key-misuse" {
		t.Fatalf("%+v\n%s", o, text)
	}
	for _, want := range []string{"VIOLATION (exit code 1)", "key-misuse in order", "lose charge#1@response", "file: " + o.Findings[0].File} {
		if !strings.Contains(text, want) {
			t.Errorf("%s: expected %q", text, want)
		}
	}
	for _, file := range []string{o.Report, o.Findings[0].File, filepath.Join(o.Folder, "report.json")} {
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
	var stored cameTo
	call(t, session, "findings", nil, &stored)
	if stored.Verdict != o.Verdict || len(stored.Findings) != 1 || filepath.Base(stored.Findings[0].File) != filepath.Base(o.Findings[0].File) {
		t.Errorf("findings: %+v", stored)
	}
	var why struct {
		Promise string   `json:"promise"`
		Story   []string `json:"story"`
		Plan    []string `json:"plan"`
	}
	text = call(t, session, "explain", map[string]any{"file": o.Findings[0].File}, &why)
	if !strings.HasPrefix(why.Promise, "same-again: ") || len(why.Story) < 5 || !slices.Equal(why.Plan, []string{"lose charge#1@response"}) || !strings.Contains(text, "▶") {
		t.Errorf("explain: %+v\n%s", why, text)
	}
	var again cameTo
	text = call(t, session, "replay", map[string]any{"file": o.Findings[0].File, "times": 2}, &again)
	if again.Verdict != "violation" || again.Replays == nil || again.Replays.Failed != 2 || again.Replays.Of != 2 || !strings.Contains(text, "failed again in 2 of 2 replays") {
		t.Errorf("replay: %+v\n%s", again, text)
	}
	delete(arguments, "defect")
	var mended cameTo
	call(t, session, "run", arguments, &mended)
	if len(mended.Findings) != 0 || mended.AtRisk["key-misuse"]+mended.Exit == 0 {
		t.Errorf("without the defect: %+v", mended)
	}
}

// What is not proven is not called a pass, and a run that is cut off is incomplete.
func TestAgentHearsThatNothingIsProven(t *testing.T) {
	t.Chdir(t.TempDir())
	session, _ := inMemory(t)
	if err := os.WriteFile("plan.yaml", []byte(faultFreeRun), 0o600); err != nil {
		t.Fatal(err)
	}
	var o cameTo
	text := call(t, session, "run", map[string]any{"scenario": []string{"order"}, "plan": "plan.yaml", "property": []string{"hanging-action"}}, &o)
	if o.Verdict != "vacuous" || o.Exit != 2 || !strings.HasPrefix(text, "VACUOUS (exit code 2)") || !strings.Contains(text, "never at risk") {
		t.Errorf("%+v\n%s", o, text)
	}
	text = call(t, session, "explore", map[string]any{"scenario": []string{"single-step"}, "max_plans": 3, "property": []string{"duplicate-effect"}}, &o)
	if o.Verdict != "incomplete" || o.Exit != 2 || !slices.ContainsFunc(o.Notes, func(n string) bool { return strings.Contains(n, "explore.jsonl") }) {
		t.Errorf("%+v\n%s", o, text)
	}
}

// Bad arguments are errors of the tool that say what was expected; the server goes on.
func TestAgentsMistakesAreTold(t *testing.T) {
	t.Chdir(t.TempDir())
	session, _ := inMemory(t)
	for _, c := range []struct {
		tool      string
		arguments map[string]any
		want      string
	}{
		{"list", map[string]any{"what": "unicorns"}, "expected one of scenarios, faults, checkers"},
		{"list", map[string]any{"what": "--json"}, "expected one of scenarios"},
		{"list", nil, "what"},
		{"list", map[string]any{"what": "faults", "match": "["}, "expected a glob"},
		{"list", map[string]any{"what": "faults", "limit": -1}, "limit -1"},
		{"run", map[string]any{"scenari": "order"}, "scenari"},
		{"run", map[string]any{"scenario": []string{"nothing-like-it"}}, "nothing-like-it"},
		{"run", map[string]any{"participants": "friendly"}, "naive"},
		{"run", map[string]any{"seed": -3}, "seed -3"},
		{"run", map[string]any{"max_time": "soon"}, "max-time"},
		{"run", map[string]any{"plan": "--baseline-update"}, "--baseline-update"},
		{"run", map[string]any{"workflow": "w.yaml", "runs": 3}, "--runs: can't be given with --workflow"},
		{"run", map[string]any{"orchestrator": "http://joe:hunter2@127.0.0.1:1", "scenario": []string{"order"}}, "127.0.0.1:1"},
		{"explore", map[string]any{"depth": -1}, "depth"},
		{"replay", map[string]any{"file": "nothing.yaml"}, "nothing.yaml"},
		{"replay", map[string]any{"file": "--times=3"}, "--times=3"},
		{"explain", map[string]any{"file": "nothing.yaml"}, "expected the file of a finding"},
		{"findings", nil, "no report there"},
		{"validate", map[string]any{"file": "nothing.yaml"}, "no such file"},
	} {
		text := refused(t, session, c.tool, c.arguments)
		if !strings.Contains(text, c.want) || strings.Contains(text, "hunter2") {
			t.Errorf("%s %v: %q: expected %q, and no password", c.tool, c.arguments, text, c.want)
		}
	}
}

// A file is written, found valid, broken, and each mistake has its place.
func TestAgentWritesWorkflow(t *testing.T) {
	t.Chdir(t.TempDir())
	session, _ := inMemory(t)
	var first struct{ File, Content string }
	call(t, session, "init", nil, &first)
	text, err := os.ReadFile("workflow.yaml")
	if err != nil || first.File != "workflow.yaml" || first.Content != string(text) {
		t.Fatalf("%+v: %v", first, err)
	}
	if text := refused(t, session, "init", nil); !strings.Contains(text, "not overwritten") {
		t.Error(text)
	}
	var v struct {
		Valid    bool `json:"valid"`
		Problems []struct {
			Line          int
			Field, Reason string
		} `json:"problems"`
	}
	if text := call(t, session, "validate", map[string]any{"file": "workflow.yaml"}, &v); !v.Valid {
		t.Errorf("%s", text)
	}
	broken := strings.Replace(string(text), "\nservices:", "\nservises: {}\nservices:", 1)
	if err := os.WriteFile("broken.yaml", []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	said := call(t, session, "validate", map[string]any{"file": "broken.yaml"}, &v)
	line := strings.Count(broken[:strings.Index(broken, "servises")], "\n") + 1
	if v.Valid || len(v.Problems) != 1 || v.Problems[0].Line != line || v.Problems[0].Field != "servises" {
		t.Errorf("%+v: expected line %d\n%s", v, line, said)
	}
}

// Lists are cut, and say by how much.
func TestAgentListsCatalogues(t *testing.T) {
	session, _ := inMemory(t)
	for _, what := range []string{"scenarios", "faults", "checkers", "defects", "orchestrators", "packs"} {
		var all, some struct {
			Entries []entry `json:"entries"`
			LeftOut int     `json:"left_out"`
		}
		call(t, session, "list", map[string]any{"what": what, "limit": 1000}, &all)
		text := call(t, session, "list", map[string]any{"what": what, "limit": 1}, &some)
		if len(all.Entries) < 2 || len(some.Entries) != 1 || some.LeftOut != len(all.Entries)-1 || !strings.Contains(text, "more: raise limit") {
			t.Errorf("%s: %d entries, %d and %d left out\n%s", what, len(all.Entries), len(some.Entries), some.LeftOut, text)
		}
	}
	var one struct{ Entries []entry }
	call(t, session, "list", map[string]any{"what": "checkers", "match": "duplicate-eff*"}, &one)
	if len(one.Entries) != 1 || len(one.Entries[0].Clauses) == 0 {
		t.Errorf("%+v: expected the clauses of duplicate-effect", one)
	}
}

// An argument of a tool is a flag of its command, and docs/agents.md names each tool.
func TestToolsAreCommands(t *testing.T) {
	session, _ := inMemory(t)
	list, err := session.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/agents.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, row := range strings.Split(string(page), "\n") {
		if name, ok := strings.CutPrefix(row, "| `"); ok {
			name, _, _ = strings.Cut(name, "`")
			rows = append(rows, name)
		}
	}
	var names []string
	root := newRoot(process{})
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
		if tool.OutputSchema == nil || tool.Annotations == nil || tool.Description == "" {
			t.Errorf("%s: expected a schema of its output, hints and a description", tool.Name)
		}
		c, _, err := root.Find([]string{tool.Name})
		if !slices.Contains([]string{"run", "explore", "replay"}, tool.Name) {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tool.Name, err)
			continue
		}
		schema := tool.InputSchema.(map[string]any)
		for argument := range schema["properties"].(map[string]any) {
			if c.Flags().Lookup(strings.ReplaceAll(argument, "_", "-")) == nil && argument != "file" {
				t.Errorf("%s: %s is no flag of the command", tool.Name, argument)
			}
		}
	}
	slices.Sort(rows)
	slices.Sort(names)
	if !slices.Equal(rows, names) {
		t.Errorf("docs/agents.md has rows for %q: expected %q", rows, names)
	}
}
