#!/usr/bin/env bash
# Installs what engines of npm packages need to be installed and run: Node.js and npm.
set -euo pipefail

if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
	"$(dirname "$0")/apt-install.sh" nodejs npm
fi
