#!/usr/bin/env bash
# clang-tidy over the sources of the programs and libraries; .clang-tidy says which checks. Prints each finding as
# file:line; fails on any, and on a file that was not read to its end. Usage: tidy.sh [FILE...]
#
# Nearly all of its time goes into the headers of libraries, so files of one folder are read in one go, as one source
# that includes them. Files that cannot share a source, for both define the same name, are split up until they can.
set -uo pipefail
cd "$(dirname "$0")/../.."
readonly out=build/tidy/batches
readonly batch_size=16

# check_batch NAME FILE...: findings go to NAME.findings; the files are named in NAME.read when all were read to the end.
check_batch() {
  local name=$1 flags
  shift
  mapfile -t flags <"$out/flags"
  printf "#include \"$PWD/%s\"\n" "$@" >"$out/$name.cc"
  if ! clang++-14 -fsyntax-only "${flags[@]}" "$out/$name.cc" 2>"$out/$name.err"; then
    if [ $# -gt 1 ]; then
      check_batch "${name}a" "${@:1:$#/2}"
      check_batch "${name}b" "${@:$#/2+1}"
    else
      cp "$out/$name.err" "$out/$name.findings"
    fi
    return
  fi
  clang-tidy-14 --quiet --header-filter='.*\.(h|cc|cpp)$' --checks=-bugprone-suspicious-include \
    "$out/$name.cc" -- "${flags[@]}" >"$out/$name.log" 2>"$out/$name.err"
  local result=$?
  grep -E '(error|warning):' "$out/$name.log" >"$out/$name.findings"
  # It fails for its findings; without any, because it crashed or did not run.
  if [ $result -eq 0 ] || [ -s "$out/$name.findings" ]; then
    printf '%s\n' "$@" >"$out/$name.read"
  fi
}
if [ "${1:-}" = --batch ]; then
  check_batch "${@:2}"
  exit 0
fi

cmake --preset tidy >build/tidy-configure.log || { cat build/tidy-configure.log; exit 1; }
cmake --build build/tidy --target berth_temporal_calls >build/tidy-generate.log || { cat build/tidy-generate.log; exit 1; }
rm -rf "$out" && mkdir -p "$out"
{
  grep -oE -- ' (-I|-isystem |-D)[^ ]+' build/tidy/compile_commands.json | sed 's/^ //; s/^-isystem /-isystem/; s/\\//g' | sort -u
  printf '%s\n' -std=c++20 -w
} >"$out/flags"

files=("$@")
if [ ${#files[@]} -eq 0 ]; then
  mapfile -t files < <(git ls-files '*.cc' '*.cpp' | grep -E '^(lib|worker|gateway|operator|client|cli|devcluster|temporal)/')
fi
# A line for each batch: its name, then files of one part of the tree. The largest first, so that no core waits long for
# the last one.
printf '%s\n' "${files[@]}" | awk -F/ -v size="$batch_size" '
  { part = $1 == "lib" || $1 == "worker" || $1 == "devcluster" ? $1 "-" $2 : $1
    sub(/\..*/, "", part)
    n = part_files[part]++
    batch = part "-" int(n / size)
    batch_files[batch] = batch_files[batch] " " $0
    ++sizes[batch] }
  END { for (batch in sizes) print sizes[batch], batch batch_files[batch] }' |
  sort -rn | cut -d' ' -f2- | xargs -P "$(nproc)" -L 1 "$0" --batch

find "$out" -name '*.read' -exec cat {} + | sort -u >"$out/all-read"
{
  find "$out" -name '*.findings' -exec cat {} + | sed "s|^$PWD/||" | sort -u
  printf '%s\n' "${files[@]}" | sort -u | comm -23 - "$out/all-read" | sed 's/$/: error: not read to its end by clang-tidy/'
} >"$out/report"
cat "$out/report"
echo "clang-tidy: $(wc -l <"$out/all-read") of ${#files[@]} files read, $(wc -l <"$out/report") findings"
[ ! -s "$out/report" ]
