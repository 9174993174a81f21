#!/usr/bin/env bash
# Measures the figures of docs/figures.md with the programs of a build directory (preset `bench`).
# Usage: tests/bench/run.sh BUILD_DIR [worker|stack|creations]
# Takes less than three minutes, talks to loopback only, and ends what it started.
set -euo pipefail

if [[ $# -lt 1 || $# -gt 2 ]]; then
  echo "usage: $0 BUILD_DIR [worker|stack|creations]" >&2
  exit 2
fi
build=$(realpath "$1")
for program in berth-bench bench-echo berth-worker berth-gateway berth-operator; do
  if [[ ! -x $build/bin/$program ]]; then
    echo "$0: $build/bin/$program is missing; build it: cmake --preset bench && cmake --build build/bench" >&2
    exit 1
  fi
done

work=$(mktemp -d "$build/bench-run.XXXXXX")
trap 'rm -rf "$work"' EXIT
export BERTH_BENCH_COMMAND="tests/bench/run.sh $*"
timeout --kill-after=10 175 "$build/bin/berth-bench" "$build/bin" "$work" "$build/results.jsonl" "${@:2}"
