package results

import (
	"net/url"
	"os"
	"path"
	"path/filepath"
)

// PathFrom is the path of a file as a report in dir names it: relative, so that the folder of both may be moved, and without links,
// since the last run will be another one. Where there is no such path it is absolute.
func PathFrom(dir, file string) string {
	file, dir = resolved(file), resolved(dir)
	if rel, err := filepath.Rel(dir, file); err == nil {
		return rel
	}
	return file
}

// resolved is absolute and without links, as far as the file is there.
func resolved(file string) string {
	if abs, err := filepath.Abs(file); err == nil {
		file = abs
	}
	if real, err := filepath.EvalSymlinks(file); err == nil {
		return real
	}
	if real, err := filepath.EvalSymlinks(filepath.Dir(file)); err == nil {
		return filepath.Join(real, filepath.Base(file))
	}
	return file
}

// PathIn is where a file is that a report in dir names.
func PathIn(dir, file string) string {
	if file == "" || filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(dir, file)
}

// KeepIn has the run name its files as its report in dir does.
func (r *Run) KeepIn(dir string) {
	r.Dir = dir
	r.eachFile(func(file *string) {
		if filepath.IsAbs(*file) {
			*file = PathFrom(dir, *file)
		}
	})
}

// eachFile visits the files that the report names and that others may have written.
func (r *Run) eachFile(visit func(file *string)) {
	for i := range r.Cells {
		visit(&r.Cells[i].History)
	}
	for _, list := range [][]Failure{r.Failures, r.Beside, r.Advice} {
		for i := range list {
			visit(&list[i].History)
			visit(&list[i].Picture)
		}
	}
}

// Elsewhere are the files outside of dir that the report in it names, by the path of a link to each on a
// page in the root of a server.
func Elsewhere(dir string) (map[string]string, error) {
	b, err := os.ReadFile(filepath.Join(dir, JSONFile))
	if err != nil {
		return nil, err
	}
	r, err := decodeRun(b)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	r.eachFile(func(file *string) {
		if *file != "" && !filepath.IsLocal(*file) {
			out[path.Clean("/"+filepath.ToSlash(*file))] = PathIn(dir, *file)
		}
	})
	return out, nil
}

// Link is a path as a link has it.
func Link(file string) string { return (&url.URL{Path: filepath.ToSlash(file)}).String() }
