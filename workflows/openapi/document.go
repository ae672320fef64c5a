package openapi

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/pb33f/libopenapi"
	"github.com/pb33f/libopenapi/datamodel"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
	"github.com/pb33f/libopenapi/index"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
)

// Document is one document with the files that it refers to.
type Document struct {
	operations map[string]*Operation // by operationId
	twice      map[string]bool       // operationIds that several operations have
	sum        []byte
}

// Operation is one operation of a document.
type Operation struct {
	ID     string
	Method string
	Path   string // with the base path of its server: /v1/payments/{paymentId}

	op     *v3.Operation
	params []string // of the path
}

// maxFile bounds the bytes of a document.
const maxFile = 16 << 20

// Load reads a document. Files that it refers to lie on this machine: nothing is fetched.
func Load(file string) (*Document, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	text, err := yamlfile.Read(abs, maxFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no file %q", filepath.Base(abs))
	}
	if err == nil {
		text, err = check(text)
	}
	if err != nil {
		return nil, err
	}
	config := datamodel.NewDocumentConfiguration()
	config.BasePath, config.SpecFilePath = filepath.Dir(abs), filepath.Base(abs)
	config.AllowFileReferences, config.AllowRemoteReferences = true, false
	config.SkipCircularReferenceCheck = true // one matters only to whom no example ends: build
	config.Logger = slog.New(slog.DiscardHandler)
	whole, err := libopenapi.NewDocumentWithConfiguration(text, config)
	if err != nil {
		return nil, explained(err)
	}
	doc, err := whole.BuildV3Model()
	if err != nil {
		return nil, explained(err)
	}
	d := &Document{operations: map[string]*Operation{}, twice: map[string]bool{}}
	if d.sum, err = digest(text, doc.Index.GetRolodex().GetIndexes()); err != nil {
		return nil, err
	}
	return d, d.collect(&doc.Model)
}

// check refuses what is no OpenAPI document of a version that is read here. It gives the text without a mark of
// its byte order.
func check(text []byte) ([]byte, error) {
	if len(text) > maxFile {
		return nil, fmt.Errorf("the file is too large: expected at most %d bytes", maxFile)
	}
	text, bad := yamlfile.Text(text)
	if bad != nil {
		return nil, bad
	}
	var says struct {
		OpenAPI any `yaml:"openapi"`
		Swagger any `yaml:"swagger"`
	}
	if err := yaml.Unmarshal(text, &says); err != nil {
		return nil, yamlfile.NotYAML(err)
	}
	switch version := fmt.Sprint(says.OpenAPI); {
	case says.Swagger != nil:
		return nil, errors.New("it is Swagger 2.0: expected OpenAPI 3.0 or 3.1")
	case says.OpenAPI == nil:
		return nil, errors.New("it is no OpenAPI document: expected openapi: 3.0.x or 3.1.x")
	case !strings.HasPrefix(version, "3."):
		return nil, fmt.Errorf("openapi: %q: expected 3.0.x or 3.1.x", version)
	}
	return text, nil
}

// digest is that of a document and of the files that were read for it.
func digest(text []byte, read []*index.SpecIndex) ([]byte, error) {
	var files []string
	for _, i := range read {
		files = append(files, i.GetSpecAbsolutePath())
	}
	sum := sha256.New()
	sum.Write(text)
	for _, file := range slices.Compact(slices.Sorted(slices.Values(files))) {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		sum.Write(b)
	}
	return sum.Sum(nil), nil
}

// explained is an error of the library: of a reference that leads nowhere, or else what it says, on one line.
func explained(err error) error {
	var nowhere *index.IndexingError
	if errors.As(err, &nowhere) {
		if ref, ok := value(nowhere.Node).(map[string]any); ok && ref["$ref"] != nil {
			return fmt.Errorf("$ref %q leads nowhere: expected something in the document, or in a file on this machine", ref["$ref"])
		}
	}
	return fmt.Errorf("%.300s", strings.Join(strings.Fields(err.Error()), " "))
}

// Sum is a digest of all files that were read.
func (d *Document) Sum() []byte { return d.sum }

// collect finds the operations that have an operationId.
func (d *Document) collect(doc *v3.Document) error {
	if doc.Paths == nil {
		doc.Paths = &v3.Paths{}
	}
	for path, item := range doc.Paths.PathItems.FromOldest() {
		for method, op := range item.GetOperations().FromOldest() {
			if op.OperationId == "" {
				continue
			}
			base, err := basePath(cmp.Or(first(op.Servers), first(item.Servers), first(doc.Servers)))
			if err != nil {
				return err
			}
			if op.Responses == nil {
				op.Responses = &v3.Responses{}
			}
			d.twice[op.OperationId] = d.operations[op.OperationId] != nil
			d.operations[op.OperationId] = &Operation{ID: op.OperationId, Method: strings.ToUpper(method), Path: base + path, op: op, params: params(path)}
		}
	}
	if len(d.operations) == 0 {
		return errors.New("none of its paths has an operation with an operationId")
	}
	return nil
}

// first is the first server of a list; nil: there is none.
func first(servers []*v3.Server) *v3.Server {
	if len(servers) == 0 {
		return nil
	}
	return servers[0]
}

// basePath is the path of a server, with the defaults of its variables; empty: none.
func basePath(server *v3.Server) (string, error) {
	if server == nil {
		return "", nil
	}
	text := server.URL
	for name, v := range server.Variables.FromOldest() {
		text = strings.ReplaceAll(text, "{"+name+"}", v.Default)
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
