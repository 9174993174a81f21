#!/usr/bin/env bash
# The demo on folders of every kind. Usage: run.sh BIN_DIR
set -euo pipefail
bin=$(cd "$1" && pwd)
demo=$(cd "$(dirname "$0")/../../../examples/file-processing" && pwd)/run-demo.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work/tmp XDG_STATE_HOME=$work/state
mkdir "$TMPDIR" "$work/state"

fail() { echo "FAILED: $*" >&2; exit 1; }
# expect STATUS TEXT... -- COMMAND...: it exits with the status, and its output has each text.
expect() {
  local want=$1 texts=() output status=0
  shift
  while [ "$1" != -- ]; do texts+=("$1"); shift; done
  shift
  output=$("$@" 2>&1) || status=$?
  [ "$status" -eq "$want" ] || fail "status $status of: $* => $output"
  for text in "${texts[@]}"; do
    [[ $output == *"$text"* ]] || fail "no '$text' in the output of: $* => $output"
  done
  printf '%s\n' "$output"
}

input=$work/in
mkdir -p "$input/names/dir with space" "$input/empty" "$input/locked"
for name in 'with space' $'new\nline' $'not \xff text' '-dash' "quo'te\"" 'ünï' '$(touch pwned)' '*' '%41' $'\e[2J' \
  "$(printf 'n%.0s' {1..252})"; do
  echo "content of $name" >"$input/names/$name"
done
echo deep >"$input/names/dir with space/y z"
: >"$input/names/empty file"
ln -s /etc/hostname "$input/names/link to a file"
mkfifo "$input/names/fifo"
ln -s names "$input/linked"
truncate -s 300M "$input/huge"
mkdir "$input/one" && mv "$input/huge" "$input/one/"
echo secret >"$input/locked/file" && chmod 000 "$input/locked/file"

echo "-- what cannot be processed is said before anything is asked for"
echo a-token-that-nobody-looks-at >"$work/token"
cp "$bin/file-processing" "$work/"  # where a stranger reaches it
client=("$work/file-processing" --gateway http://127.0.0.1:1 --token-file "$work/token" --output "$work/out")
expect 1 --input "$input/empty" 'it holds none' -- "${client[@]}" --input "$input/empty"
expect 1 --input "$input/absent" 'No such file' -- "${client[@]}" --input "$input/absent"
expect 1 --input 'Not a directory' -- "${client[@]}" --input "$input/one/huge"
stranger=()
if [ "$(id -u)" -eq 0 ]; then
  chmod 755 "$work"
  stranger=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
expect 1 --input "$input/locked" '1 are empty, unreadable' -- "${stranger[@]}" "${client[@]}" --input "$input/locked"
chmod 000 "$input/locked"
expect 1 --input "$input/locked" 'Permission denied' -- "${stranger[@]}" "${client[@]}" --input "$input/locked"
chmod 755 "$input/locked"

echo "-- an empty folder ends the demo, and all that it started"
expect 1 "$input/empty" 'Logs and results are left' -- "$demo" "$bin" "$input/empty"

echo "-- names of any bytes, by a link and by a relative path; one large file"
cd "$input"
before=$(find . | cksum)
expect 0 'Processing 12 files' '1 files are left out' 'checksums verified        12 of 12' 'sessions ended by system  0' \
  -- "$demo" "$bin" linked/ >"$work/names.txt" &
names=$!
expect 0 'Processing 1 files' 'checksums verified        1 of 1' 'peak workers              1' 'sessions ended by system  0' \
  -- "$demo" "$bin" one
wait $names
cat "$work/names.txt"
[ ! -e pwned ] && [ ! -e names/pwned ] || fail "a name was run as a command"
! grep -q $'\e' "$work/names.txt" || fail "a name drove the terminal"
[ "$(find . | cksum)" = "$before" ] || fail "the input folder was written to: $(find .)"
! pgrep -f "$work" >/dev/null || fail "left running: $(pgrep -af "$work")"
