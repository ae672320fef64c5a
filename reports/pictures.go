package reports

import (
	"bytes"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/models"
	"github.com/sagacheck/sagacheck/results"
)

// savePictures draws the operations behind the first failure of each property and
// scenario, beside its replay file. Where no model speaks of a property there is no
// picture, nor where the history is not at hand.
func savePictures(r *results.Run, dir string) error {
	type kind struct{ property, scenario string }
	seen := map[kind]bool{}
	var errs []error
	for i := range r.Failures {
		f := &r.Failures[i]
		k := kind{f.Property, f.Scenario}
		if f.File == "" || f.History == "" || seen[k] {
			continue
		}
		seen[k] = true
		name := strings.TrimSuffix(f.File, filepath.Ext(f.File)) + ".html"
		switch err := savePicture(results.PathIn(dir, f.History), append([]string{f.Property}, f.Also...), filepath.Join(dir, name)); {
		case err == nil:
			f.Picture = name
		case !errors.Is(err, models.ErrNothingToDraw) && !errors.Is(err, fs.ErrNotExist):
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// savePicture draws the first of the properties of which a model speaks.
func savePicture(from string, properties []string, to string) error {
	h, err := history.Load(from)
	if err != nil {
		return err
	}
	ix := history.NewIndex(h)
	for _, property := range properties {
		var b bytes.Buffer
		err = models.Visualize(h, ix, property, &b)
		if !errors.Is(err, models.ErrNothingToDraw) {
			if err == nil {
				err = results.WriteFile(to, b.Bytes())
			}
			return err
		}
	}
	return err
}
