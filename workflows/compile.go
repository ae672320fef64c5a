package workflows

import (
	"fmt"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"github.com/sagacheck/sagacheck/internal/templates"
	"github.com/sagacheck/sagacheck/participants"
)

// compiled is an operation's expressions and templates.
type compiled struct {
	Name    string
	Service string

	route     *route
	condition *vm.Program
	sagaOf    *vm.Program // nil: none, or only
	only      bool
	eachOf    *vm.Program
	whichOf   *vm.Program
	effect    effect
	answerOf  *answer
	missing   *answer
	repeat    participants.Repeat
	repeated  *answer
	undone    *Operation
}

// answer is the template of an answer.
type answer struct {
	code    int
	headers map[string]*templates.Text
	body    *templates.Tree // nil: none
}

// Variables of expressions, by where they stand.
var (
	requestVars = []string{"request"}
	sagaVars    = []string{"request", "of"}
	whichVars   = []string{"request", "action"}
	effectVars  = []string{"request", "action", "saga", "id", "start"}
	answerVars  = []string{"request", "action", "effects", "new", "saga", "id", "start"}
	startVars   = []string{"saga", "draw"}
	outcomeVars = []string{"saga", "id", "start"}
	replyVars   = []string{"answer", "saga"}
)

func compileAnswer(a Answer, standard int, add func(field string, err error)) *answer {
	c := &answer{code: a.Code, headers: map[string]*templates.Text{}}
	if c.code == 0 {
		c.code = standard
	}
	for name, v := range a.Headers {
		t, err := templates.ParseText(v, answerVars...)
		if err != nil {
			add("headers."+name, err)
		}
		c.headers[name] = t
	}
	if a.Body != nil {
		t, err := templates.ParseTree(a.Body, answerVars...)
		if err != nil {
			add("body", err)
		}
		c.body = t
	}
	return c
}

// run evaluates an expression; nil is an error that quotes it.
func run(p *vm.Program, env map[string]any) (any, error) {
	v, err := expr.Run(p, env)
	if err != nil {
		// The library draws the place below its reason.
		reason, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("expression %q: %s", p.Source().String(), reason)
	}
	return v, nil
}

func truth(p *vm.Program, env map[string]any) (bool, error) {
	v, err := run(p, env)
	if err != nil {
		return false, err
	}
	yes, ok := v.(bool)
	if !ok {
		return false, fmt.Errorf("expression %q: expected true or false, got %v", p.Source().String(), v)
	}
	return yes, nil
}
