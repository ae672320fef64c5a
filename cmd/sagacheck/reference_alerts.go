package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sagacheck/sagacheck/reference/alerts"
)

func newAlerts(p process) *cobra.Command {
	var runbooks string
	c := &cobra.Command{
		Use:   "alerts",
		Short: "Print rules by which Prometheus alerts",
		Long: `Prints a file of rules by which Prometheus tells a hiccup from a fault, of the metrics
that reference serve answers with. Each alert points to a page that says what to do
(docs/alerts.md).`,
		Example: "  sagacheck reference alerts > sagas.rules.yaml",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(p.stdout, alerts.Rules(runbooks))
			return trouble(err)
		},
	}
	c.Flags().StringVar(&runbooks, "runbooks", alerts.Runbooks, "`URL` below which the pages of the alerts are")
	return c
}
