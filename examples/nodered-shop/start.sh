#!/bin/sh
# start.sh NODE-RED FOLDER USERDIR: puts the flow of FOLDER into USERDIR, once, and becomes Node-RED.
set -eu
if [ ! -e "$3/flows.json" ]; then
	cp "$(dirname "$0")/$2/settings.js" "$(dirname "$0")/$2/flows.json" "$3/"
fi
exec node "$1" --userDir "$3"
