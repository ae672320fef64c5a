#!/usr/bin/env bash
# Installs what the tests need besides Go: PostgreSQL's server binaries, which the
# tests start themselves as a user other than root.
set -euo pipefail

if compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
	exit 0
fi
if ! command -v apt-get >/dev/null; then
	echo "setup: PostgreSQL's server binaries are missing under /usr/lib/postgresql: install them" >&2
	exit 1
fi
sudo=()
if [ "$(id -u)" -ne 0 ]; then
	sudo=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${sudo[@]}" apt-get update -q
"${sudo[@]}" apt-get install -y -q --no-install-recommends postgresql
