package yamlfile

import (
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// numberForm is what YAML calls a number, whether or not the decoder does: to it 1e3 is a text.
var numberForm = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)

// Changed are the numbers, where a value of any type is expected, that would be written in JSON otherwise than they
// stand in the file: 4200.00 as 4200, and 1e3 as a text.
func (sh *Shape) Changed() Problems { return sh.changed }

// number notes one that is written otherwise.
func (sh *Shape) number(n ast.Node, field string) {
	t := n.GetToken()
	var written string
	switch n := n.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		b, err := json.Marshal(n.(ast.ScalarNode).GetValue())
		if written = string(b); err != nil || written == t.Value {
			return
		}
		written = "as " + written
	case *ast.StringNode:
		if t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType || !numberForm.MatchString(n.Value) {
			return
		}
		written = "as the text " + fmt.Sprintf("%q", n.Value)
	case *ast.InfinityNode, *ast.NanNode:
		written = "not at all"
	default:
		return
	}
	p := &Problem{Field: field, Reason: fmt.Sprintf("%s would be sent %s: expected another number, a text in quotes, or a file in JSON, whose numbers stay as they are", clip(t.Value), clip(written))}
	p.At(t.Position)
	sh.changed = append(sh.changed, p)
}
