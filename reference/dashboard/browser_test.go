package dashboard_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/sagacheck/sagacheck/internal/testparticipant"
	"github.com/sagacheck/sagacheck/reference/dashboard"
	"github.com/sagacheck/sagacheck/saga"
)

// browser is a headless Chromium that is used with the keyboard alone.
type browser struct {
	t    *testing.T
	ctx  context.Context
	base string

	mu      sync.Mutex
	outside []string // requests that left the origin of the pages
	wrong   []string // errors in the console
}

// chromium is what it may be called.
var chromium = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

func openBrowser(t *testing.T, base string) *browser {
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
	b := &browser{t: t, ctx: ctx, base: base}
	if err := chromedp.Listen(ctx, b.listen); err != nil { // it starts the browser, and lasts as long as ctx
		t.Fatal(err)
	}
	return b
}

// at has the browser look at pages of another origin.
func (b *browser) at(base string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.base = base
}

// clean: no request has left the origin of the pages, and nothing is wrong in the console.
func (b *browser) clean() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.outside) > 0 || len(b.wrong) > 0 {
		b.t.Errorf("left its origin: %q; in the console: %q", b.outside, b.wrong)
	}
}

func (b *browser) listen(event any) {
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
func try[T any](b *browser, a chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	return chromedp.Run(ctx, a)
}

func run[T any](b *browser, a chromedp.Action[T]) T {
	b.t.Helper()
	what, err := try(b, a)
	if err != nil {
		b.t.Fatal(err)
	}
	return what
}

func (b *browser) press(keys string) {
	b.t.Helper()
	run(b, chromedp.KeyEvent(keys))
}

// visit opens a page, and looks whether each control of it has a name.
func (b *browser) visit(path string) {
	b.t.Helper()
	run(b, chromedp.Navigate(b.base+path))
	b.named()
}

// text is what is to be read.
func (b *browser) text() string {
	text, err := try(b, chromedp.Evaluate[string](`document.readyState === "complete" ? document.body.innerText : ""`))
	if err != nil {
		return "" // one page follows another
	}
	return text
}

// reads waits until some words are to be read.
func (b *browser) reads(words ...string) {
	b.t.Helper()
	for _, word := range words {
		b.await(func() bool { return strings.Contains(b.text(), word) }, word)
	}
}

// await polls: what a page shows is told to nobody.
func (b *browser) await(so func() bool, what string) {
	b.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(10 * time.Second); !so(); {
		select {
		case <-tick.C:
		case <-deadline:
			b.t.Fatalf("no %s in\n%s", what, b.text())
		}
	}
}

// tabTo goes from control to control until one of a name has the focus.
func (b *browser) tabTo(name string) {
	b.t.Helper()
	const focused = `(() => { const at = document.activeElement; return ((at.labels && at.labels.length ? at.labels[0] : at).textContent || "").trim().replace(/\s+/g, " ") })()`
	var seen []string
	for range 80 {
		b.press(kb.Tab)
		at := run(b, chromedp.Evaluate[string](focused))
		if at == name {
			return
		}
		seen = append(seen, at)
	}
	b.t.Fatalf("no control %q: %q", name, seen)
}

// enter uses a control that leads to another page, and waits for that.
func (b *browser) enter(name string) {
	b.t.Helper()
	b.tabTo(name)
	run(b, chromedp.Evaluate[bool](`window.before = true`))
	b.press(kb.Enter)
	b.await(func() bool {
		there, err := try(b, chromedp.Evaluate[bool](`!window.before && document.readyState === "complete"`))
		return err == nil && there // one page follows another: then there is nobody to ask
	}, "page after "+name)
}

func (b *browser) fill(name, text string) {
	b.t.Helper()
	b.tabTo(name)
	b.press(text)
}

// named looks in the accessibility tree whether what can be used has a name, and tables have.
func (b *browser) named() {
	b.t.Helper()
	tree, err := chromedp.Call(b.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
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
			b.t.Errorf("a %s has no name on\n%s", role, b.text())
		}
	}
	if n == 0 {
		b.t.Errorf("no controls on\n%s", b.text())
	}
}

