package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/orchestrators"
)

func newOrchestrators(p process) *cobra.Command {
	c := &cobra.Command{
		Use:   "orchestrators",
		Short: "Install, start and list orchestrators that have a manifest",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List the manifests", Args: noArgs,
			RunE: func(*cobra.Command, []string) error {
				entries, err := listOrchestrators()
				if err != nil {
					return trouble(err)
				}
				return printEntries(p.stdout, entries)
			},
		},
		&cobra.Command{
			Use: "install NAME...", Short: "Run a manifest's pinned install commands", Example: "  sagacheck orchestrators install nodered",
			Args: named,
			RunE: func(c *cobra.Command, args []string) error {
				for _, name := range args {
					if _, err := orchestrators.FindManifest(name); err != nil {
						return usage(err)
					}
					if err := orchestrators.Install(c.Context(), name, p.stderr); err != nil {
						return trouble(err)
					}
				}
				return nil
			},
		},
		&cobra.Command{
			Use: "start NAME", Short: "Start an orchestrator until interrupted", Args: named,
			RunE: func(c *cobra.Command, args []string) error { return startUntilInterrupted(c.Context(), p, args[0]) },
		},
	)
	return c
}

func named(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usage(fmt.Errorf("%s: expected the name of an orchestrator: see sagacheck orchestrators list", c.CommandPath()))
	}
	return nil
}

func startUntilInterrupted(ctx context.Context, p process, name string) error {
	if _, err := orchestrators.FindManifest(name); err != nil {
		return usage(err)
	}
	s, err := orchestrators.Start(ctx, name, orchestrators.Options{Log: p.stderr})
	if err != nil {
		return trouble(err)
	}
	fmt.Fprintf(p.stdout, "%s %s is ready: %s\n", s.Info().Name, s.Info().Version, s.Base())
	for ctx.Err() == nil {
		if err = s.Alive(); err != nil {
			break
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	end, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return trouble(errors.Join(err, s.Stop(end)))
}
