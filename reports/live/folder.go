package live

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/sagacheck/sagacheck/history"
	"github.com/sagacheck/sagacheck/internal/pages"
	"github.com/sagacheck/sagacheck/results"
)

// Folder answers with the files of a run that has ended, its report first, to browsers of this machine. elsewhere
// are histories of other folders that its report names, by the path of a link to each (results.Elsewhere).
func Folder(root *os.Root, elsewhere map[string]string) http.Handler {
	files := http.FileServerFS(root.FS()) // whatever is asked for, it leads nowhere else
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Security-Policy", "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		if _, here := pages.Here(r.Host); !here {
			http.Error(w, "this name is not that of this server: expected 127.0.0.1", http.StatusMisdirectedRequest)
			return
		}
		switch path.Ext(r.URL.Path) {
		case ".jsonl", ".yaml", ".md":
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		}
		switch r.URL.Path {
		case "/":
			r.URL.Path = "/" + results.HTMLFile
		case "/favicon.ico":
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if file, named := elsewhere[path.Clean(r.URL.Path)]; named && strings.HasSuffix(file, history.Extension) {
			serveFile(w, r, file)
			return
		}
		files.ServeHTTP(w, r)
	})
}

// serveFile answers with one file.
func serveFile(w http.ResponseWriter, r *http.Request, file string) {
	f, err := os.Open(file)
	if err != nil {
		http.Error(w, "it is not there any more", http.StatusNotFound)
		return
	}
	defer f.Close() //nolint:errcheck // it was read only
	http.ServeContent(w, r, "", time.Time{}, f)
}

// ServeFolder shows the folder of a run until ctx is over, on an address that CheckAddr takes. It says where.
func ServeFolder(ctx context.Context, addr, dir string, say func(url string)) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // it was read only
	l, err := listen(ctx, addr)
	if err != nil {
		return err
	}
	elsewhere, err := results.Elsewhere(dir)
	if err != nil {
		elsewhere = nil // of another version: its page is shown all the same
	}
	server := newServer(Folder(root, elsewhere))
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	say("http://" + l.Addr().String() + "/")
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return errors.Join(server.Close(), ignoreClosed(<-ended))
	}
}

// ignoreClosed: it was closed by us.
func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// listen is on an address of this machine.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("address %q: another program listens there: choose another port, or 0 for any that is free", addr)
	} else if err != nil {
		return nil, fmt.Errorf("address %q: %w", addr, err)
	}
	return l, nil
}

func newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, MaxHeaderBytes: 64 << 10, ReadHeaderTimeout: requestTimeout, ReadTimeout: requestTimeout,
		WriteTimeout: answerTimeout, IdleTimeout: idleTimeout,
	}
}
