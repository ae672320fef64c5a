// Package pages is what the pages that we show to people share: what a browser may do with them
// (pages.go), how they follow what happens (follow.go), and how they look (assets).
//
// Goals: they work without a network, without a script and without a mouse. Non-goals: what they
// show, and to whom.
package pages

import (
	"embed"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed assets
var files embed.FS

// Templates are those that pages have in common, under templates/: "following", which stands above
// what follows: <div id="live" data-live="ADDRESS">. Its data-refused and data-gone are what to say when
// there is no room to follow, and when no server answers; with data-unseen it follows in a hidden tab too.
//
//go:embed templates
var Templates embed.FS

// Guard is the header of a page that loads nothing from elsewhere, runs no script but its own, is
// shown in no other page, and is kept by nobody.
func Guard(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// Assets answers below a path, which ends with a slash, with pages.css, follow.js and icon.svg.
func Assets(below string) http.Handler {
	dir, err := fs.Sub(files, "assets")
	if err != nil { // it is embedded
		panic(err)
	}
	serve := http.StripPrefix(below, http.FileServerFS(dir))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") {
			http.NotFound(w, r)
			return
		}
		serve.ServeHTTP(w, r)
	})
}
