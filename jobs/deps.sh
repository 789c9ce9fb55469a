#!/bin/sh
# Installs the Debian packages named as arguments where they are missing; says the one command where it may not.
set -eu

missing=
for package in "$@"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  echo "This is no Debian: install the equivalents of$missing, and describe them in config.mk (jobs/sites has examples)." >&2
  exit 1
fi
as_root=
[ "$(id -u)" -eq 0 ] || as_root="sudo"
if [ -n "$as_root" ] && ! sudo -n true 2>/dev/null && ! [ -t 0 ]; then
  echo "Missing packages. Please run:  sudo apt-get install -y --no-install-recommends$missing" >&2
  exit 1
fi
echo "installing$missing"
$as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q >/dev/null
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing >/dev/null