// An operator finds a saga that is stuck and one that hangs, sees what happened to each, rolls the
// one back, and finds that in the audit; sets a flag and lifts it. With the keyboard alone; no
// request leaves the origin of the pages, and nothing is wrong in the console.
func TestInABrowser(t *testing.T) {
	p := testparticipant.New(t, func(c testparticipant.Call) int {
		if c.Op == "down" {
			return http.StatusServiceUnavailable
		}
		return stuck(c)
	})
	e, h := open(t)
	for i := range 60 {
		d := p.Define(fmt.Sprintf("done-%02d", i), "x compensatable")
		submit(t, e, d)
	}
	submit(t, e, p.Define("stuck-1", "a compensatable", "b compensatable"))
	hangs := p.Define("hangs-1", "c compensatable", "down compensatable")
	hangs.Steps[1].Action.Retry = saga.RetryPolicy{InitialIntervalMS: 60_000, Multiplier: 1, MaxIntervalMS: 60_000, AttemptTimeoutMS: 50}
	submit(t, e, hangs)
	awaitStatus(t, e, "stuck-1", saga.Stuck)
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close) // once there is no browser any more that follows
	guarded := httptest.NewServer(dashboard.Handler(dashboard.Options{Token: token, Owner: func() (dashboard.Executor, error) { return e, nil }}))
	t.Cleanup(guarded.Close)
	b := openBrowser(t, srv.URL)

	b.visit("/")
	b.reads("1 stuck", "60 ended", "hangs-1", "Stop following")
	b.enter("1 stuck")
	b.reads("stuck-1")
	b.enter("stuck-1")
	b.reads("answered 422", "End by hand…")
	b.named()
	if strings.Contains(b.text(), "Roll back…") {
		t.Error("a rollback is offered where one is under way")
	}

	b.enter("Sagas")
	b.enter("60 ended")
	b.enter("Next page")
	b.reads("done-59", "First page")
	b.enter("Sagas")
	b.fill("Text", "down")
	b.enter("Find")
	b.reads("hangs-1", "retrying")
	b.enter("hangs-1")
	b.reads("the wait of its policy", "answered 503", "Roll back…")
	b.named()
	b.enter("Roll back…")
	b.reads("What was done is undone", "undo if it was done", "hangs-1/c/action")
	b.named()
	b.fill("Who asks", "ann")
	b.fill("Why", "the customer has called")
	b.enter("Go on")
	b.reads("Is this what you want?", "the customer has called")
	b.named()
	b.enter("Roll back: I am sure")
	b.reads("operator-rollback", "compensated") // the page follows
	awaitStatus(t, e, "hangs-1", saga.Compensated)

	b.enter("Audit")
	b.reads("Only what somebody asked for")
	b.fill("Saga", "hangs-1")
	b.tabTo("Only what somebody asked for")
	b.press(" ")
	b.enter("Find")
	b.reads("operator-rollback", "ann (dashboard): the customer has called")
	b.named()

	b.enter("Flags")
	b.reads("None is.")
	b.tabTo("Flag")
	b.press("no-r")
	b.fill("Who sets it", "ann")
	b.fill("Why", "their release")
	b.enter("Set it")
	b.reads("no-retries", "their release")
	b.named()
	if on := e.Flags(); len(on) != 1 || on[0].Name != "no-retries" {
		t.Errorf("%+v", on)
	}
	b.fill("Who lifts no-retries", "ann")
	b.fill("Why no-retries is lifted", "over")
	b.enter("Lift no-retries")
	b.reads("None is.")
	b.enter("Policies")
	b.reads("There are none")
	b.clean()

	b.at(guarded.URL)
	b.visit("/dashboard/audit")
	b.fill("Token of this server", token)
	b.enter("Log in")
	b.reads("1 stuck")
	b.clean()
}
