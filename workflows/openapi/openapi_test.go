package openapi

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/internal/templates"
)

func load(t *testing.T) *Document {
	t.Helper()
	d, err := Load("testdata/shop.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func operation(t *testing.T, id string) *Operation {
	t.Helper()
	op, err := load(t).Operation(id)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

func TestRoutes(t *testing.T) {
	for id, want := range map[string]string{"reserve": "POST /v2/reservations", "order": "GET /orders/{order}"} {
		if op := operation(t, id); op.Method+" "+op.Path != want {
			t.Errorf("%s: %s %s, expected %s", id, op.Method, op.Path, want)
		}
	}
	for id, want := range map[string]string{
		"reserv": "expected reserve", "twice": "several operations",
		"pay-everything": "expected one of fell, forest, order, reserve, tree, twice",
	} {
		if _, err := load(t).Operation(id); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, expected %q", id, err, want)
		}
	}
}

func TestSuccess(t *testing.T) {
	for id, want := range map[string]int{"reserve": 201, "order": 200, "fell": 204} {
		if code, err := operation(t, id).Success(); code != want || err != nil {
			t.Errorf("%s: %d, %v: expected %d", id, code, err, want)
		}
	}
	none := &Operation{op: operation(t, "reserve").op}
	none.op.Responses.Codes.Delete("201")
	none.op.Responses.Codes.Delete("202")
	if _, err := none.Success(); !errors.Is(err, ErrNoSuccess) {
		t.Errorf("without a 2xx: %v", err)
	}
}

// rendered is what a service answers to a request.
func rendered(t *testing.T, body any, env map[string]any) string {
	t.Helper()
	tree, err := templates.ParseTree(body, "request", "new")
	if err != nil {
		t.Fatal(err)
	}
	v, err := tree.Value(env)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func asked(body any) map[string]any {
	return map[string]any{
		"new":     map[string]any{"id": "r-42"},
		"request": map[string]any{"path": map[string]any{"order": "o-1"}, "body": body},
	}
}

// An example becomes an answer to the request at hand, with ids of its own.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		id    string
		code  int
		named [][]string
		body  any // of the request
		want  string
	}{
		{
			"reserve", 201,
			[][]string{{"number"}},
			map[string]any{"sku": "pot", "items": []any{"b"}},
			`{"items":["b"],"note":"costs ${5}","number":"r-42","owner":{"name":"ada","userId":42},"reservationId":"r-42","sku":"pot"}`,
		},
		{
			"reserve", 201, nil, nil,
			`{"items":null,"note":"costs ${5}","number":"n-1","owner":{"name":"ada","userId":42},"reservationId":"r-42","sku":"cup"}`,
		},
		{
			"order", 200, nil, nil,
			`{"at":"2026-01-02T03:04:05Z","either":0.5,"id":"00000000-0000-4000-8000-000000000042","lines":[],"order":"o-1","orderId":42,"paid":false,"state":"NEW","two":["te","te"]}`,
		},
		{"fell", 204, nil, nil, `null`},
	} {
		a, err := operation(t, c.id).Answer(c.code, c.named)
		if err != nil {
			t.Fatal(err)
		}
		if got := rendered(t, a.Body, asked(c.body)); got != c.want {
			t.Errorf("%s: expected\n%s\ngot\n%s", c.id, c.want, got)
		}
	}
	if a, err := operation(t, "order").Plain(404); err != nil || rendered(t, a.Body, nil) != `{"id":"none"}` || a.Type != "application/problem+json" {
		t.Errorf("word for word: %+v, %v", a, err)
	}
	if _, err := operation(t, "tree").Answer(200, nil); err != nil {
		t.Errorf("a schema that may contain itself: %v", err)
	}
	if _, err := operation(t, "forest").Answer(200, nil); err == nil {
		t.Error("a schema that must contain itself has an example")
	}
}

// The digest of a document is another one when a file is that it refers to.
func TestSumKnowsWhatIsReferredTo(t *testing.T) {
	dir := t.TempDir()
	sum := func(more string) string {
		for _, name := range []string{"shop.yaml", "parts.yaml"} {
			b, err := os.ReadFile(filepath.Join("testdata", name))
			if err == nil && name == "parts.yaml" {
				b = append(b, more...)
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, name), b, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		d, err := Load(filepath.Join(dir, "shop.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		return string(d.Sum())
	}
	if first := sum(""); first != sum("") || first == sum("# more\n") {
		t.Error("expected one digest for the same files, and another one for others")
	}
}
