package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

func newMan() *cobra.Command {
	return &cobra.Command{
		Use:   "man FOLDER",
		Short: "Write the manual pages",
		Long: `Writes a manual page for each command into a folder, which is made if it is not there.
Packages have them already. SOURCE_DATE_EPOCH (seconds) sets their date.`,
		Example: `  sagacheck man ~/.local/share/man/man1
  man sagacheck-run`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usage(fmt.Errorf("%s: got %d arguments: expected the folder for the pages", c.CommandPath(), len(args)))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return usage(err)
			}
			root := c.Root()
			root.DisableAutoGenTag = true
			header := &doc.GenManHeader{Section: "1", Source: "sagacheck " + toolVersion(), Manual: "Sagacheck"}
			return usage(doc.GenManTree(root, header, args[0]))
		},
	}
}
