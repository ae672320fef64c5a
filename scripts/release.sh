#!/usr/bin/env bash
# Makes what a release consists of, into dist/, and publishes it; with --snapshot, of any commit
# and without publishing. .goreleaser.yaml says what that is.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=$PWD/bin/tools
export PATH="$tools:$PATH"
GOBIN=$tools go install github.com/goreleaser/goreleaser/v2@v2.15.1
GOBIN=$tools go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
goreleaser check
goreleaser release --clean "$@"
