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
command="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" -ne 0 ]; then
  as_root=sudo
  if ! command -v sudo >/dev/null 2>&1 || { ! [ -t 0 ] && ! sudo -n true 2>/dev/null; }; then
    echo "Packages are missing. Please have this run as root:  $command" >&2
    exit 1
  fi
fi
echo "installing$missing"
{ $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q >/dev/null &&
    $as_root env DEBIAN_FRONTEND=noninteractive $command -q >/dev/null; } || {
  echo "That failed. Please have this run as root:  $command" >&2
  exit 1
}
