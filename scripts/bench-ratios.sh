#!/usr/bin/env bash
# Prints what `go test -bench` said, which is its input, and then the ratios that tell something on
# another machine too: all of one run.
set -euo pipefail
awk '
	{ print }
	/^(cpu|goos|goarch): / { machine[$1] = substr($0, length($1) + 2) }
	/^Benchmark/ {
		name = $1
		if (match(name, /-[0-9]+$/)) { cores = substr(name, RSTART + 1); name = substr(name, 1, RSTART - 1) }
		sub(/^Benchmark/, "", name)
		for (i = 3; i < NF; i += 2) figure[name " " $(i + 1)] = $i
	}
	function ratio(words, a, b) {
		if (a in figure && b in figure && figure[b] > 0) printf "  %-64s %8.3g\n", words, figure[a] / figure[b]
		else { printf "  %-64s %8s\n", words, "missing"; missing = 1 }
	}
	END {
		printf "\nRatios, on %s (%s/%s), %s cores:\n", machine["cpu:"], machine["goos:"], machine["goarch:"], cores
		ratio("calls through the wire, of direct ones", "Wire/through calls/s", "Wire/direct calls/s")
		ratio("calls of whole cells, of direct ones", "Cells/fault-free calls/s", "Wire/direct calls/s")
		ratio("cells with a refusal, of cells without a fault", "Cells/rejected cells/s", "Cells/fault-free cells/s")
		ratio("cells that kill their process, of cells without a fault", "Crashes cells/s", "Cells/fault-free cells/s")
		ratio("cells of a workflow of the user'\''s own, of cells by contract", "OwnWorkflow workflow-cells/s", "OwnWorkflow contract-cells/s")
		ratio("cells in virtual time (a core), of cells without a fault (all)", "Cell/memory cells/cpu-s", "Cells/fault-free cells/s")
		ratio("cells in virtual time on SQLite, of those in memory", "Cell/sqlite cells/cpu-s", "Cell/memory cells/cpu-s")
		ratio("cells in virtual time judged, of those that are not", "Cell/memory-judged cells/cpu-s", "Cell/memory cells/cpu-s")
		ratio("calls a second of sagas of 64 steps, of those of 4", "Growth/steps/64 calls/s", "Growth/steps/4 calls/s")
		ratio("calls a second of 64 sagas in a cell, of one", "Growth/sagas/64 calls/s", "Growth/sagas/1 calls/s")
		ratio("events judged in a second, of 1,000,000 and of 100,000", "Checkers/1000000/judge-all events/s", "Checkers/100000/judge-all events/s")
		ratio("what a step costs of a saga of 4,000, of one of 1,000", "Chain/4000 ns/step", "Chain/1000 ns/step")
		if ("Workers/1 cells/s" in figure) figure["a cell by 1 worker ns"] = 1e9 / figure["Workers/1 cells/s"]
		ratio("what the queue costs a cell, of a cell by 1 worker process", "Cell ns/op", "a cell by 1 worker ns")
		ratio("cells by 1 worker process, of those by none", "Workers/1 cells/s", "Workers/0 cells/s")
		ratio("cells by 2 worker processes, of those by 1", "Workers/2 cells/s", "Workers/1 cells/s")
		ratio("cells by 4 worker processes, of those by 1", "Workers/4 cells/s", "Workers/1 cells/s")
		exit missing
	}'
