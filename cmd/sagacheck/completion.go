package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sagacheck/sagacheck/participants"
	"github.com/sagacheck/sagacheck/results"
)

// catalogueOf is where the values of a flag are listed; those that take a path or a
// pattern too have it for a start.
var catalogueOf = map[string]string{
	"scenario": "scenarios", "property": "checkers", "defect": "defects", "orchestrator": "orchestrators",
}

// wordsOf are the values of flags that take few.
var wordsOf = map[string][]string{
	"participants": {string(participants.Naive), string(participants.Keyed), string(participants.Fenced)},
	"log":          {"debug", "info", "warn", "error", "off"},
	"how":          {"keep-readable", "set-aside"},
	"keep":         results.Keeps(),
}

// completeFlags lets a shell complete the values of the flags of a command, and of
// those below it.
func completeFlags(c *cobra.Command) {
	c.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		var complete cobra.CompletionFunc
		switch {
		case wordsOf[f.Name] != nil:
			complete = cobra.FixedCompletions(wordsOf[f.Name], cobra.ShellCompDirectiveNoFileComp)
		case catalogueOf[f.Name] != "":
			complete = namesOf(catalogueOf[f.Name])
		default:
			return
		}
		if err := c.RegisterFlagCompletionFunc(f.Name, complete); err != nil {
			panic(err) // the flag is there, and is registered once
		}
	})
	for _, below := range c.Commands() {
		completeFlags(below)
	}
}

// namesOf completes the names of a catalogue. A path is completed beside them.
func namesOf(catalogue string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
		entries, err := catalogues[catalogue]()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		for _, e := range entries {
			names = append(names, cobra.CompletionWithDesc(e.Name, e.Text))
		}
		return names, cobra.ShellCompDirectiveDefault
	}
}
