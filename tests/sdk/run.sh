#!/bin/sh
# Runs one of the comparisons with official clients: run.sh TARGET_DIR TEST.mjs PROGRAM...
# Exit status 77 when install.sh could not install them.
set -eu
if [ ! -d "$1/node_modules/resend" ]; then
  echo "skipped: the official clients are not installed"
  exit 77
fi
cd "$1"
shift
exec node --test-reporter=spec "$@"
