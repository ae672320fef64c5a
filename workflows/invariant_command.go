package workflows

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"

	"github.com/sagacheck/sagacheck/internal/templates"
	"github.com/sagacheck/sagacheck/orchestrators"
)

// command runs a program, and gives what it printed and its exit code.
type command struct {
	words []*templates.Text
	coded bool // the expression looks at the code
}

func (c *compiler) commandQuestion(at string, v any) (question, string) {
	raw, _ := v.([]any)
	q := &command{}
	for i, x := range raw {
		s, ok := x.(string)
		if !ok || s == "" {
			c.bad(fmt.Sprintf("%s.command[%d]", at, i), "expected a text")
			return nil, ""
		}
		c.placed(fmt.Sprintf("%s.command[%d]", at, i), s)
		q.words = append(q.words, c.text(fmt.Sprintf("%s.command[%d]", at, i), escapePlaces(s), factVars))
	}
	if len(q.words) == 0 {
		c.bad(at+".command", "expected a list: the program and its arguments")
		return nil, ""
	}
	return q, fmt.Sprint(raw)
}

// looksAt tells whether an expression speaks of a variable.
func looksAt(p *vm.Program, name string) bool {
	found := false
	node := p.Node()
	ast.Find(node, func(n ast.Node) bool {
		id, ok := n.(*ast.IdentifierNode)
		found = found || ok && id.Value == name
		return found
	})
	return found
}

// leaveLimit is how long what a command has started may keep its output open when the
// command is over.
const leaveLimit = time.Second

func (*command) vars() []string { return []string{"output", "code"} }

func (q *command) ask(ctx context.Context, s setting) (map[string]any, error) {
	var words []string
	for _, w := range q.words {
		word, err := w.Render(s.env())
		if err != nil {
			return nil, err
		}
		words = append(words, s.fill(unescapePlaces(word)))
	}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir = s.dir
	cmd.WaitDelay = leaveLimit
	var out, complaint bounded
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := orchestrators.RunAsGroup(cmd)
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s: %w", words[0], ctx.Err())
	case out.over:
		return nil, fmt.Errorf("%s: it said more than %d bytes", words[0], mostAnswered)
	case err == nil, q.coded && errors.As(err, &exit) && exit.Exited():
	default:
		return nil, fmt.Errorf("%s: %w%s", words[0], err, complaint.told())
	}
	return map[string]any{"output": bodyValue("", bytes.TrimRight(out.kept.Bytes(), "\r\n")), "code": cmd.ProcessState.ExitCode()}, nil
}

// bounded keeps the beginning of what is written.
type bounded struct {
	kept bytes.Buffer
	over bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.kept.Len()+len(p) > mostAnswered {
		b.over = true
		return len(p), nil
	}
	return b.kept.Write(p)
}

// told is what was complained of, for an error.
func (b *bounded) told() string {
	if s := strings.TrimSpace(b.kept.String()); s != "" {
		return fmt.Sprintf(": %.500s", s)
	}
	return ""
}
