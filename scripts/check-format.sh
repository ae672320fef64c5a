#!/usr/bin/env bash
# check-format.sh COMMAND...: fails, with names, if a Go file in git is not
# formatted as COMMAND (gofumpt) formats it.
set -euo pipefail

mapfile -t files < <(git ls-files --cached --others --exclude-standard '*.go')
bad=$("$@" -l "${files[@]}")
if [ -n "$bad" ]; then
	echo "not formatted (make fmt):" >&2
	echo "$bad" >&2
	exit 1
fi
