// Package testbrowser looks at pages with a headless Chromium. It is for tests only, and does not import testing, so that no
// program of ours comes to.
package testbrowser

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TB is what is needed of a *testing.T.
type TB interface {
	Helper()
	Context() context.Context
	TempDir() string
	Cleanup(func())
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// Browser is a headless Chromium that is used with the keyboard alone.
type Browser struct {
	t    TB
	Ctx  context.Context // of its first tab
	base string

	mu      sync.Mutex
	outside []string // requests that left the origin of the pages
	wrong   []string // errors in the console
}

// chromium is what it may be called.
var chromium = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// Open starts one for pages of an origin, until the test is over.
func Open(t TB, base string) *Browser {
	t.Helper()
	at := slices.IndexFunc(chromium, func(name string) bool { _, err := exec.LookPath(name); return err == nil })
	if at < 0 {
		t.Fatalf("no browser: expected one of %v; scripts/setup.sh installs it", chromium)
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(chromium[at]), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir())) // as root there is no sandbox
	ctx, stop := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...) // it lasts until it is closed below
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		within, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		if err := chromedp.Cancel(within); err != nil {
			t.Error(err)
		}
		end()
		stop()
	})
	b := &Browser{t: t, Ctx: ctx, base: base}
	if err := chromedp.Listen(ctx, b.listen); err != nil { // it starts the browser, and lasts as long as ctx
		t.Fatal(err)
	}
	return b
}

// Window has the window of a tab hidden, or shown again. Without a screen each tab has one of its
// own, so that this is how one is put behind another.
func Window(t TB, tab context.Context, state cdpbrowser.WindowState) {
	t.Helper()
	tab, cancel := context.WithTimeout(tab, 10*time.Second)
	defer cancel()
	w, err := chromedp.Call(tab, cdpbrowser.GetWindowForTarget, cdpbrowser.GetWindowForTargetParams{})
	if err == nil {
		_, err = chromedp.Call(tab, cdpbrowser.SetWindowBounds, cdpbrowser.SetWindowBoundsParams{WindowID: w.WindowID, Bounds: &cdpbrowser.Bounds{WindowState: state}})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// At has the browser look at pages of another origin.
func (b *Browser) At(base string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.base = base
}

// Clean: no request has left the origin of the pages, and nothing is wrong in the console.
func (b *Browser) Clean() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.outside) > 0 || len(b.wrong) > 0 {
		b.t.Errorf("left its origin: %q; in the console: %q", b.outside, b.wrong)
	}
}

func (b *Browser) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, b.base+"/") {
			b.outside = append(b.outside, e.Request.URL)
		}
	case *runtime.EventConsoleAPICalled:
		b.wrong = append(b.wrong, fmt.Sprint(e.Type, " in the console"))
	case *runtime.EventExceptionThrown:
		b.wrong = append(b.wrong, e.ExceptionDetails.Text)
	case *cdplog.EventEntryAdded:
		b.wrong = append(b.wrong, e.Entry.Text)
	}
}

// try has the browser do something, in time.
func try[T any](b *Browser, a chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(b.Ctx, 20*time.Second)
	defer cancel()
	return chromedp.Run(ctx, a)
}

func run[T any](b *Browser, a chromedp.Action[T]) T {
	b.t.Helper()
	what, err := try(b, a)
	if err != nil {
		b.t.Fatal(err)
	}
	return what
}

// Press types.
func (b *Browser) Press(keys string) {
	b.t.Helper()
	run(b, chromedp.KeyEvent(keys))
}

// Visit opens a page, and looks whether each control of it has a name.
func (b *Browser) Visit(path string) {
	b.t.Helper()
	b.Go(path)
	b.Named()
}

// Go opens a page, and waits until it is loaded.
func (b *Browser) Go(path string) {
	b.t.Helper()
	run(b, chromedp.Navigate(b.base+path))
}

// Print lays the page out as for paper that is so many pixels wide, of somebody who likes it dark.
func (b *Browser) Print(width int64) {
	b.t.Helper()
	_, err := chromedp.Call(b.Ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: "print", Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.Wide(width)
}

// Wide gives the window a width, in pixels.
func (b *Browser) Wide(width int64) {
	b.t.Helper()
	_, err := chromedp.Call(b.Ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: width, DeviceScaleFactor: 1})
	if err != nil {
		b.t.Fatal(err)
	}
}

// Text is what is to be read.
func (b *Browser) Text() string {
	text, err := try(b, chromedp.Evaluate[string](`document.readyState === "complete" ? document.body.innerText : ""`))
	if err != nil {
		return "" // one page follows another
	}
	return text
}

// Reads waits until some words are to be read.
func (b *Browser) Reads(words ...string) {
	b.t.Helper()
	for _, word := range words {
		b.Await(func() bool { return strings.Contains(b.Text(), word) }, word)
	}
}

// Await polls: what a page shows is told to nobody.
func (b *Browser) Await(so func() bool, what string) {
	b.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(10 * time.Second); !so(); {
		select {
		case <-tick.C:
		case <-deadline:
			b.t.Fatalf("no %s in\n%s", what, b.Text())
		}
	}
}

// TabTo goes from control to control until one of a name has the focus.
func (b *Browser) TabTo(name string) {
	b.t.Helper()
	const focused = `(() => { const at = document.activeElement; return ((at.labels && at.labels.length ? at.labels[0] : at).textContent || "").trim().replace(/\s+/g, " ") })()`
	var seen []string
	for range 80 {
		b.Press(kb.Tab)
		at := run(b, chromedp.Evaluate[string](focused))
		if at == name {
			return
		}
		seen = append(seen, at)
	}
	b.t.Fatalf("no control %q: %q", name, seen)
}

// Enter uses a control that leads to another page, and waits for that.
func (b *Browser) Enter(name string) {
	b.t.Helper()
	b.TabTo(name)
	run(b, chromedp.Evaluate[bool](`window.before = true`))
	b.Press(kb.Enter)
	b.Await(func() bool {
		there, err := try(b, chromedp.Evaluate[bool](`!window.before && document.readyState === "complete"`))
		return err == nil && there // one page follows another: then there is nobody to ask
	}, "page after "+name)
}

// Fill types into the field of a name.
func (b *Browser) Fill(name, text string) {
	b.t.Helper()
	b.TabTo(name)
	b.Press(text)
}

// Named looks in the accessibility tree whether what can be used has a name, and tables have.
func (b *Browser) Named() {
	b.t.Helper()
	tree, err := chromedp.Call(b.Ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		b.t.Fatal(err)
	}
	used := []string{"link", "button", "textbox", "combobox", "checkbox", "searchbox", "table", "navigation", "search"}
	n := 0
	for _, node := range tree.Nodes {
		if node.Ignored || node.Role == nil {
			continue
		}
		role := strings.Trim(string(node.Role.Value), `"`)
		if !slices.Contains(used, role) {
			continue
		}
		n++
		if node.Name == nil || strings.Trim(string(node.Name.Value), `" `) == "" {
			b.t.Errorf("a %s has no name on\n%s", role, b.Text())
		}
	}
	if n == 0 {
		b.t.Errorf("no controls on\n%s", b.Text())
	}
}

// Holds is what a script of the page comes to.
func (b *Browser) Holds(script string) bool {
	b.t.Helper()
	return run(b, chromedp.Evaluate[bool](script))
}
