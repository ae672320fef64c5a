package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/reports/live"
	"github.com/sagacheck/sagacheck/results"
)

func newReportShow(p process) *cobra.Command {
	return &cobra.Command{
		Use:        "show FILE",
		SuggestFor: []string{"explain", "findings", "open"},
		Short:      "Draw one failure on the terminal, from its replay file",
		Long: `Draws the failure of a replay file, where its run left it: what was broken, a timeline
with a lane for each party, and the ledger as it should be and as it was. It is the
timeline that report.html has too.`,
		Example: "  sagacheck report show sagacheck-out/latest/failures/duplicate-effect-order-vh9nt4-0001.yaml",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(errors.New("report show: expected one replay file"))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			pm, err := results.NewPostmortem(args[0])
			if err != nil {
				return usage(err)
			}
			return trouble(reports.Show(p.terminal(false), pm.Failure()))
		},
	}
}

// folderOf is the folder with the report that a command names, or the last run's. A later one that runs right now, or was
// killed, is said: there is nothing of it to show.
func (p process) folderOf(args []string) (string, error) {
	dir := campaign.Defaults().Out
	if len(args) > 0 {
		dir = args[0]
	}
	for _, d := range []string{filepath.Join(dir, results.LatestLink), dir} {
		if _, err := os.Stat(filepath.Join(d, results.HTMLFile)); err == nil {
			if err := results.Overtaken(d); err != nil {
				p.say(err.Error())
			}
			return d, nil
		}
	}
	return "", usage(fmt.Errorf("%s: no report there: expected the folder of a run, with %s, or a folder of --out", dir, results.HTMLFile))
}

func atMostOneFolder(name string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usage(fmt.Errorf("report %s: expected one folder at the most: %q", name, args))
		}
		return nil
	}
}

func newReportOpen(p process) *cobra.Command {
	return &cobra.Command{
		Use:   "open [DIR]",
		Short: "Open the page of a run in the browser",
		Long: `Opens report.html of a run's folder, or of the last run in a folder of --out (default:
sagacheck-out), with the program that this system has for pages.`,
		Example: "  sagacheck report open\n  sagacheck report open sagacheck-out/latest-replay",
		Args:    atMostOneFolder("open"),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := p.folderOf(args)
			if err != nil {
				return err
			}
			path, err := filepath.Abs(filepath.Join(dir, results.HTMLFile))
			if err != nil {
				return trouble(err)
			}
			p.say("opening " + path)
			return trouble(openFile(c.Context(), path))
		},
	}
}

// openers are the programs that open a file with what the system has for it.
var openers = map[string][]string{
	"darwin":  {"open"},
	"windows": {"rundll32", "url.dll,FileProtocolHandler"},
}

func openFile(ctx context.Context, path string) error {
	opener := openers[runtime.GOOS]
	if opener == nil {
		opener = []string{"xdg-open"}
	}
	if _, err := exec.LookPath(opener[0]); err != nil {
		return fmt.Errorf("%s is not there to open %s: open it by hand, or serve it: sagacheck report serve", opener[0], path)
	}
	if err := exec.CommandContext(ctx, opener[0], append(opener[1:], path)...).Run(); err != nil { // what it says is of programs that nobody asked for
		return fmt.Errorf("%s could not open %s (%w): open it by hand, or serve it: sagacheck report serve", opener[0], path, err)
	}
	return nil
}

func newReportServe(p process) *cobra.Command {
	var addr string
	c := &cobra.Command{
		Use:   "serve [DIR]",
		Short: "Serve the page of a run, to this machine only",
		Long: `Serves the folder of a run, or of the last run in a folder of --out (default:
sagacheck-out), until it is interrupted: its page, with the histories and replay
files that it links to. From another machine: ssh -L.`,
		Example: "  sagacheck report serve\n  sagacheck report serve --addr 127.0.0.1:9000 sagacheck-out/latest",
		Args:    atMostOneFolder("serve"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := live.CheckAddr(addr); err != nil {
				return usage(fmt.Errorf("--addr: %w", err))
			}
			dir, err := p.folderOf(args)
			if err != nil {
				return err
			}
			return trouble(live.ServeFolder(c.Context(), addr, dir, func(url string) { p.say("the report is shown at " + url) }))
		},
	}
	c.Flags().StringVar(&addr, "addr", "127.0.0.1:0", "address of this machine, as `HOST:PORT`; port 0: any that is free")
	return c
}
