package scenarios

import (
	"encoding/json"
	"fmt"
)

// UndoMode is the short form of an Undo.
type UndoMode string

// The short forms of what a compensation does.
const (
	UndoInverse UndoMode = "inverse" // the exact inverse of the action
	UndoNone    UndoMode = "none"    // there is no compensation
)

// Undo is what the compensation of a step does: a mode, or an explicit list of
// changes, which need not be the inverse (a planted wrong compensation). In a
// file it is the word, or the list itself.
type Undo struct {
	Mode UndoMode // empty: Do
	Do   []Change
}

func (u Undo) value() any {
	if u.Mode != "" {
		return u.Mode
	}
	return u.Do
}

// MarshalYAML writes the word or the list.
func (u Undo) MarshalYAML() (any, error) { return u.value(), nil }

// MarshalJSON writes the word or the list.
func (u Undo) MarshalJSON() ([]byte, error) { return json.Marshal(u.value()) }

// UnmarshalYAML reads the word or the list.
func (u *Undo) UnmarshalYAML(decode func(any) error) error {
	var list []Change
	if decode(&list) == nil {
		*u = Undo{Do: list}
		return nil
	}
	var mode UndoMode
	if err := decode(&mode); err != nil {
		return fmt.Errorf("undo: expected inverse, none or a list of changes: %w", err)
	}
	*u = Undo{Mode: mode}
	return nil
}

// UnmarshalJSON reads the word or the list.
func (u *Undo) UnmarshalJSON(b []byte) error {
	return u.UnmarshalYAML(func(v any) error { return json.Unmarshal(b, v) })
}
