#!/usr/bin/env bash
# Starts `berth dev` with the file-processing pool, runs the example against it, ends it again. Usage:
#   run-demo.sh BIN_DIR [INPUT_DIR]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=$(cd "$1" && pwd)
input=${2:-}
work=$(mktemp -d "${TMPDIR:-/tmp}/berth-demo.XXXXXX")
dev=
finish() {
  status=$?
  if [ -n "$dev" ]; then
    kill -INT "$dev" 2>/dev/null || :
    wait "$dev" || :
  fi
  if [ $status -eq 0 ]; then rm -rf "$work"; else echo "Logs and results are left in $work" >&2; fi
  exit $status
}
trap finish EXIT

"$bin/berth" dev --name "demo-$$" --listen 127.0.0.1:0 -f "$here/pool.yaml" \
  --image "berth.local/example-file-processing=$bin/file-processing-worker" \
  --data-dir "$work/dev" --ready-file "$work/ready.json" >"$work/dev.log" 2>&1 &
dev=$!
until [ -s "$work/ready.json" ]; do
  kill -0 "$dev" 2>/dev/null || { cat "$work/dev.log" >&2; dev=; exit 1; }
  read -rt 0.1 <> <(:) || :
done
field() { sed -E "s/.*\"$1\":\"([^\"]*)\".*/\1/" "$work/ready.json"; }

arguments=(--gateway "$(field gateway)" --token-file "$(field tokenFile)" --output "$work/out")
# A user's own files are all processed; the default is a sample that every Debian has.
[ -n "$input" ] && arguments+=(--input "$input" --max-files 100000 --max-bytes 1000000000000 --max-file-bytes 1000000000000)
"$bin/file-processing" "${arguments[@]}"
