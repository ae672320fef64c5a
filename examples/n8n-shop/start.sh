#!/bin/sh
# start.sh N8N FOLDER: imports the exported workflows of FOLDER, once, and becomes n8n.
set -eu
workflows=$(dirname "$0")/$2
if [ ! -e "$N8N_USER_FOLDER/imported" ]; then
	node "$1" import:workflow --separate --input="$workflows"
	node "$1" update:workflow --all --active=true
	touch "$N8N_USER_FOLDER/imported"
fi
exec node "$1" start
