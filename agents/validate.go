package agents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sagacheck/sagacheck/internal/words"
	"github.com/sagacheck/sagacheck/internal/yamlfile"
	"github.com/sagacheck/sagacheck/results"
)

// mostProblems is how many mistakes of a file are told: more of them are mended after these.
const mostProblems = 20

type fileArguments struct {
	File string `json:"file" jsonschema:"path of the file" flag:"-"`
}

type validity struct {
	File     string    `json:"file"`
	Valid    bool      `json:"valid"`
	Problems []problem `json:"problems,omitempty" jsonschema:"what is wrong: has to be mended before it can be run"`
	Advice   []advice  `json:"advice,omitempty" jsonschema:"what goes against a rule of durable workflows: often a bug of the workflow that a run will show"`
	LeftOut  int       `json:"left_out,omitempty" jsonschema:"further problems or advice"`
}

type problem struct {
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	Field  string `json:"field,omitempty"`
	Reason string `json:"reason" jsonschema:"quotes what stands there, and says what was expected"`
}

// advice is a finding, as sagacheck lint --json has it.
type advice struct {
	Line  int    `json:"line"`
	Field string `json:"field"`
	Rule  string `json:"rule"`
	Text  string `json:"text"`
	Why   string `json:"why"`
}

func (s *server) validate(ctx context.Context, _ *mcp.CallToolRequest, in fileArguments) (v validity, err error) {
	v.File = in.File
	e := s.ask(ctx, "lint", "--json", "--", in.File)
	switch e.Exit {
	case results.ExitPass, results.ExitViolation:
		v.Valid = true
		if err := json.Unmarshal([]byte(e.Output), &v.Advice); err != nil {
			return v, fmt.Errorf("%s: %w", e.Command, err)
		}
		v.LeftOut = cut(&v.Advice, mostProblems)
		return v, nil
	case results.ExitUsage:
		if unread := new(fs.PathError); errors.As(e.Err, &unread) {
			return v, s.failed(e)
		}
		for _, p := range yamlfile.In(e.Err) {
			reason := s.Bare(strings.TrimPrefix(p.Reason, in.File+": "))
			v.Problems = append(v.Problems, problem{p.Line, p.Column, p.Field, reason})
		}
		v.LeftOut = cut(&v.Problems, mostProblems)
		return v, nil
	}
	return v, s.failed(e)
}

func (v validity) text() string {
	var b strings.Builder
	if v.Valid {
		fmt.Fprintf(&b, "%s: valid (not yet run)\n", v.File)
	} else {
		fmt.Fprintf(&b, "%s: not valid: %s\n", v.File, words.Plural(len(v.Problems)+v.LeftOut, "problem"))
	}
	for _, p := range v.Problems {
		q := yamlfile.Problem{File: v.File, Line: p.Line, Column: p.Column, Field: p.Field, Reason: p.Reason}
		b.WriteString(q.Error() + "\n")
	}
	for _, a := range v.Advice {
		fmt.Fprintf(&b, "advice: %s:%d: %s: %s: %s. %s\n", v.File, a.Line, a.Field, a.Rule, a.Text, a.Why)
	}
	if v.LeftOut > 0 {
		fmt.Fprintf(&b, "and %d more\n", v.LeftOut)
	}
	return b.String()
}

type initArguments struct {
	File string `json:"file,omitempty" jsonschema:"where to write it (default workflow.yaml); must not be there yet" flag:"-"`
}

type written struct {
	File string `json:"file"`
	Text string `json:"content" jsonschema:"what was written"`
}

func (s *server) init(ctx context.Context, _ *mcp.CallToolRequest, in initArguments) (w written, err error) {
	w.File = in.File
	if w.File == "" {
		w.File = "workflow.yaml"
	}
	if e := s.ask(ctx, "init", "--", w.File); e.Exit != 0 {
		return w, s.failed(e)
	}
	text, err := os.ReadFile(w.File)
	w.Text = string(text)
	return w, err
}

func (w written) text() string { return w.File + ": written\n\n" + w.Text }
