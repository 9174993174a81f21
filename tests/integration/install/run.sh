#!/usr/bin/env bash
# Installs BUILD_DIR into a temporary prefix, builds the consumer project against it, and runs what came out.
# Usage: run.sh BUILD_DIR
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$1" --prefix "$work/prefix" >/dev/null
"$work/prefix/bin/kubectl-berth" --version >/dev/null
cmake -S "$here/consumer" -B "$work/build" -G Ninja -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_BUILD_TYPE=Debug \
  ${CONSUMER_CMAKE_ARGS:-} >/dev/null
cmake --build "$work/build" >"$work/build.log" 2>&1 || { cat "$work/build.log"; exit 1; }
"$work/build/caller"
"$work/build/own-worker" --help >/dev/null
echo "the installed package works"
