#!/bin/sh
# Starts a private PostgreSQL server: postgres.sh FOLDER PORT. The cluster is made in
# FOLDER if it is not there. The shell becomes the server, so that signals reach it.
set -eu
data=$1/postgres port=$2

bin=
for dir in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V) /usr/pgsql-*/bin "$(dirname "$(command -v initdb || echo none)")"; do
	if [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ]; then bin=$dir; fi
done
if [ -z "$bin" ]; then
	echo "PostgreSQL's server is not installed (no initdb under /usr/lib/postgresql, nor on the PATH): apt-get install postgresql" >&2
	exit 1
fi

# The server refuses to run as root, and root may be all there is, in a container.
# A change of user forgets the signal at the parent's death, so that is set again: to
# SIGQUIT, on which the server takes its processes and its shared memory with it.
as=
if command -v setpriv >/dev/null; then
	as="setpriv --pdeathsig=QUIT"
fi
if [ "$(id -u)" -eq 0 ]; then
	user=postgres
	id "$user" >/dev/null 2>&1 || user=nobody
	if [ -z "$as" ]; then
		echo "PostgreSQL refuses to run as root, and there is no setpriv to run it as $user: apt-get install util-linux" >&2
		exit 1
	fi
	as="$as --reuid=$(id -u "$user") --regid=$(id -g "$user") --clear-groups"
	mkdir -p "$data"
	chown "$user" "$data"
	cd /
fi

if [ ! -f "$data/PG_VERSION" ]; then
	$as "$bin/initdb" --pgdata="$data" --auth=trust --username=sagacheck --encoding=UTF8 --locale=C --no-sync
fi
# Nothing is flushed to the disk: what is stored survives the end of a client, which
# is all that is inflicted, not that of the machine.
exec $as "$bin/postgres" -D "$data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
	-c fsync=off -c full_page_writes=off -c autovacuum=off -c max_wal_senders=0 -c wal_level=minimal \
	-c shared_buffers=16MB -c dynamic_shared_memory_type=mmap -c max_connections=64
