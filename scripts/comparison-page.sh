#!/usr/bin/env bash
# Writes docs/comparison.md to the standard output, from the reports of compare runs:
# scripts/comparison-page.sh sagacheck-out/latest > docs/comparison.md
set -euo pipefail

: "${1:?expected the folders of compare runs}"
cat <<'PAGE'
# Real engines, compared

<!-- generated from a real run by scripts/comparison-page.sh (make comparison); do not edit -->

One saga, the `order` of [scenarios](scenarios.md), run by real engines under the same
plans: one plan of each shape (each kind of fault at each of its phases in both directions,
late arrivals, answers that stay lost, windows, kills and pauses of the engine's own
processes), with each protection of the participants. What was configured, and why, stands
in each engine's folder under `orchestrators/`. *Naive* participants do all that they are
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
- **Sagas a second** are fault-free sagas through the same harness, at the parallelism that
  the engine's manifest allows, most of it kept for engines that need more patience. The
  ratio says what this harness got out of a single node with default settings; it is no
  benchmark of the engine.

PAGE
for run in "$@"; do
	if [ $# -gt 1 ]; then
		echo "# Run of $(sed -n 's/^| started | \(.*\) |$/\1/p' "$run/report.md")"
	fi
	sed '1d' "$run/report.md" | sed 's/^| command | .*sagacheck compare/| command | sagacheck compare/; s/ --out [^ |]*//'
done
