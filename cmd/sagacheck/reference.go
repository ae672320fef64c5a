package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/reference"
)

func newReference(p process) *cobra.Command {
	c := &cobra.Command{
		Use:   "reference",
		Short: "The reference executor as a server",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newServe(p))
	return c
}

func newServe(p process) *cobra.Command {
	var addr, store string
	var defects []string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Serve the contract until interrupted",
		Example: `  sagacheck reference serve --addr 127.0.0.1:8080 --store saga.db
  sagacheck reference serve --store postgres://user@127.0.0.1:5432/sagas`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			for _, name := range defects {
				if !slices.ContainsFunc(reference.Defects(), func(d reference.Defect) bool { return d.Name == name }) {
					return usage(fmt.Errorf("--defect: the reference executor has no defect %q: see sagacheck list defects", name))
				}
			}
			if store == "" {
				dir, err := os.MkdirTemp("", "sagacheck-reference-*")
				if err != nil {
					return trouble(err)
				}
				defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder; nothing depends on it
				store = filepath.Join(dir, "saga.db")
			}
			return trouble(reference.Serve(c.Context(), reference.ServeOptions{
				Options: reference.Options{StoreDSN: store, Defects: defects},
				Addr:    addr,
				Ready:   func(addr string) { fmt.Fprintf(p.stdout, "serving the contract on http://%s\n", addr) },
			}))
		},
	}
	c.Flags().StringVar(&addr, "addr", "127.0.0.1:8080", "`host:port` to listen on; port 0: any")
	c.Flags().StringVar(&store, "store", "", "SQLite `file` or postgres:// address (default: a temporary file)")
	c.Flags().StringSliceVar(&defects, "defect", nil, "switch on a planted defect (may be repeated)")
	return c
}
