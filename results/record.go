package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Keep begins the record of the run in its folder: what it is to do is written at
// once, what becomes of each cell as soon as that is known. What can't be written
// is an error of the run.
func (c *Collector) Keep(dir string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	f, err := os.OpenFile(filepath.Join(dir, CellsFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return Unwritable(filepath.Join(dir, CellsFile), err)
	}
	c.cells, c.run.kept = f, dir
	return c.run.saveManifest(nil)
}

// Plans says which plans the whole run has, of all shards, by their digest.
func (c *Collector) Plans(digest string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.run.Content.Plans = digest
	c.keepManifest()
}

func (c *Collector) keepManifest() {
	if c.cells == nil {
		return
	}
	if err := c.run.saveManifest(nil); err != nil {
		c.unkept(err)
	}
}

// keepCell writes down what became of a cell.
func (c *Collector) keepCell(cell Cell) {
	if c.cells == nil {
		return
	}
	b, err := json.Marshal(cell)
	if err == nil {
		_, err = c.cells.Write(append(b, '\n'))
	}
	if err != nil {
		c.unkept(Unwritable(c.cells.Name(), err))
	}
}

// unkept notes trouble with the record, once: the run goes on without it.
func (c *Collector) unkept(err error) {
	c.run.Errors = append(c.run.Errors, fmt.Sprintf("the record of the run: %v", errors.Join(err, c.cells.Close())))
	c.cells = nil
}

// saveManifest writes run.json, with the end mark if the run has ended.
func (r *Run) saveManifest(end *End) error {
	m := Manifest{
		Version: ManifestVersion, Tool: r.Tool, Command: r.Command, Started: r.Started, Seed: r.Seed,
		Orchestrator: r.Orchestrator, System: r.System, Profile: r.Profile, Shard: r.Shard, Sources: r.Sources, Clause: r.Clause,
		Properties: orEmpty(propertyNames(r)), Content: r.Content, Planned: r.Planned, Alone: r.Alone, Ended: end,
	}
	m.Orchestrator.Capabilities = orEmpty(m.Orchestrator.Capabilities)
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return WriteFile(filepath.Join(r.kept, ManifestFile), append(b, '\n'))
}

// MarkEnd marks the record as that of a run that has ended by itself.
func (r *Run) MarkEnd() error {
	if r.kept == "" {
		return nil
	}
	return r.saveManifest(&End{
		At: time.Now().UTC(), Outcome: r.Summary.Outcome, Exit: r.Summary.Exit, Cells: r.Totals.Cells, LeftOut: r.LeftOut, Errors: r.Errors,
	})
}

// LoadCells reads which cells a run has judged, in the order in which they ended.
// The last line may be cut: the run was killed while it wrote it.
func LoadCells(dir string) ([]Cell, error) {
	path := filepath.Join(dir, CellsFile)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var cells []Cell
	for n := 1; len(b) > 0; n++ {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		b = rest
		var c Cell
		switch err := json.Unmarshal(line, &c); {
		case err != nil && !whole:
			return cells, nil
		case err != nil:
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		cells = append(cells, c)
	}
	return cells, nil
}
