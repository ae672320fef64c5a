#!/usr/bin/env bash
# Installs what engines of npm packages need to be installed and run: Node.js and npm.
set -euo pipefail

if command -v npm >/dev/null && command -v node >/dev/null; then
	exit 0
fi
if ! command -v apt-get >/dev/null; then
	echo "setup: node and npm are missing on the PATH: install them" >&2
	exit 1
fi
sudo=()
if [ "$(id -u)" -ne 0 ]; then
	sudo=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${sudo[@]}" apt-get update -q
"${sudo[@]}" apt-get install -y -q --no-install-recommends nodejs npm
