package reference

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sagacheck/sagacheck/saga"
)

// decodeDefinition reads a body strictly: UTF-8, one JSON value, and of each field
// the exact name, once. Whoever reads "Steps" or the second of two differently from
// us would see another saga than the one that runs. Inside of the bodies of calls
// anything goes: they are not ours.
func decodeDefinition(r io.Reader) (saga.Definition, error) {
	var def saga.Definition
	text, err := io.ReadAll(r)
	if err != nil {
		return def, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&def); err != nil {
		return def, decodeError(err)
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
	return def, exactFields(json.NewDecoder(bytes.NewReader(text)), "")
}

// decodeError says which field could not be read.
func decodeError(err error) *InvalidError {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) && wrongType.Field != "" {
		return &InvalidError{wrongType.Field, fmt.Sprintf("%s: expected %s", wrongType.Value, wrongType.Type)}
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return &InvalidError{strings.Trim(name, `"`), "unknown field"}
	}
	return &InvalidError{"body", err.Error()}
}

// exactFields reads one value whose fields are known, and finds names that are
// there twice, or that were recognised although they are written differently.
func exactFields(dec *json.Decoder, path string) error {
	t, err := dec.Token()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('['):
		for i := 0; dec.More(); i++ {
			if err := exactFields(dec, fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
		_, err = dec.Token()
	case json.Delim('{'):
		err = exactObject(dec, path)
	}
	return err
}

func exactObject(dec *json.Decoder, path string) error {
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		field := strings.TrimPrefix(path+"."+name, ".")
		switch {
		case strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "":
			return &InvalidError{field, "unknown field: names are lower-case"}
		case seen[name]:
			return &InvalidError{field, "is there twice"}
		}
		seen[name] = true
		if name == "body" {
			var opaque json.RawMessage
			err = dec.Decode(&opaque)
		} else {
			err = exactFields(dec, field)
		}
		if err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}
