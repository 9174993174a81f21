#!/usr/bin/env bash
# clang-tidy over all sources of the programs and libraries (.clang-tidy says which checks). Takes minutes. Usage: tidy.sh [FILE...]
set -uo pipefail
cd "$(dirname "$0")/../.."
cmake --preset tidy >/dev/null || exit 1
files=("$@")
if [ ${#files[@]} -eq 0 ]; then
  mapfile -t files < <(git ls-files '*.cc' '*.cpp' | grep -E '^(lib|worker|gateway|operator|client|cli|devcluster)/')
fi
findings=$(printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy-14 --quiet -p build/tidy 2>/dev/null |
  grep -E '(error|warning):' | sort -u)
[ -z "$findings" ] && exit 0
echo "$findings"
exit 1
