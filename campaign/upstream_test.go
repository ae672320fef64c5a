package campaign

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sagacheck/sagacheck/faults"
	"github.com/sagacheck/sagacheck/results"
	"github.com/sagacheck/sagacheck/saga"
)

// stubs starts the real services of the shop, and gives their URLs by their names.
func stubs(t *testing.T) map[string]string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, built(t, "../examples/shop/stubs"), "-inventory", "127.0.0.1:0", "-payments", "127.0.0.1:0", "-shipping", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait() // it was killed
	})
	urls := map[string]string{}
	for lines := bufio.NewScanner(out); len(urls) < 3 && lines.Scan(); {
		name, url, _ := strings.Cut(lines.Text(), " ")
		urls[name] = url
	}
	return urls
}

// behind is the shop's file with real services behind, and one of its mistakes.
func behind(t *testing.T, dir, bug string, urls map[string]string) string {
	t.Helper()
	plain, err := os.ReadFile("../examples/shop/workflow.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(plain), "env:\n", "env:\n        SHOP_BUG: \""+bug+"\"\n", 1)
	for name, url := range urls {
		text = strings.Replace(text, "\n  "+name+":\n", "\n  "+name+":\n    upstream: "+url+"\n", 1)
	}
	file := filepath.Join(dir, "upstream-"+bug+".yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// upstreamBugs are mistakes of the shop that show in the calls to real services and in what
// those say, and the property that must name each.
var upstreamBugs = map[string]string{
	"":             "",
	"restart-anew": "duplicate-effect",
	"give-up":      "orphaned-effect",
	"refund-order": "wrong-reference",
	"refund-short": "inexact-compensation",
}

// insideOnly are the properties about what happens inside of services.
var insideOnly = []string{"double-credit", "empty-compensation"}

// TestShopUpstream tests the shop in front of real services, one of which Sagacheck plays: as
// it is, it passes, and nothing of the real ones' inside is judged; mistakes are named.
func TestShopUpstream(t *testing.T) {
	t.Parallel()
	dir := buildShop(t)
	urls := stubs(t)
	for bug, property := range upstreamBugs {
		real := map[string]string{"payments": urls["payments"], "inventory": urls["inventory"]}
		if bug == "" {
			real = urls // all of them
		}
		file := behind(t, dir, bug, real)
		t.Run("bug="+bug, func(t *testing.T) {
			t.Parallel()
			o := RunOptions{Settings: Defaults(), Curated: true}
			o.Workflow, o.Out, o.Settle = file, t.TempDir(), 8*time.Second
			untilNamed(&o.Settings, property)
			done, err := Run(t.Context(), Host{}, o)
			if err != nil {
				t.Fatal(err)
			}
			found(t, done.Run, property)
			if bug != "" {
				return
			}
			for _, p := range done.Run.Properties {
				if slices.Contains(insideOnly, p.Name) && (p.AtRisk > 0 || !strings.Contains(p.Reason, "real services stand behind")) {
					t.Errorf("%s was judged %d times; %q", p.Name, p.AtRisk, p.Reason)
				}
			}
		})
	}
}

// A real service that is down, or hangs up, is trouble of the infrastructure.
func TestRealServiceIsDown(t *testing.T) {
	dir := buildShop(t)
	urls := stubs(t)
	run := func(url string) (*Finished, error) {
		urls["payments"] = url
		o := RunOptions{Settings: Defaults(), Curated: true}
		o.Workflow, o.Out, o.Settle = behind(t, dir, "", urls), t.TempDir(), 2*time.Second
		return Run(t.Context(), Host{}, o)
	}
	_, err := run("http://127.0.0.1:1")
	if !ofSystem(err, "services.payments.upstream: http://127.0.0.1:1 can't be reached: ", ": start the service") {
		t.Errorf("down: %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close() // it hangs up
		}
	}()
	_, err = run("http://" + l.Addr().String())
	if !ofSystem(err, "gave no whole answer to POST /payments: it hung up") {
		t.Errorf("hung up: %v", err)
	}
}

// ofSystem tells an error of the infrastructure (exit 4) that says all of some texts.
func ofSystem(err error, texts ...string) bool {
	var e *Error
	return errors.As(err, &e) && e.Exit == results.ExitSystem &&
		!slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(err.Error(), text) })
}

// Nobody may plan what happens inside of a real service.
func TestPlansStayOutsideOfRealServices(t *testing.T) {
	dir := buildShop(t)
	f, err := openFlow(behind(t, dir, "", map[string]string{"payments": "http://127.0.0.1:1"}))
	if err != nil {
		t.Fatal(err)
	}
	defer f.wire.Close()
	for text, ok := range map[string]bool{
		"crash-orchestrator charge#1@receive":      false,
		"crash-orchestrator charge#1@commit":       false,
		"crash-orchestrator charge#1@response":     true,
		"error charge#1@commit":                    false,
		"error charge#1@receive":                   true,
		"reject charge.undo#1@receive":             true,
		"crash-participant find-payment#1@receive": false,
		"crash-participant reserve(2)#1@receive":   true,
		"lose charge#1@request":                    true,
	} {
		kind, at, _ := strings.Cut(text, " ")
		point, err := saga.ParseFailurePoint(at)
		if err != nil {
			t.Fatal(err)
		}
		k, err := faults.KindByName(kind)
		if err != nil {
			t.Fatal(err)
		}
		err = f.within(faults.Fault{Kind: kind, At: point}, k.Doc())
		if (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}
