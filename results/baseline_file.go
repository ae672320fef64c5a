package results

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/sagacheck/sagacheck/internal/yamlfile"
)

// Save writes the file, whole or not at all, with the mode that it had; where it is a link, what that points
// to. What could not be read again is not written, nor over what others wrote since it was read.
func (b *Baseline) Save() error {
	text, err := b.sound()
	if err != nil {
		return fmt.Errorf("%s: not written: it could not be read again: %w", b.file, err)
	}
	path, err := b.place()
	if err != nil {
		return err
	}
	there, err := yamlfile.Read(path, maxBaseline)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		there = nil
	case err != nil:
		return fmt.Errorf("%s: not written: %w", b.file, err)
	}
	if !bytes.Equal(there, b.read) {
		return fmt.Errorf("%s: not written: somebody changed it while this ran: run again", b.file)
	}
	if err := renameio.WriteFile(path, text, 0o644, renameio.WithTempDir(filepath.Dir(path)), renameio.WithExistingPermissions()); err != nil {
		return fmt.Errorf("%s: not written: %w", b.file, err)
	}
	return nil
}

// sound is the file, if it is read as it is meant.
func (b *Baseline) sound() ([]byte, error) {
	text, err := b.Encode()
	if err != nil {
		return nil, err
	}
	back, ps := decodeBaseline(text, true)
	if len(ps) > 0 {
		return nil, ps.InOrder().Err()
	}
	if again, err := back.Encode(); err != nil || !bytes.Equal(text, again) {
		return nil, errors.Join(errors.New("it would be read as something else"), err)
	}
	return text, nil
}

// Writable says why the file could not be written; nil: nothing is known to be in the way.
func (b *Baseline) Writable() error {
	path, err := b.place()
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".baseline-*")
	if err != nil {
		return fmt.Errorf("%s: can't be written: %w: expected a folder that is there and that you may write to", b.file, err)
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// place is where the file is, behind links.
func (b *Baseline) place() (string, error) {
	path, err := filepath.EvalSymlinks(b.file)
	if !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	if _, err := os.Lstat(b.file); err == nil {
		return "", fmt.Errorf("%s: is a link to nothing: expected a file, or nothing there", b.file)
	}
	return b.file, nil
}
