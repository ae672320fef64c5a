#!/usr/bin/env bash
# The steps of action.yml:
#   action.sh sources        outputs the folder for the program, named by what it is built from
#   action.sh build FOLDER   builds it into the folder
#   action.sh run FOLDER     runs it: SAGACHECK_COMMAND, a flag for each INPUT_ that is not empty, and
#                            SAGACHECK_ARGS, one argument a line; outputs exit-code, and verdict and report
#                            as the program writes them
set -euo pipefail

sources=$(cd "$(dirname "$0")/.." && pwd)

# output NAME VALUE: an output of this step.
output() {
	printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
}

# digest: of the names and the contents of all files.
digest() {
	cd "$sources"
	find . \( -name .git -o -name bin -o -name dist \) -prune -o -type f -print | LC_ALL=C sort >"$1"
	{ cat "$1" && git hash-object --no-filters --stdin-paths <"$1"; } | git hash-object --stdin
}

build() {
	local version
	version=${GITHUB_ACTION_REF:-action}-$(basename "$1")
	mkdir -p "$1"
	CGO_ENABLED=0 go -C "$sources" build -buildvcs=false -ldflags "-s -w -X main.version=$version" -o "$1/sagacheck" ./cmd/sagacheck
}

# told CODE: the word for an exit code of a command that has left no verdict.
told() {
	case $1 in
	0 | 1 | 2) echo none ;;
	3) echo usage ;;
	130) echo interrupted ;;
	*) echo system ;;
	esac
}

run() {
	local args=("$SAGACHECK_COMMAND") flag input line code=0 found pid
	for flag in orchestrator workflow scenario plan property participants seed max-time wait-for out; do
		input=INPUT_$(tr a-z- A-Z_ <<<"$flag")
		if [ -n "${!input}" ]; then
			args+=("--$flag" "${!input}")
		fi
	done
	while IFS= read -r line; do
		if [ -n "$line" ]; then
			args+=("$line")
		fi
	done <<<"$SAGACHECK_ARGS"
	found=$(mktemp) # the program writes its verdict and the folder of its report there
	GITHUB_OUTPUT=$found "$1/sagacheck" "${args[@]}" &
	pid=$!
	trap 'kill -TERM "$pid"' INT TERM # a job that is cancelled keeps what was found
	wait "$pid" || code=$?
	while kill -0 "$pid" 2>/dev/null; do # a signal ends wait, and not yet the program
		code=0
		wait "$pid" || code=$?
	done
	cat "$found" >>"$GITHUB_OUTPUT"
	if ! grep -q ^verdict= "$found"; then
		output verdict "$(told "$code")"
	fi
	rm "$found"
	output exit-code "$code"
	exit "$code"
}

case ${1:-} in
sources)
	list=$(mktemp)
	output folder "$RUNNER_TEMP/sagacheck-$(digest "$list" | cut -c1-12)"
	rm "$list"
	;;
build) build "$2" ;;
run) run "$2" ;;
*)
	echo "action.sh: got \"${1:-}\": expected sources, build or run" >&2
	exit 3
	;;
esac
