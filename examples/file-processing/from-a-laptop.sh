#!/usr/bin/env bash
# Sends files to a pool of file-processing workers by the command line, each in a session of its own, and fetches and checks
# the compressed results.
#
#   from-a-laptop.sh OUTPUT-FOLDER FILE...
#
# In the environment: BERTH, the command line with its flags (berth --context prod -n team); POOL (files); PARALLEL (4).
set -euo pipefail
export BERTH=${BERTH:-berth} POOL=${POOL:-files}
read -ra berth <<< "$BERTH"

if [ "${1:-}" != --one ]; then
  [ $# -ge 2 ] || { sed -n '5s/^# *//p' "$0" >&2; exit 2; }
  mkdir -p "$1"
  printf '%s\0' "${@:2}" | xargs -0 -P "${PARALLEL:-4}" -n 1 "$0" --one "$1"
  exit
fi

output=$2/$(basename "$3").gz
sum=$(sha256sum < "$3" | cut -d ' ' -f 1)
id=$("${berth[@]}" session create --pool "$POOL" --creation-timeout 2m --keep $$)
"${berth[@]}" cp "$3" "$id:input"
report=$("${berth[@]}" session execute "$id" process)
"${berth[@]}" cp "$id:output.gz" "$output"
"${berth[@]}" session complete "$id"
[[ $report == *"\"$sum\""* ]] || { echo "$3: the worker saw another file: $report" >&2; exit 1; }
[ "$(gzip -dc "$output" | sha256sum | cut -d ' ' -f 1)" = "$sum" ] || { echo "$output does not unpack to $3" >&2; exit 1; }
echo "$3 -> $output"
