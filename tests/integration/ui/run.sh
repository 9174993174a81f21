#!/usr/bin/env bash
# The live page in Debian's Chromium. Usage: run.sh BUILD_DIR [TEST.mjs ...]. Pictures: BUILD_DIR/ui-test/pictures.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
shift
work=$build/ui-test
mkdir -p "$work/pictures"

"$here/install.sh" "$work"
export BERTH_BIN=$build/bin UI_TEST_MODULES=$work/node_modules UI_TEST_PICTURES=$work/pictures
tests=("$@")
[ ${#tests[@]} -gt 0 ] || tests=("$here"/*.test.mjs)
# One file after another: each has a browser and a cluster of its own.
status=0
for file in "${tests[@]}"; do
  node --test "$file" || status=1
done
exit $status
