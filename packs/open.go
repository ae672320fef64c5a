package packs

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
)

//go:embed payments bookings
var shipped embed.FS

// Shipped are the names of the packs that come with Sagacheck.
func Shipped() []string {
	entries, err := shipped.ReadDir(".")
	if err != nil {
		panic(err) // they are inside the program
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Open reads a pack: one that comes with Sagacheck by its name, the folder of one, or a git
// repository by its URL, whose last part may name a tag or branch (#v1.2.0). A repository is
// cloned anew each time, and nothing of it stays.
func Open(ctx context.Context, what string) (*Pack, error) {
	switch {
	case slices.Contains(Shipped(), what):
		dir, err := fs.Sub(shipped, what)
		if err != nil {
			return nil, err
		}
		return Read(dir, what)
	case isRepository(what):
		return fetch(ctx, what)
	}
	if info, err := os.Stat(what); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%s: expected the folder of a pack, the URL of a git repository, or one of %s", what, strings.Join(Shipped(), ", "))
	}
	return Read(os.DirFS(what), what)
}

// isRepository tells whether git has to be asked.
func isRepository(what string) bool {
	address, _, _ := strings.Cut(what, "#")
	return strings.Contains(address, "://") || strings.HasPrefix(address, "git@") || strings.HasSuffix(address, ".git")
}

// fetch reads a pack from a repository.
func fetch(ctx context.Context, what string) (p *Pack, err error) {
	dir, err := os.MkdirTemp("", "sagacheck-pack-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := clone(ctx, what, dir); err != nil {
		return nil, err
	}
	return Read(os.DirFS(dir), what)
}

// clone fetches the last state of a repository into an empty folder, or that of a tag or branch.
func clone(ctx context.Context, what, dir string) error {
	address, ref, _ := strings.Cut(what, "#")
	if strings.HasPrefix(address, "-") || strings.HasPrefix(ref, "-") {
		return fmt.Errorf("%s: expected the URL of a git repository", what)
	}
	args := []string{"clone", "--quiet", "--depth", "1"}
	if ref != "" {
		args = append(args, "--branch", ref)
	}
	git := exec.CommandContext(ctx, "git", append(args, "--", address, dir)...)
	git.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0")
	if out, err := git.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: git clone: %w: %s", what, err, strings.TrimSpace(string(out)))
	}
	return nil
}
