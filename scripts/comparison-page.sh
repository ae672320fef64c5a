#!/usr/bin/env bash
# Writes docs/comparison.md to the standard output, from the report of a compare run:
# scripts/comparison-page.sh sagacheck-out/latest > docs/comparison.md
# With a second folder, versions, settings and speeds are those of that run.
# With --shapes and the folder of a run of other scenarios, only the section about these.
# With --heard and the folder of a run of the properties of what engines say about themselves and do
# for operators (HEARD in the Makefile), only the section about these.
set -euo pipefail

: "${1:?expected the folder of a compare run}"

report() {
	sed '1d; s/^| command | .*sagacheck compare/| command | sagacheck compare/; s/ --out [^ |]*//' "$1/report.md"
}

# section prints the section of a report that is called so, one level deeper.
section() {
	report "$1" | awk -v name="## $2" '/^## / { on = $0 == name } on { sub(/^## /, "### "); print }'
}

# clauses prints one table of the clauses of all runs of a comparison: what of each was judged.
clauses() {
	for run in "$1"/runs/*/report.md; do
		sed -n 's/^| orchestrator | \([^ ]*\).*/engine \1/p' "$run"
		awk '/^## / { on = $0 == "## Clauses" } on && /^\| [a-z]/ && !/^\| property/' "$run"
	done | awk -F ' *\\| *' '
		/^engine/ { engines[++n] = substr($0, 8); next }
		{
			name = "| " $2 " | " $3 " |"
			if (!(name in seen)) { seen[name] = 1; names[++m] = name }
			gsub(/\*/, "", $5)
			cell = "✓ " $4
			if ($4 == "–") cell = "–"
			else if ($5 != "0") cell = "**✗ " $5 "**" ($4 == "0" ? "" : ", ✓ " $4)
			else if ($4 == "0") cell = "○"
			if ($6 != "–" && $6 != "0") cell = cell ", ? " $6
			cells[name, n] = cell
		}
		END {
			head = "| property | clause |"; line = "| --- | --- |"
			for (i = 1; i <= n; i++) { head = head " " engines[i] " |"; line = line " --- |" }
			print head; print line
			for (j = 1; j <= m; j++) {
				row = names[j]
				for (i = 1; i <= n; i++) row = row " " ((names[j], i) in cells ? cells[names[j], i] : "–") " |"
				print row
			}
		}'
}

heard() {
	cat <<'PAGE'

## What they say about themselves, and do for operators

A run of its own: the same saga under curated plans (how many, says the command below), kills and pauses
included, with fenced participants. What each engine [says about itself](telemetry.md#heard-and-compared)
is compared with what the wire saw, and what [operators ask for](operators.md#tested) with what is
done. Each engine is heard by what it offers, set up as its documentation would have it; what that is, and
what it does not offer, stands in its folder: [Temporal](../engines/temporal/README.md),
[DBOS](../engines/dbos/README.md), [go-workflows](../engines/go-workflows/README.md). The other engines
are not heard yet.

- ✓ n: held, n times. ✗ n: broken. ? n: could not be judged. ○: never at risk. –: the engine does not
  offer it, or its manifest does not name it: that is no finding.
- **Metrics** are those of a process, and are compared in cells that have one of their own. Temporal's SDK and
  go-workflows count in memory, so of theirs only cells with a pause are left: their numbers are surely not
  too low, and a count that is too high by no more than one for each operation would pass for what the
  pause may have hidden. The reference executor's are compared after kills too (`after-crash`).
- **Spans** that had ended and were not sent yet are lost with a kill; nobody promises otherwise but the
  reference executor, so those count as ? for the others.
- For Temporal and go-workflows the rollback by an operator is code of the worker, a signal or an update, as an
  application would have it. DBOS's pause and resume are its own.

PAGE
	clauses "$1"
	echo
	section "$1" "Findings"
	section "$1" "Marks that are neither ✓ nor ✗"
	# without speeds: this run was not to measure any
	section "$1" "Versions and settings" | sed -E 's/^(\|[^|]*\|[^|]*\|)[^|]*\|[^|]*\|/\1/; /^sagas\/s:/,$d'
	section "$1" "This run"
}

# ran prints which scenarios each engine ran.
ran() {
	echo "| engine | scenarios |"
	echo "| --- | --- |"
	for run in "$1"/runs/*/report.md; do
		engine=$(sed -n 's/^| orchestrator | \([^ ]*\).*/\1/p' "$run")
		names=$(awk '/^## / { on = /^## Property × scenario/ } on && /^\| property/' "$run" | sed 's/^| property | //; s/ |$//; s/ | /, /g')
		echo "| $engine | $names |"
	done
}

shapes() {
	cat <<'PAGE'

## More shapes of sagas

A run of its own, with fenced participants: a diamond (`fan-out`), steps side by side that may be called once only
(`booking`), and three sagas that want the same seat (`seat`). How many plans of each, says the command below; which an
engine can run, the first table.

PAGE
	ran "$1"
	echo
	section "$1" "Engine × anomaly, fenced participants"
	section "$1" "Findings"
	section "$1" "Marks that are neither ✓ nor ✗"
	section "$1" "This run"
}

case "$1" in
--heard)
	heard "$2"
	exit
	;;
--shapes)
	shapes "$2"
	exit
	;;
esac
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
  `unavoidable` (no engine can prevent it, the participant has to), a `consequence` of other findings in the table,
  or a `surprise`, which is what we found no word about.
- **Replays** is in how many repetitions the smallest plan showed it again, of those in which it did or all
  its faults struck: ten, or three where it came back in each after the whole wait for sagas that do not end.
- **A ✓ means at risk and held**, under the plans of this run. `sagacheck explore` and more
  scenarios try more.
- **What broke and came back in no replay is a ?**: it may have been the machine's.
- **Sagas a second** are fault-free sagas through the same harness, for each engine as many at
  once as the one with the lowest limit in its manifest takes. It says what this harness got out
  of a single node with default settings; it is no benchmark of the engine.

PAGE
if [ $# -eq 1 ]; then
	report "$1"
else
	report "$1" | awk '/^## / { skip = /^## Versions and settings/ } !skip'
	echo
	echo "Versions, settings and speeds are those of a second run, of $(sed -n 's/^| started | \(.*\) |$/\1/p' "$2/report.md"):"
	echo
	report "$2" | awk '/^## / { on = /^## Versions and settings/ } on'
fi
