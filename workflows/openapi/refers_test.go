package openapi

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever of a document is somewhere else, in it or in another file, is as if it stood there.
func TestReferences(t *testing.T) {
	d, err := Load("testdata/refers.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		id   string
		code int
		want string
	}{
		{"path", 200, `{"name":"text","sub":5}`},
		{"parts", 200, `{"name":"text","sku":"cup"}`},
		{"parts", 400, `{"name":"text","sub":5}`},
		{"merged", 200, `{"at":"2026-01-02","n":1.5,"nothing":null,"one":2,"two":["a"],"when":"2026-01-02T03:04:05Z","y":"yes"}`},
		{"schema", 200, `{"alone":"there","beside":"here","const":7,"escaped":"te","list":[{"name":"text","sub":5}],"nullable":"A","several":"first"}`},
		{"example", 200, `{"which":"z"}`},
	} {
		op, err := d.Operation(c.id)
		if err != nil {
			t.Fatal(err)
		}
		a, err := op.Answer(c.code, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := rendered(t, a.Body, asked(map[string]any{"sku": "cup"})); got != c.want {
			t.Errorf("%s: expected\n%s\ngot\n%s", c.id, c.want, got)
		}
	}
}

// A document is read as editors and programs write it.
func TestFormsOfFiles(t *testing.T) {
	plain := `{"openapi": "3.0.3", "paths": {"/a": {"get": {"operationId": "a", "responses": {"204": {"description": "gone"}}}}}}`
	for name, text := range map[string]string{
		"JSON with tabs":            strings.ReplaceAll(plain, `{"`, "{\n\t\t\""),
		"with a byte order mark":    "\ufeff" + plain,
		"lines as on Windows":       strings.ReplaceAll(plain, `, "`, ",\r\n\""),
		"a version that is no text": strings.ReplaceAll(plain, `"3.0.3"`, "3.1"),
	} {
		file := filepath.Join(t.TempDir(), "a.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := Load(file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := d.Operation("a"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
