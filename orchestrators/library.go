package orchestrators

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/sagacheck/sagacheck"
)

// source is the folder of an engine.
type source struct {
	fsys fs.FS
	name string // shown to people
	path string // on disk; empty: embedded
}

// FindManifest finds an orchestrator by its name, or by the path of a manifest or
// of its folder (anything with a slash, or that ends with .yaml). Names are looked
// for in SAGACHECK_ENGINES, in the checkout around the working folder or around
// the program, and in the program itself.
func FindManifest(name string) (*Manifest, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	if strings.ContainsRune(name, filepath.Separator) || strings.HasSuffix(name, ".yaml") {
		return manifestAt(name)
	}
	for _, root := range libraries() {
		sub, err := fs.Sub(root.fsys, name)
		if err != nil {
			return nil, fmt.Errorf("orchestrator %q: %w", name, err)
		}
		src := source{sub, path.Join(root.name, name), ""}
		if root.path != "" {
			src.path = filepath.Join(root.path, name)
		}
		m, err := src.load(ManifestName)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		return m, err
	}
	return nil, fmt.Errorf("orchestrator %q: expected one of %s, a URL, or the path of an %s (others are looked for in SAGACHECK_ENGINES and in a checkout of Sagacheck)", name, strings.Join(names(), ", "), ManifestName)
}

func manifestAt(file string) (*Manifest, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	if st, err := os.Stat(abs); err == nil && st.IsDir() {
		abs = filepath.Join(abs, ManifestName)
	}
	dir, base := filepath.Split(abs)
	m, err := source{os.DirFS(dir), filepath.Clean(dir), filepath.Clean(dir)}.load(base)
	if err != nil {
		return nil, fmt.Errorf("orchestrator %q: %w", file, err)
	}
	return m, nil
}

func (s source) load(file string) (*Manifest, error) {
	b, err := fs.ReadFile(s.fsys, file)
	if err != nil {
		return nil, err
	}
	m, err := ParseManifest(path.Join(s.name, file), b)
	if err != nil {
		return nil, err
	}
	m.source = s
	return m, nil
}

// libraries are the places where engines are looked for, the first wins.
func libraries() []source {
	var roots []source
	add := func(dir string) {
		roots = append(roots, source{os.DirFS(dir), dir, dir})
	}
	if dir := os.Getenv("SAGACHECK_ENGINES"); dir != "" {
		add(dir)
	}
	if dir := checkout(os.Getwd()); dir != "" {
		add(dir)
	} else if dir := checkout(os.Executable()); dir != "" {
		add(dir)
	}
	embedded, err := fs.Sub(sagacheck.Engines, "engines")
	if err != nil { // the name is a constant
		panic(err)
	}
	return append(roots, source{embedded, "(embedded)", ""})
}

// checkout finds the engines of the checkout around a path.
func checkout(from string, err error) string {
	if err != nil {
		return ""
	}
	for dir := from; ; dir = filepath.Dir(dir) {
		engines := filepath.Join(dir, "engines")
		if _, err := os.Stat(filepath.Join(engines, "reference", ManifestName)); err == nil {
			return engines
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

func names() []string {
	var all []string
	for _, root := range libraries() {
		found, err := fs.Glob(root.fsys, "*/"+ManifestName)
		if err != nil { // the pattern is a constant
			panic(err)
		}
		for _, f := range found {
			all = append(all, path.Dir(f))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// List gives the manifests of all engines that are found by name, in the order of
// their names.
func List() ([]*Manifest, error) {
	var ms []*Manifest
	var errs []error
	for _, n := range names() {
		m, err := FindManifest(n)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		ms = append(ms, m)
	}
	return ms, errors.Join(errs...)
}

// hash names what is installed on this platform: the files of the engine's folder
// and the commands, so that a changed engine is installed anew. Prose does not
// count, nor how the engine is started.
func (m *Manifest) hash() (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, runtime.GOOS, runtime.GOARCH, m.Version)
	if err := json.NewEncoder(h).Encode(m.Install); err != nil {
		return "", err
	}
	for _, src := range m.folders() {
		err := src.walk(func(file string) error {
			if path.Ext(file) == ".md" || file == ManifestName {
				return nil
			}
			b, err := fs.ReadFile(src.fsys, file)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(h, "%s %d\n%s", file, len(b), b)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:6]), nil
}

// folders are the engine's own folder and those that it needs beside it.
func (m *Manifest) folders() []source {
	all := []source{m.source}
	if m.Install != nil {
		for _, w := range m.Install.With {
			dir := filepath.Join(filepath.Dir(m.source.path), w)
			all = append(all, source{os.DirFS(dir), w, dir})
		}
	}
	return all
}

// walk visits the files of the folder but for what an installation in place would
// have left there.
func (s source) walk(visit func(file string) error) error {
	return fs.WalkDir(s.fsys, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "bin" || (p != "." && strings.HasPrefix(d.Name(), "."))):
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		return visit(p)
	})
}

func (s source) copyTo(dir string) error {
	return s.walk(func(file string) error {
		to := filepath.Join(dir, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		in, err := s.fsys.Open(file)
		if err != nil {
			return err
		}
		defer in.Close() //nolint:errcheck // only read
		out, err := os.Create(to)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, in)
		return errors.Join(err, out.Close())
	})
}

// InFolder is a manifest that was made elsewhere, of a system that lies in a folder:
// ${engine} and relative programs are there.
func InFolder(m Manifest, dir string) *Manifest {
	m.source = source{os.DirFS(dir), dir, dir}
	return &m
}
