package agents

import (
	"context"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// reads are the hints of tools that change nothing.
var reads = &mcp.ToolAnnotations{ReadOnlyHint: true, IdempotentHint: true, OpenWorldHint: new(bool)}

// writes are those of the tool that adds a file, and changes none.
var writes = &mcp.ToolAnnotations{DestructiveHint: new(bool), OpenWorldHint: new(bool)}

// runs are those of tools that run commands of the user's own: nobody knows what these do.
var runs = &mcp.ToolAnnotations{}

func (s *server) addTools(m *mcp.Server) {
	add(m, "list", reads, `Names what there is: scenarios, faults, checkers (the properties that are judged, with their clauses), defects (planted bugs, to see that the checkers find them), orchestrators, or packs. Takes no time. Lists are cut at limit; match narrows them.`, s.list)
	add(m, "init", writes, `Writes a commented first file for testing a workflow of your own, and gives its text: which call of which service is which step, how a saga starts and ends, what is promised. A file that is there is never overwritten. Change it to what the workflow does, then validate it.`, s.init)
	add(m, "validate", reads, `Reads a file without running anything: a workflow's, a scenario, a plan, a manifest of an orchestrator, policies, or a saga as a client submits it. Gives every mistake with line, field and what was expected (valid is false), and for a valid file what goes against the rules of durable workflows (advice). Takes no time. A valid file is not a tested one: run it.`, s.validate)
	add(m, "run", runs, `Runs scenarios, or a workflow of your own (workflow), under fault plans, and judges what came of it. Without a plan all kinds of faults are tried; that takes from seconds (one scenario, runs 0 and curated false, or a plan) to many minutes (all): set max_time. The verdict is pass only if every planned fault fired and every property was at risk and held. violation: findings has what was broken, each with a file for explain and replay. vacuous, inconclusive, incomplete: not proven, no pass. A workflow's file and an orchestrator's manifest name commands, which are run.`, s.run)
	add(m, "explore", runs, `Like run, but systematically: every kind of fault at every failure point that a scenario or workflow reaches, up to depth faults a plan. Minutes; with depth 2 hours: set max_time or max_plans. What they cut off makes it incomplete, which is no pass. Findings are shrunk to the smallest plan that still fails.`, s.explore)
	add(m, "findings", reads, `Lists what a run that is over came to, from its folder: verdict, what was at risk, findings with their files. Takes no time, and judges nothing anew.`, s.findings)
	add(m, "explain", reads, `Explains one finding, from its file (findings of run, explore or findings): what was broken, by which fault, the order of events with those that prove it, what took effect how often, which policy let it through, and what prevents it. Takes no time.`, s.explain)
	add(m, "replay", runs, `Runs the cell of a finding's file again, and says in how many of so many times it failed again. Seconds a time. After a mend: pass means that this one does not happen any more, not that nothing else does (run again).`, s.replay)
}

// add adds a tool whose answer has a text for people and agents beside its data.
func add[In any, Out interface{ text() string }](m *mcp.Server, name string, hints *mcp.ToolAnnotations, what string, do func(context.Context, *mcp.CallToolRequest, In) (Out, error)) {
	mcp.AddTool(m, &mcp.Tool{Name: name, Description: what, Annotations: hints}, func(ctx context.Context, req *mcp.CallToolRequest, in In) (*mcp.CallToolResult, Out, error) {
		out, err := do(ctx, req, in)
		if err != nil {
			return nil, out, err
		}
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: out.text()}}}, out, nil
	})
}
