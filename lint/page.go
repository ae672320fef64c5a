package lint

import (
	"fmt"
	"io"
)

// Reference writes the page about the rules.
func Reference(w io.Writer) error {
	if _, err := io.WriteString(w, head); err != nil {
		return err
	}
	for _, r := range Rules() {
		if _, err := fmt.Fprintf(w, "| `%s` | %s | %s |\n", r.Name, r.Says, r.Why); err != nil {
			return err
		}
	}
	return nil
}

const head = "# Lint\n\n" +
	"<!-- generated from the rules; do not edit -->\n\n" +
	"Rules that durable workflows follow, looked up in files before anything runs:\n\n" +
	"<!-- before: cp examples/shop/workflow.yaml examples/shop/*.openapi.yaml packs/payments/policies.yaml . -->\n" +
	"<!-- before: echo '{\"id\": \"c17-1\", \"name\": \"order\", \"steps\": [{\"name\": \"charge\", \"kind\": \"compensatable\", \"action\": {\"url\": \"http://127.0.0.1:9001/charge\", \"retry\": {\"max_attempts\": 4, \"initial_interval_ms\": 10, \"multiplier\": 2, \"max_interval_ms\": 100, \"attempt_timeout_ms\": 200}}}]}' >saga.json -->\n" +
	"<!-- exits: 1 -->\n\n" +
	"    sagacheck lint workflow.yaml policies.yaml saga.json\n\n" +
	"It reads [scenarios](scenario-format.md), [workflows](workflow-file.md), [policies](policies.md), and sagas\n" +
	"as a client submits them ([the contract](contract.md)), and says for each finding file, line, field and rule; `--json`\n" +
	"has the same for programs. Exit 0: nothing; 1: something goes against a rule; 3: a file is wrong. Two\n" +
	"bindings of policies that disagree are such a mistake. Of [plans](plans.md) and [manifests](orchestrators.md) no rule\n" +
	"speaks: it says what is wrong with them.\n\n" +
	"What it can't know it leaves to runs: whether a key is minded, how often a workflow of your own repeats\n" +
	"its calls, whether its undo is right.\n\n" +
	"| rule | what is found fault with | why |\n" +
	"|---|---|---|\n"
