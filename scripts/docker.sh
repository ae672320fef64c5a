#!/bin/sh
# Sets Docker up for the container tests on a Debian or Ubuntu machine, as root:
# installs it where it is missing, starts the daemon where it does not run.
#
#   . scripts/docker.sh && go test -tags docker ./orchestrators ./campaign -run Container
#
# No image is pulled: the tests build theirs from local files, and end their
# containers themselves, without the reaper's image.
export TESTCONTAINERS_RYUK_DISABLED=true
export TESTCONTAINERS_HOST_OVERRIDE=127.0.0.1

if ! docker info >/dev/null 2>&1; then
	if ! command -v dockerd >/dev/null; then
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq docker.io iptables >/dev/null
	fi
	(dockerd >/tmp/dockerd.log 2>&1 &)
	tries=0
	until docker info >/dev/null 2>&1; do
		tries=$((tries + 1))
		if [ "$tries" -ge 60 ]; then
			echo "dockerd did not start; the end of /tmp/dockerd.log:" >&2
			tail -n 20 /tmp/dockerd.log >&2
			break
		fi
		sleep 1
	done
fi
docker info --format 'Docker {{.ServerVersion}}'
