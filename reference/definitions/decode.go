package definitions

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

// Decode reads a body strictly: UTF-8, one JSON value, and of each field
// the exact name, once. Whoever reads "Steps" or the second of two differently from
// us would see another saga than the one that runs. Inside of the bodies of calls
// anything goes: they are not ours.
func Decode(r io.Reader) (saga.Definition, error) {
	var def saga.Definition
	text, err := io.ReadAll(r)
	if err != nil {
		return def, err
	}
	if err := walk(text).definition(); err != nil {
		return def, decodeError(err, text)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&def); err != nil {
		return def, decodeError(err, text)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return def, &InvalidError{"body", "expected one JSON value"}
	}
	if err := validateBodies(def); err != nil {
		return def, err
	}
	if at := invalidUTF8(text); at >= 0 {
		return def, &InvalidError{"body", fmt.Sprintf("byte %d is not UTF-8", at)}
	}
	return def, nil
}

// decodeError says which field could not be read.
func decodeError(err error, text []byte) *InvalidError {
	var invalid *InvalidError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &invalid):
		return invalid
	case errors.As(err, &wrong):
		w := walk(text)
		w.until = wrong.Offset
		_ = w.definition() // it did not fail before
		return &InvalidError{cmp.Or(w.at, "body"), fmt.Sprintf("%s: expected %s", wrong.Value, wordFor(wrong.Type))}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &InvalidError{"body", "ends too soon: expected one JSON value"}
	}
	return &InvalidError{"body", err.Error()}
}

// wordFor is what JSON calls a value of a type.
func wordFor(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "a list"
	case reflect.Struct:
		return "an object"
	}
	return "a " + t.Kind().String()
}

// walker reads a definition token by token, before anything is made of it: what it
// refuses costs neither memory nor time.
type walker struct {
	dec   *json.Decoder
	depth int
	edges int
	until int64  // looks for the field that ends here; 0: for none
	at    string // that field
}

// deepest is how deep a definition's own fields may lie; it takes five.
const deepest = 8

func walk(text []byte) *walker { return &walker{dec: json.NewDecoder(bytes.NewReader(text))} }

func (w *walker) definition() error { return w.value("", reflect.TypeFor[saga.Definition]()) }

// value reads one value of which a type is to be made; nil: nothing can, which is for
// the decoder to say. It finds fields that the type has not, among them those that the
// decoder would recognise although they are written differently, names that are there
// twice, and lists that are too long.
func (w *walker) value(path string, of reflect.Type) error {
	if of == reflect.TypeFor[json.RawMessage]() {
		var opaque json.RawMessage
		return w.dec.Decode(&opaque)
	}
	if w.depth++; w.depth > deepest {
		return &InvalidError{path, "lies too deep"}
	}
	t, err := w.dec.Token()
	if err != nil {
		return err
	}
	w.passes(path)
	switch t {
	case json.Delim('['):
		err = w.list(path, partOf(of, reflect.Slice))
	case json.Delim('{'):
		err = w.object(path, partOf(of, reflect.Struct))
	}
	w.depth--
	return err
}

// passes notes the field that was looked for.
func (w *walker) passes(path string) {
	if w.at == "" && w.until > 0 && w.dec.InputOffset() >= w.until {
		w.at = path
	}
}

// partOf is what a list or an object is read as: the type itself, not a pointer to it,
// or nil if it is of another kind.
func partOf(of reflect.Type, kind reflect.Kind) reflect.Type {
	if of != nil && of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if of == nil || of.Kind() != kind {
		return nil
	}
	return of
}

func (w *walker) list(path string, of reflect.Type) error {
	var element reflect.Type
	if of != nil {
		element = of.Elem()
	}

	steps, edges := path == "steps", strings.HasSuffix(path, ".after")
	for i := 0; w.dec.More(); i++ {
		switch {
		case steps && i >= maxSteps:
			return &InvalidError{path, fmt.Sprintf("expected at most %d", maxSteps)}
		case edges && w.edges >= maxEdges:
			return &InvalidError{path, fmt.Sprintf("more than %d names in all steps together", maxEdges)}
		case edges:
			w.edges++
		}
		if err := w.value(fmt.Sprintf("%s[%d]", path, i), element); err != nil {
			return err
		}
	}
	_, err := w.dec.Token()
	return err
}

func (w *walker) object(path string, of reflect.Type) error {
	seen := map[string]bool{}
	for w.dec.More() {
		t, err := w.dec.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		at := strings.TrimPrefix(path+"."+name, ".")
		field, known := fieldOf(of, name)
		switch {
		case !known && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "":
			return &InvalidError{at, "unknown field: names are lower-case"}
		case !known:
			return &InvalidError{at, "unknown field"}
		case seen[name]:
			return &InvalidError{at, "is there twice"}
		}
		seen[name] = true
		if err := w.value(at, field); err != nil {
			return err
		}
	}
	_, err := w.dec.Token()
	return err
}

// fieldOf is the type of the field that JSON writes under a name. Of what is no object
// (nil) every name is as good as any other.
func fieldOf(object reflect.Type, name string) (of reflect.Type, known bool) {
	if object == nil {
		return nil, true
	}
	for f := range object.Fields() {
		if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag == name {
			return f.Type, true
		}
	}
	return nil, false
}
