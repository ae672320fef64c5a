package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/campaign"
	"github.com/sagacheck/sagacheck/reports"
	"github.com/sagacheck/sagacheck/results"
)

// host is the program, for a campaign.
func (p process) host() campaign.Host {
	h := campaign.Host{
		Tool: toolVersion(), Command: withoutSecrets(p.args), Say: p.say, Output: p.stderr, Save: reports.Save,
		Progress: func(what string, total int) campaign.Progress {
			return reports.NewProgress(reports.NewTerminal(p.stderr, p.getenv), what, total)
		},
	}
	if p.agent != nil && p.agent.Progress != nil {
		h.Progress = p.agent.Progress
	}
	return h
}

// secret is what stands before the host of a URL: a token, or a user and a password.
var secret = regexp.MustCompile(`://[^@/\s]+@`)

// withoutSecrets is a command line as it may stand in a report.
func withoutSecrets(args []string) string {
	shown := slices.Clone(args)
	for i, a := range shown {
		if value, ok := strings.CutPrefix(a, "--server="); ok {
			shown[i] = "--server=" + campaign.Bare(value)
		} else if i > 0 && args[i-1] == "--server" {
			shown[i] = campaign.Bare(a)
		}
	}
	return withoutPasswords(strings.Join(shown, " "))
}

func withoutPasswords(text string) string { return secret.ReplaceAllString(text, "://") }

func (p process) say(line string) { p.note("sagacheck: ", line) }

// note is a line that whoever gave the command should know, with what stands before it on a terminal.
func (p process) note(before, line string) {
	fmt.Fprintf(p.stderr, "%s%s\n", before, line)
	if p.agent != nil && p.agent.Say != nil {
		p.agent.Say(line)
	}
}

// publish writes and prints what a campaign found, or says why it found nothing.
func (p process) publish(done *campaign.Finished, err error, out string, clauses bool) error {
	if err != nil {
		return err
	}
	err = publish(p.terminal(clauses), done, out)
	if p.agent != nil {
		p.agent.done = done
	}
	p.github(done.Run, done.Dir)
	return err
}

// publish writes a run, lets the link in out point to it, and prints it. What a full
// disk or the like keeps from being written is not pointed to.
func publish(t reports.Terminal, done *campaign.Finished, out string) error {
	run := done.Run
	err := reports.Save(run, done.Dir)
	if err == nil {
		err = results.PointLatest(out, done.Link, done.Dir)
	}
	if err = errors.Join(err, reports.Print(t, run)); err != nil {
		return trouble(err)
	}
	if run.Summary.Exit != 0 {
		return &exitError{code: run.Summary.Exit}
	}
	return nil
}

// clausesFlag adds the flag for commands that print properties.
func clausesFlag(c *cobra.Command, all *bool) {
	c.Flags().BoolVar(all, "clauses", false, "print every clause of every property (default: those that could not be judged, or mostly not; report.md has all)")
}

// terminal is where results are printed.
func (p process) terminal(clauses bool) reports.Terminal {
	t := reports.NewTerminal(p.stdout, p.getenv)
	t.Clauses = clauses
	return t
}
