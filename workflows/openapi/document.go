package openapi

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Document is one document with the files that it refers to.
type Document struct {
	operations map[string]*Operation // by operationId
	twice      map[string]bool       // operationIds that several operations have
	sum        hash.Hash
}

// Operation is one operation of a document.
type Operation struct {
	ID     string
	Method string
	Path   string // with the base path of its server: /v1/payments/{paymentId}

	op     *openapi3.Operation
	params []string // of the path
}

// maxFile bounds the bytes of a document, and of each file that it refers to.
const maxFile = 16 << 20

// Load reads a document. Files that it refers to lie on this machine: nothing is fetched.
func Load(file string) (*Document, error) {
	d := &Document{operations: map[string]*Operation{}, twice: map[string]bool{}, sum: sha256.New()}
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	loader := openapi3.NewLoader()
	loader.IncludeOrigin = true // which example is the first
	loader.ReadFromURIFunc = d.read
	doc, err := loader.LoadFromFile(abs)
	if err != nil {
		return nil, explained(err, filepath.Dir(abs))
	}
	switch _, swagger := doc.Extensions["swagger"]; {
	case swagger:
		return nil, errors.New("it is Swagger 2.0: expected OpenAPI 3.0 or 3.1")
	case !strings.HasPrefix(doc.OpenAPI, "3."):
		return nil, fmt.Errorf("it is no OpenAPI document (openapi: %q): expected openapi: 3.0.x or 3.1.x", doc.OpenAPI)
	}
	return d, d.collect(doc)
}

// read reads a file of the document.
func (d *Document) read(_ *openapi3.Loader, at *url.URL) ([]byte, error) {
	if at.Host != "" || at.Scheme != "" && at.Scheme != "file" {
		return nil, fmt.Errorf("$ref %q: expected a file on this machine", at)
	}
	file := filepath.FromSlash(at.Path)
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s is too large: expected at most %d bytes", file, maxFile)
	}
	b, err := os.ReadFile(file)
	d.sum.Write(b)
	return b, err
}

// Sum is a digest of all files that were read.
func (d *Document) Sum() []byte { return d.sum.Sum(nil) }

// explained is an error of the library on one line, without the folder of the document.
func explained(err error, dir string) error {
	if errors.Is(err, os.ErrNotExist) {
		var missing *os.PathError
		if errors.As(err, &missing) {
			return fmt.Errorf("there is no file %q", relative(missing.Path, dir))
		}
	}
	text := strings.Join(strings.Fields(err.Error()), " ")
	text = strings.ReplaceAll(text, filepath.ToSlash(dir)+"/", "")
	return fmt.Errorf("%.300s", text)
}

func relative(file, dir string) string {
	if rel, err := filepath.Rel(dir, file); err == nil {
		return filepath.ToSlash(rel)
	}
	return file
}

// collect finds the operations that have an operationId.
func (d *Document) collect(doc *openapi3.T) error {
	for _, path := range doc.Paths.Keys() {
		item := doc.Paths.Value(path)
		if item == nil {
			continue
		}
		for method, op := range item.Operations() {
			if op.OperationID == "" {
				continue
			}
			base, err := basePath(doc, item, op)
			if err != nil {
				return err
			}
			d.twice[op.OperationID] = d.operations[op.OperationID] != nil
			d.operations[op.OperationID] = &Operation{ID: op.OperationID, Method: method, Path: base + path, op: op, params: params(path)}
		}
	}
	if len(d.operations) == 0 {
		return errors.New("none of its paths has an operation with an operationId")
	}
	return nil
}

// basePath is the path of the first server of an operation, with the defaults of its
// variables; empty: none.
func basePath(doc *openapi3.T, item *openapi3.PathItem, op *openapi3.Operation) (string, error) {
	servers := doc.Servers
	if len(item.Servers) > 0 {
		servers = item.Servers
	}
	if op.Servers != nil && len(*op.Servers) > 0 {
		servers = *op.Servers
	}
	if len(servers) == 0 || servers[0] == nil {
		return "", nil
	}
	text := servers[0].URL
	for name, v := range servers[0].Variables {
		if v != nil {
			text = strings.ReplaceAll(text, "{"+name+"}", v.Default)
		}
	}
	u, err := url.Parse(text)
	if err != nil {
		return "", fmt.Errorf("servers: %w", err)
	}
	return strings.TrimRight("/"+strings.TrimLeft(u.EscapedPath(), "/"), "/"), nil
}

// params are the names in braces of a path.
func params(path string) (names []string) {
	for _, part := range strings.Split(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

// Operation finds an operation by its operationId. The error says which ones there are.
func (d *Document) Operation(id string) (*Operation, error) {
	switch op := d.operations[id]; {
	case d.twice[id]:
		return nil, fmt.Errorf("%q: several operations of the document have this operationId", id)
	case op != nil:
		return op, nil
	}
	return nil, fmt.Errorf("%q is no operationId of the document: expected %s", id, d.near(id))
}

// mostNamed is how many operations a message names.
const mostNamed = 12

// near are the operationIds that are spelt like one, or else the first of all.
func (d *Document) near(id string) string {
	all := slices.Sorted(maps.Keys(d.operations))
	least := 1 + len(id)/4 // more letters than these are no slip
	var nearest []string
	for _, name := range all {
		switch n := distance(strings.ToLower(id), strings.ToLower(name)); {
		case n < least || n == least && nearest == nil:
			least, nearest = n, []string{name}
		case n == least:
			nearest = append(nearest, name)
		}
	}
	switch {
	case nearest != nil:
		return strings.Join(nearest, " or ")
	case len(all) > mostNamed:
		return fmt.Sprintf("one of its %d, %s …", len(all), strings.Join(all[:mostNamed], ", "))
	}
	return "one of " + strings.Join(all, ", ")
}

// distance is how many letters have to be changed, put in or left out to make one text of
// another (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := before
			if a[i] != b[j] {
				changed++
			}
			before = row[j+1]
			row[j+1] = min(changed, row[j]+1, before+1)
		}
	}
	return row[len(b)]
}
