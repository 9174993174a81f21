#!/usr/bin/env bash
# Runs each fuzz target of BUILD_DIR for SECONDS, starting from a copy of its committed corpus, as many at a time as
# there are cores. One line a target and a summary; an input that breaks one is kept in BUILD_DIR/fuzz/found, with the
# target's report beside it. Fails if any target does. Usage: run.sh BUILD_DIR [SECONDS]
set -uo pipefail

readonly memory_mb=1024  # Most that a target may use; a leak or a bomb is a finding.
readonly input_seconds=10  # Longest for one input.

# fuzz NAME: one target. Prints its line.
fuzz() {
  local name=$1 program=$build/fuzz/$1_fuzz
  local found=$build/fuzz/found/$name work=$scratch/$name
  mkdir -p "$work" "$found"
  if ! cp -r "$corpus/$name" "$work/corpus"; then
    printf '%-14s FAILED: no corpus in %s\n' "$name" "$corpus/$name"
    return 1
  fi
  if "$program" -max_total_time="$seconds" -rss_limit_mb=$memory_mb \
    -timeout=$input_seconds -max_len=65536 -print_final_stats=1 -artifact_prefix="$found/" "$work/corpus" >"$work/log" 2>&1; then
    awk -v name="$name" '
      /^stat::number_of_executed_units/ { runs = $2 } /^stat::peak_rss_mb/ { rss = $2 } / cov: / { cov = $4; corpus = $8 }
      END { if (!runs) { printf "%-14s FAILED: ran nothing\n", name; exit 1 }
            printf "%-14s ok  %9d inputs, coverage %s, corpus %s, %d MB\n", name, runs, cov, corpus, rss }' "$work/log"
    return
  fi
  cp "$work/log" "$found/report.txt"
  printf '%-14s FAILED: %s\n' "$name" "$(grep -m1 -E 'ERROR: |runtime error|^broken: |Sanitizer' "$work/log" || tail -1 "$work/log")"
  find "$found" -type f ! -name report.txt -newer "$work/corpus" -printf "  replay: $program %p\n"
  echo "  report: $found/report.txt"
  return 1
}
if [ "${1:-}" = --one ]; then
  fuzz "$2"
  exit
fi

if [ $# -lt 1 ] || ! [[ ${2:-60} =~ ^[1-9][0-9]*$ ]]; then
  echo "Usage: ${0##*/} BUILD_DIR [SECONDS]" >&2
  exit 2
fi
export build=$1 seconds=${2:-60}
corpus=$(cd "$(dirname "$0")" && pwd)/corpus
scratch=$(mktemp -d)
export corpus scratch
trap 'rm -rf "$scratch"' EXIT

# Every corpus wants its target, so that none is left out by mistake.
mapfile -t names < <(find "$corpus" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort)
for name in "${names[@]}"; do
  if [ ! -x "$build/fuzz/${name}_fuzz" ]; then
    echo "$name: $build/fuzz/${name}_fuzz is not built" >&2
    exit 2
  fi
done
printf '%s\n' "${names[@]}" | xargs -P "$(nproc)" -n 1 "$0" --one | tee "$scratch/lines"
failed=$(grep -c ' FAILED: ' "$scratch/lines")
passed=$(grep -c ' ok  ' "$scratch/lines")
echo "fuzz: $passed of ${#names[@]} targets passed, $seconds s each"
[ "$failed" -eq 0 ] && [ "$passed" -eq "${#names[@]}" ]
