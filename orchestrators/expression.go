package orchestrators

import (
	"github.com/expr-lang/expr/vm"

	"github.com/sagacheck/sagacheck/internal/templates"
)

func compileTo(to **vm.Program, path, src, standard string, known ...string) error {
	if src == "" {
		src = standard
	}
	if src == "" {
		return bad(path, "must be given")
	}
	p, err := templates.Compile(src, known...)
	if err != nil {
		return badly(path, err)
	}
	*to = p
	return nil
}
