#!/usr/bin/env bash
# Installs Debian packages, as root or with sudo: scripts/apt-install.sh PACKAGE...
set -euo pipefail

if ! command -v apt-get >/dev/null; then
	echo "setup: there is no apt-get: install by other means: $*" >&2
	exit 1
fi
sudo=()
if [ "$(id -u)" -ne 0 ]; then
	sudo=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${sudo[@]}" apt-get update -q
"${sudo[@]}" apt-get install -y -q --no-install-recommends "$@"
