#!/usr/bin/env bash
# Builds Helm and kubectl from Go modules into the cache of `make e2e`, each only if it is neither on PATH nor there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=${XDG_CACHE_HOME:-$HOME/.cache}/berth-e2e/bin

missing=()
for program in helm kubectl; do
  command -v "$program" > /dev/null || missing+=("$program")
done
[ ${#missing[@]} -eq 0 ] || "$here/../tests/e2e/cluster/build.sh" "$bin" "${missing[@]}"
