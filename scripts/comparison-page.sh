#!/usr/bin/env bash
# Writes docs/comparison.md to the standard output, from the report of a compare run:
# scripts/comparison-page.sh sagacheck-out/latest > docs/comparison.md
# With a second folder, versions, settings and speeds are those of that run.
set -euo pipefail

: "${1:?expected the folder of a compare run}"
cat <<'PAGE'
# Real engines, compared

<!-- generated from a real run by scripts/comparison-page.sh (make comparison); do not edit -->

One saga, the `order` of [scenarios](scenarios.md), run by real engines under the same
plans: one plan of each shape (each kind of fault at each of its phases in both directions,
late arrivals, answers that stay lost, windows, kills and pauses of the engine's own
processes), with each protection of the participants. What was configured, and why, stands
in each engine's folder under `engines/`. *Naive* participants do all that they are
told; *keyed* ones know an idempotency key; *fenced* ones also refuse an action that arrives
after its compensation.

How to read it:

- **A ✗ is a finding about a combination**: this engine, with these settings, this saga
  written as its documentation would have it, and participants with this protection. With
  naive participants most say no more than that calls are made at least once, which the
  engines' documentation says too. The column *behaviour* tells: `documented`, a `setting`,
  or a `surprise`, which is what we found no word about.
- **Replays** is in how many of ten repetitions the smallest plan showed it again.
- **A ✓ means at risk and held**, under the plans of this run. `sagacheck explore` and more
  scenarios try more.
- **Sagas a second** are fault-free sagas through the same harness, for each engine as many at
  once as the one with the lowest limit in its manifest takes. It says what this harness got out
  of a single node with default settings; it is no benchmark of the engine.

PAGE
report() {
	sed '1d; s/^| command | .*sagacheck compare/| command | sagacheck compare/; s/ --out [^ |]*//' "$1/report.md"
}

if [ $# -eq 1 ]; then
	report "$1"
else
	report "$1" | awk '/^## / { skip = /^## Versions and settings/ } !skip'
	echo
	echo "Versions, settings and speeds are those of a second run, of $(sed -n 's/^| started | \(.*\) |$/\1/p' "$2/report.md"):"
	echo
	report "$2" | awk '/^## / { on = /^## Versions and settings/ } on'
fi
