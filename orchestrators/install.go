package orchestrators

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// CacheDir is where engines are installed: SAGACHECK_CACHE, or sagacheck in the
// user's cache folder.
func CacheDir() (string, error) {
	if dir := os.Getenv("SAGACHECK_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder, set SAGACHECK_CACHE: %w", err)
	}
	return filepath.Join(dir, "sagacheck"), nil
}

// installDir is the folder of an installation, whether it is there or not. It
// holds the engine's folder and those beside it.
func (m *Manifest) installDir() (string, error) {
	cache, err := CacheDir()
	if err != nil {
		return "", err
	}
	hash, err := m.hash()
	if err != nil {
		return "", fmt.Errorf("orchestrator %s: %w", m.Name, err)
	}
	return filepath.Join(cache, "engines", m.Name+"-"+hash), nil
}

// Installed tells whether nothing is left to install, and where the engine is: in
// the cache, or in its own folder where nothing has to be installed (empty: inside
// the program). An installation of which a program is gone, as caches are cleaned,
// is none.
func (m *Manifest) Installed() (engine string, ok bool, err error) {
	if m.Install == nil {
		return m.source.path, true, nil
	}
	dir, err := m.installDir()
	if err != nil {
		return "", false, err
	}
	engine = filepath.Join(dir, m.Name)
	for _, file := range m.programs(engine) {
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			return engine, false, nil
		} else if err != nil {
			return engine, false, err
		}
	}
	return engine, true, nil
}

// programs are the files of the engine's folder that its processes start with, and
// the folder itself.
func (m *Manifest) programs(engine string) []string {
	files := []string{engine}
	v := m.places(engine)
	for _, p := range m.Processes {
		for _, word := range p.Command {
			if strings.HasPrefix(word, "${engine}/") || strings.HasPrefix(word, "${bin}/") {
				files = append(files, v.fill(word))
			}
		}
	}
	return files
}

// places are the variables that an installation has.
func (m *Manifest) places(engine string) vars {
	return vars{"engine": engine, "bin": filepath.Join(engine, "bin")}
}

// Install installs an orchestrator by its name into its cache folder; it
// does nothing where it is there already. What the commands print goes to w.
func Install(ctx context.Context, name string, w io.Writer) error {
	m, err := FindManifest(name)
	if err != nil {
		return err
	}
	return m.InstallTo(ctx, w)
}

// InstallTo installs the engine; see Install. It works in a folder beside
// the final one and renames it, so that a folder under that name is always whole.
func (m *Manifest) InstallTo(ctx context.Context, w io.Writer) error {
	engine, ok, err := m.Installed()
	if err != nil || ok {
		return err
	}
	dir := filepath.Dir(engine)
	for _, p := range m.Install.Needs {
		if _, err := exec.LookPath(p); err != nil {
			return fmt.Errorf("install %s: needs %q on the PATH: %w", m.Name, p, err)
		}
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+"-*")
	if err != nil {
		return err
	}
	start := time.Now()
	fmt.Fprintf(w, "installing %s %s into %s\n", m.Name, m.Version, dir)
	err = m.installIn(ctx, tmp, w)
	if err == nil {
		err = m.put(tmp, dir)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("install %s: %w", m.Name, err), os.RemoveAll(tmp))
	}
	fmt.Fprintf(w, "installed %s in %v\n", m.Name, time.Since(start).Round(time.Second))
	return nil
}

// put moves an installation to its place, unless somebody else was quicker.
func (m *Manifest) put(tmp, dir string) error {
	_, ok, err := m.Installed()
	if err != nil {
		return err
	}
	if ok {
		return os.RemoveAll(tmp)
	}
	if err := os.RemoveAll(dir); err != nil { // one that is not whole
		return err
	}
	err = os.Rename(tmp, dir)
	if _, ok, _ := m.Installed(); err != nil && ok {
		return os.RemoveAll(tmp)
	}
	return err
}

func (m *Manifest) installIn(ctx context.Context, root string, w io.Writer) error {
	for i, src := range m.folders() {
		name := m.Name
		if i > 0 {
			name = src.name
		}
		if err := src.copyTo(filepath.Join(root, name)); err != nil {
			return err
		}
	}
	dir := filepath.Join(root, m.Name)
	v := m.places(dir)
	for _, c := range m.Install.Commands {
		argv := v.fillAll(c.Run)
		fmt.Fprintf(w, "$ %s\n", strings.Join(argv, " "))
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, w, w
		cmd.Env = append(os.Environ(), v.fillEnv(c.Env)...)
		cmd.WaitDelay = stopGrace
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%q: %w", strings.Join(argv, " "), err)
		}
	}
	return nil
}
