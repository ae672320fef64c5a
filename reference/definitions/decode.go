package definitions

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"

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
	if err := decode(text, &def, whole); err != nil {
		return def, err
	}
	if at := invalidUTF8(text); at >= 0 {
		if err := validateBodies(def); err != nil { // it names the call's
			return def, err
		}
		return def, notUTF8(at)
	}
	return def, nil
}

// Into reads another body as strictly, into a pointer to a struct.
func Into(text []byte, into any) error {
	if err := decode(text, into, shapeOf(reflect.TypeOf(into))); err != nil {
		return err
	}
	if at := invalidUTF8(text); at >= 0 {
		return notUTF8(at)
	}
	return nil
}

func notUTF8(at int) error { return &InvalidError{"body", fmt.Sprintf("byte %d is not UTF-8", at)} }

func decode(text []byte, into any, of *shape) error {
	if err := (&walker{text: text}).value(of); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(into); err != nil {
		return decodeError(err, text, of)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return &InvalidError{"body", "expected one JSON value"}
	}
	return nil
}

// decodeError says which field could not be read.
func decodeError(err error, text []byte, of *shape) *InvalidError {
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong):
		w := walker{text: text, until: wrong.Offset}
		_ = w.value(of) // it did not fail before
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
