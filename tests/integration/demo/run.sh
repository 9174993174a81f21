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
  "$(printf 'n%.0s' {1..252})" "$(printf 'n%.0s' {1..253})" "$(printf 'n%.0s' {1..255})" \
  "$(printf 'ü%.0s' {1..127})"; do
  echo "content of $name" >"$input/names/$name"
done
echo deep >"$input/names/dir with space/y z"
# The result of one must not be in the way of the other's.
mkdir "$input/names/a.gz" "$input/names/a.gz.d"
echo file >"$input/names/a" && echo below >"$input/names/a.gz/b" && echo beside >"$input/names/a.gz.d/b"
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
expect 1 --input 'is a file; name the folder' -- "${client[@]}" --input "$input/one/huge"
mkdir -p "$work/x/same" "$work/y/same" && echo x >"$work/x/same/f" && echo y >"$work/y/same/f"
expect 1 --input 'would have one result, same/f.gz' -- "${client[@]}" --input "$work/x/same" --input "$work/y/same"
stranger=()
if [ "$(id -u)" -eq 0 ]; then
  chmod 755 "$work"
  stranger=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
expect 1 --input "$input/locked" '1 is empty, unreadable' -- "${stranger[@]}" "${client[@]}" --input "$input/locked"
chmod 000 "$input/locked"
expect 1 --input "$input/locked" 'Permission denied' -- "${stranger[@]}" "${client[@]}" --input "$input/locked"
chmod 755 "$input/locked"

echo "-- an empty folder ends the demo, and all that it started"
expect 1 "$input/empty" 'Logs and results are left' -- "$demo" "$bin" "$input/empty"

echo "-- names of any bytes, by a link and by a relative path; one large file"
cd "$input"
before=$(find . | cksum)
expect 0 'Processing 18 files' 'Left out: 1 file,' 'checksums verified        18 of 18' 'sessions ended by system  0' \
  -- "$demo" "$bin" linked/ >"$work/names.txt" &
names=$!
expect 0 'Processing 1 file,' 'checksums verified        1 of 1' 'peak workers              1' 'sessions ended by system  0' \
  -- "$demo" "$bin" one
wait $names
cat "$work/names.txt"
[ ! -e pwned ] && [ ! -e names/pwned ] || fail "a name was run as a command"
! grep -q $'\e' "$work/names.txt" || fail "a name drove the terminal"
[ "$(find . | cksum)" = "$before" ] || fail "the input folder was written to: $(find .)"
! pgrep -f "$work" >/dev/null || fail "left running: $(pgrep -af "$work")"
