#!/usr/bin/env bash
# image.sh VERSION: the files of the image (deploy/Dockerfile), in bin/image. Folders that the
# program writes to may be written by anybody, since whoever starts a container says who it runs as.
set -euo pipefail
cd "$(dirname "$0")/.."

root=bin/image
authorities=/etc/ssl/certs/ca-certificates.crt
if ! [ -e "$authorities" ]; then
	echo "image: there is no $authorities: install ca-certificates" >&2
	exit 1
fi
rm -rf "$root"
mkdir -p "$root"/usr/bin "$root"/usr/share/doc/sagacheck "$root"/etc/ssl/certs
mkdir -m 1777 "$root/tmp" "$root/out"
CGO_ENABLED=0 GOOS=linux go build -trimpath -ldflags "-s -w -X main.version=${1:?expected a version}" -o "$root/usr/bin/sagacheck" ./cmd/sagacheck
cp "$authorities" "$root/etc/ssl/certs/"
cp NOTICE LICENSE "$root/usr/share/doc/sagacheck/"
