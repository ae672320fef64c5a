#!/usr/bin/env bash
# Installs what the tests need besides Go: the server binaries of PostgreSQL and MariaDB, which
# the tests start themselves as a user other than root, promtool, a browser, and curl. None of them is left
# running as a service: see apt-install.sh.
set -euo pipefail

if ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
	"$(dirname "$0")/apt-install.sh" postgresql
fi
if ! [ -x /usr/sbin/mariadbd ]; then
	"$(dirname "$0")/apt-install.sh" mariadb-server
fi
if ! command -v promtool >/dev/null; then
	"$(dirname "$0")/apt-install.sh" prometheus
fi
if ! command -v chromium chromium-browser google-chrome google-chrome-stable >/dev/null; then
	"$(dirname "$0")/apt-install.sh" chromium
fi
if ! command -v curl >/dev/null; then # the pages ask servers by it
	"$(dirname "$0")/apt-install.sh" curl
fi
