#!/usr/bin/env bash
# Writes docs/kill-matrix.md to the standard output, from the reports of mutants runs:
# scripts/kill-matrix-page.sh sagacheck-out/latest > docs/kill-matrix.md
set -euo pipefail

: "${1:?expected the folders of mutants runs}"
cat <<'PAGE'
# The kill matrix, measured

<!-- generated from real runs by scripts/kill-matrix-page.sh; do not edit -->

What `sagacheck mutants` printed on a machine of two cores. [mutants.md](mutants.md) says how
it is measured and how to read it; [defects.md](defects.md) describes each defect.

PAGE
for run in "$@"; do
	echo "# Run of $(sed -n 's/^| started | \(.*\) |$/\1/p' "$run/report.md")"
	sed '1d' "$run/report.md" | sed 's/ --out [^ |]*//; /^| sagacheck | dev |$/d; /^| orchestrator | /d; /^| events judged | /d'
done
