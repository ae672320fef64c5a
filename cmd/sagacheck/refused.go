package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sagacheck/sagacheck/reference/store"
)

// What the command line's parser refuses is said as this program says what it refuses itself: what
// was given, what was expected, and what may have been meant.

// farOff is how many letters a name may differ by from the one that was meant.
const farOff = 2

// refusedFlag is the error for a flag that can't be.
func refusedFlag(c *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	var unknown *pflag.NotExistError
	var bare *pflag.ValueRequiredError
	switch {
	case errors.As(err, &invalid):
		if expected := expectedOf[invalid.GetFlag().Value.Type()]; expected != "" {
			err = fmt.Errorf("--%s: %q: expected %s", invalid.GetFlag().Name, invalid.GetValue(), expected)
		}
	case errors.As(err, &unknown):
		err = fmt.Errorf("%w%s", err, meantFlag(c, unknown.GetSpecifiedName()))
	case errors.As(err, &bare):
		what, _ := pflag.UnquoteUsage(bare.GetFlag())
		err = fmt.Errorf("--%s: nothing is given: expected --%[1]s %s", bare.GetFlag().Name, strings.ToUpper(what))
	}
	return usage(fmt.Errorf("%s: %w", c.CommandPath(), err))
}

// meantFlag names the flags that are called nearly so. Where none is, it says how the command is called
// if it has arguments, as a file may stand there, and else which commands have the flag.
func meantFlag(c *cobra.Command, name string) string {
	names := &cobra.Command{SuggestionsMinimumDistance: farOff}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		names.AddCommand(&cobra.Command{Use: f.Name, Hidden: f.Hidden, Run: func(*cobra.Command, []string) {}})
	})
	if near := names.SuggestionsFor(name); len(near) > 0 {
		return meant("--", near)
	}
	if strings.TrimSuffix(c.UseLine(), " [flags]") != c.CommandPath() {
		return ": expected " + c.UseLine()
	}
	return haveFlag(c.Root(), name)
}

// haveFlag says which commands have a flag, if any has.
func haveFlag(root *cobra.Command, name string) string {
	var have []string
	for _, c := range root.Commands() {
		if c.Flags().Lookup(name) != nil {
			have = append(have, c.CommandPath())
		}
	}
	if have == nil {
		return ""
	}
	return ": it is a flag of " + strings.Join(have, ", ")
}

// meant asks whether one of some names was meant, if there are any.
func meant(before string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ": did you mean " + before + strings.Join(names, ", or "+before) + "?"
}

// noArgs refuses arguments; where there are commands below, it takes them for the name of one.
func noArgs(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case c.HasSubCommands():
		c.SuggestionsMinimumDistance = farOff
		return usage(fmt.Errorf("unknown command %q for %q%s", args[0], c.CommandPath(), meant(c.CommandPath()+" ", c.SuggestionsFor(args[0]))))
	}
	return usage(fmt.Errorf("%s: %q: expected flags only", c.CommandPath(), args[0]))
}

// needs refuses a command line without some flags, of which it is said how they look.
func needs(c *cobra.Command, flags map[string]string) error {
	var missing []string
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		if !c.Flags().Changed(name) {
			missing = append(missing, "--"+name+" "+flags[name])
		}
	}
	if missing == nil {
		return nil
	}
	return usage(fmt.Errorf("%s: expected %s", c.CommandPath(), strings.Join(missing, ", ")))
}

// ofStore is an error of a store: one that is not there, or is a folder, is the caller's mistake.
func ofStore(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, store.ErrFolder) {
		return usage(err)
	}
	return trouble(err)
}

// arguments refuses fewer or more than what is expected, in words.
func arguments(least, most int, expected string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return usage(fmt.Errorf("%s: got %d arguments: expected %s", c.CommandPath(), len(args), expected))
		}
		return nil
	}
}
