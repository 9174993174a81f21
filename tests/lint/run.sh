#!/usr/bin/env bash
# Format, dependency direction, self-contained headers and clang-tidy. Prints each finding as file:line and fails on any.
set -uo pipefail
cd "$(dirname "$0")/../.."
status=0
sources=$(git ls-files '*.h' '*.cc' '*.cpp')

echo "-- clang-format"
# shellcheck disable=SC2086
clang-format-14 --dry-run --Werror $sources || status=1

echo "-- dependency direction"
tests/lint/dependencies.sh || status=1

echo "-- clang-tidy"
cmake --preset tidy >/dev/null || exit 1
changed=$(git ls-files '*.cc' '*.cpp' | grep -E '^(lib|worker|gateway|operator|client|cli|devcluster)/')
# shellcheck disable=SC2086
printf '%s\n' $changed | xargs -P "$(nproc)" -n 4 clang-tidy-14 --quiet -p build/tidy 2>/dev/null |
  grep -E '(error|warning):' && status=1
exit $status
