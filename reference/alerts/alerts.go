// Package alerts holds the rules by which Prometheus tells a hiccup from a fault, of what
// the reference executor says about itself (reference/telemetry).
//
// The rules are data, in rules.yaml: names, labels and annotations follow the conventions
// of monitoring mixins, and each alert has a page in docs/runbooks. Goals: silence where
// nobody has to do anything; a person is told where one has to. Non-goals: routing,
// silences, dashboards.
package alerts

import (
	_ "embed"
	"strings"
)

//go:embed rules.yaml
var rules string

// Runbooks is where the pages are to which the alerts point.
const Runbooks = "https://github.com/sagacheck/sagacheck/blob/main/docs/runbooks"

// Rules are the rules as a file that Prometheus reads. Their alerts point to the pages
// below a URL; empty: [Runbooks].
func Rules(runbooks string) string {
	if runbooks == "" {
		return rules
	}
	return strings.ReplaceAll(rules, Runbooks, strings.TrimSuffix(runbooks, "/"))
}
