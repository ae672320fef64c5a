package workflows

import (
	"maps"
	"path/filepath"
	"slices"

	"github.com/expr-lang/expr/ast"

	"github.com/sagacheck/sagacheck/internal/templates"
	"github.com/sagacheck/sagacheck/workflows/openapi"
)

// document fills in what the OpenAPI document of a service says of its operations.
func (c *compiler) document(at string, s *Service) {
	var doc *openapi.Document
	if s.OpenAPI != "" {
		file := filepath.FromSlash(s.OpenAPI)
		if !filepath.IsAbs(file) {
			file = filepath.Join(c.w.dir, file)
		}
		var err error
		if doc, err = openapi.Load(file); err != nil {
			c.bad(at+".openapi", "%q: %w", s.OpenAPI, err)
		} else {
			c.digest.Write(doc.Sum())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Operations)) {
		op := s.Operations[name]
		if op == nil {
			continue
		}
		at := at + ".operations." + name
		switch {
		case op.Operation == "" && op.Request == "":
			c.bad(at+".request", "must be given: a method and a path, POST /payments/{paymentId}/refund; or operation: an operationId of the service's openapi document")
		case op.Operation != "" && op.Request != "":
			c.bad(at+".operation", "expected either request or operation")
		case op.Operation != "" && s.OpenAPI == "":
			c.bad(at+".operation", "%q: expected openapi: in the service, the document that has it", op.Operation)
		case op.Operation != "" && doc != nil:
			c.documented(at, s, name, doc)
		}
	}
}

// documented fills in one operation.
func (c *compiler) documented(at string, s *Service, name string, doc *openapi.Document) {
	op := s.Operations[name]
	said, err := doc.Operation(op.Operation)
	if err != nil {
		c.add(at+".operation", err)
		return
	}
	op.Request = said.Method + " " + said.Path
	code := op.Answer.Code
	if code == 0 {
		if code, err = said.Success(); err != nil {
			c.bad(at+".operation", "%q: %w: expected answer: {code: 200}", op.Operation, err)
			return
		}
	}
	if op.Missing == nil && said.Has(404) {
		if a, err := said.Plain(404); err == nil { // without an example the usual one will do
			op.Missing = &Answer{Code: 404, Headers: typed(nil, a.Type), Body: a.Body}
		}
	}
	op.Answer.Code = code
	_, whole := op.Answer.Body.(map[string]any)
	switch whole = op.Answer.Body != nil && !whole; { // what is no mapping takes the example's place
	case op.Reads != "" && op.Answer.Body == nil && said.Has(code):
		c.bad(at+".answer.body", "must be given: an operation that reads answers what is there, and no example knows that: ${map(effects, .answer.body)}")
		return
	case op.Reads != "" || whole:
		return
	}
	a, err := said.Answer(code, named(s, name))
	if err != nil {
		if op.Answer.Body == nil {
			c.bad(at+".operation", "%q: %w: expected answer.body", op.Operation, err)
		}
		return
	}
	op.Answer.Body = over(a.Body, op.Answer.Body)
	op.Answer.Headers = typed(op.Answer.Headers, a.Type)
}

// typed adds a media type to headers that have none.
func typed(headers map[string]string, media string) map[string]string {
	if media == "" || media == "application/json" {
		return headers
	}
	out := map[string]string{"Content-Type": media}
	maps.Copy(out, headers)
	return out
}

// over lays what a file says over an example, field by field.
func over(example, said any) any {
	a, ok1 := example.(map[string]any)
	b, ok2 := said.(map[string]any)
	switch {
	case said == nil:
		return example
	case !ok1 || !ok2:
		return said
	}
	out := maps.Clone(a)
	for k, v := range b {
		out[k] = over(a[k], v)
	}
	return out
}

// named are the fields of an operation's answers by which others name what was done: they
// must be other ones in each answer.
func named(s *Service, name string) (paths [][]string) {
	for _, other := range slices.Sorted(maps.Keys(s.Operations)) {
		op := s.Operations[other]
		if op == nil || op.Undoes != name || op.Which == "" {
			continue
		}
		p, err := templates.Compile(op.Which, whichVars...)
		if err != nil {
			continue // is told where which is compiled
		}
		node := p.Node()
		ast.Find(node, func(n ast.Node) bool {
			if path, ok := member(n); ok && len(path) > 3 && slices.Equal(path[:3], []string{"action", "answer", "body"}) {
				paths = append(paths, path[3:])
			}
			return false
		})
	}
	return paths
}

// member is a chain of names: action.answer.body.paymentId.
func member(n ast.Node) ([]string, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return []string{n.Value}, true
	case *ast.ChainNode:
		return member(n.Node)
	case *ast.MemberNode:
		name, ok := n.Property.(*ast.StringNode)
		if !ok {
			return nil, false
		}
		of, ok := member(n.Node)
		return append(of, name.Value), ok
	}
	return nil, false
}
