#!/usr/bin/env bash
# release-pages.sh FOLDER: manual pages and completions for shells, as archives and packages hold them.
# The date of the pages is that of the commit.
set -euo pipefail

folder=${1:?expected a folder}
rm -rf "$folder"
mkdir -p "$folder/completions"
program=$(mktemp)
trap 'rm -f "$program"' EXIT
CGO_ENABLED=0 GOOS='' GOARCH='' go build -o "$program" ./cmd/sagacheck
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) "$program" man "$folder/man"
gzip -9 --no-name "$folder"/man/*.1
"$program" completion bash >"$folder/completions/sagacheck.bash"
"$program" completion zsh >"$folder/completions/_sagacheck"
"$program" completion fish >"$folder/completions/sagacheck.fish"
