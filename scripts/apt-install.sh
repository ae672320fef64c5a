#!/usr/bin/env bash
# Installs Debian packages, as root or with sudo: scripts/apt-install.sh PACKAGE...
# Services that come with them are not started: policy-rc.d is what Debian asks about that.
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
policy=/usr/sbin/policy-rc.d
if ! [ -e "$policy" ]; then
	trap '"${sudo[@]}" rm -f "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
	"${sudo[@]}" chmod 755 "$policy"
fi
"${sudo[@]}" apt-get update -q
"${sudo[@]}" apt-get install -y -q --no-install-recommends "$@"
