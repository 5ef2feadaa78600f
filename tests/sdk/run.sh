#!/bin/sh
# Runs the comparison with the official client: run.sh TARGET_DIR FAKE_RESEND SEND_MAIL
# Exit status 77 when install.sh could not install it.
set -eu
if [ ! -d "$1/node_modules/resend" ]; then
  echo "skipped: the official client is not installed"
  exit 77
fi
cd "$1"
exec node --test-reporter=spec resend_test.mjs "$2" "$3"
