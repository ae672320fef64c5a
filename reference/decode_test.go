package reference

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/sagacheck/sagacheck/saga"
)

// What is refused costs little more than what it takes to read it.
func TestRefusingCostsLittle(t *testing.T) {
	many := func(what string) string {
		return strings.TrimSuffix(strings.Repeat(what+",", (maxBody-100)/(len(what)+1)), ",")
	}
	for name, tt := range map[string]struct{ body, field string }{
		"steps": {`{"id":"a","steps":[` + many("{}") + `]}`, "steps"},
		"after": {`{"id":"a","steps":[{"after":[` + many(`""`) + `]}]}`, "steps[0].after"},
		"deep":  {`{"id":"a","name":` + strings.Repeat("[", maxBody/2), "name[0][0][0][0][0][0][0]"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := decodeDefinition(strings.NewReader(tt.body))
		runtime.ReadMemStats(&after)
		var invalid *InvalidError
		if !errors.As(err, &invalid) || invalid.Field != tt.field {
			t.Errorf("%s: %.200v", name, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 24*maxBody {
			t.Errorf("%s: took %d bytes", name, used)
		}
	}
}

// A field that is not there is named with its path, wherever it lies.
func TestUnknownFieldsHaveAPath(t *testing.T) {
	text, err := jsonOf(NewParticipant(t, nil).Define("s", "a compensatable", "b compensatable", "c compensatable"))
	if err != nil {
		t.Fatal(err)
	}
	for path, reason := range map[string]string{
		"foo": "unknown field", "steps[2].foo": "unknown field", "steps[2].action.foo": "unknown field",
		"steps[2].action.retry.foo": "unknown field", "steps[1].compensation.retry.foo": "unknown field",
		"steps[0].action.breaker.foo": "unknown field", "steps[0].action.body.foo": "",
		"steps[0].action.retry.Jitter": "unknown field: names are lower-case",
		"body":                         "unknown field", // it is opaque where it is one
	} {
		got, err := decodeDefinition(strings.NewReader(with(t, text, path)))
		var invalid *InvalidError
		switch {
		case reason == "" && err != nil:
			t.Errorf("%s: %v, %v", path, got, err)
		case reason != "" && (!errors.As(err, &invalid) || *invalid != InvalidError{path, reason}):
			t.Errorf("%s: %v", path, err)
		}
	}
}

// with sets a field of a JSON text that is not there.
func with(t *testing.T, text, path string) string {
	t.Helper()
	var whole map[string]any
	if err := json.Unmarshal([]byte(text), &whole); err != nil {
		t.Fatal(err)
	}
	names := strings.Split(path, ".")
	at := whole
	for _, name := range names[:len(names)-1] {
		name, index, list := strings.Cut(strings.TrimSuffix(name, "]"), "[")
		if at[name] == nil || name == "body" {
			at[name] = map[string]any{}
		}
		next := at[name]
		if list {
			i, err := strconv.Atoi(index)
			if err != nil {
				t.Fatal(err)
			}
			next = next.([]any)[i]
		}
		at = next.(map[string]any)
	}
	at[names[len(names)-1]] = map[string]any{"x": 1}
	b, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Bodies that are there at once are bounded in bytes, and leave room again.
func TestBodiesAreBounded(t *testing.T) {
	e := OpenTest(t, Options{})
	f := newFront(Access{}, e, nil)
	f.bodies.Store(maxBodies - 100)
	p := NewParticipant(t, nil)
	text, err := jsonOf(p.Define("s", "a compensatable"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{503, 202} {
		r := httptest.NewRequest("POST", "http://localhost/sagas", strings.NewReader(text))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		if f.ServeHTTP(w, r); w.Code != want {
			t.Error(w.Code, w.Body)
		}
		if want == 503 && f.bodies.Load() != maxBodies-100 {
			t.Error(f.bodies.Load())
		}
		f.bodies.Store(0)
	}
	AwaitStatus(t, e, "s", saga.Completed)
}

// What a saga takes while it is open grows with what may be under way at once.
func TestOpenSize(t *testing.T) {
	p := NewParticipant(t, nil)
	apart := chain(p, 100)
	for i := range apart.Steps {
		apart.Steps[i].After = []string{}
	}
	for want, d := range map[int]saga.Definition{
		1:   chain(p, 100),
		100: apart,
		2:   p.Define("s", "a compensatable", "b compensatable a", "c compensatable a", "d pivot b,c"),
	} {
		if got := width(d); got != want {
			t.Errorf("%d at once, want %d", got, want)
		}
	}
	e := OpenTest(t, Options{})
	e.open = maxOpenBytes - openSize(apart) + 1
	if err := e.Submit(t.Context(), apart); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
	e.open = 0
}

// However a client holds a connection, there is an end of it.
func TestConnectionsEnd(t *testing.T) {
	s := newServer(http.NotFoundHandler())
	if s.ReadHeaderTimeout == 0 || s.ReadTimeout == 0 || s.WriteTimeout == 0 || s.IdleTimeout == 0 || s.MaxHeaderBytes == 0 {
		t.Errorf("%+v", s)
	}
	r := httptest.NewRequest("POST", "http://localhost/sagas", io.MultiReader(strings.NewReader("{"), late{}))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	if OpenTest(t, Options{}).Handler().ServeHTTP(w, r); w.Code != 408 {
		t.Error(w.Code, w.Body)
	}
}

// late is a body of which nothing more comes in time.
type late struct{}

func (late) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }
