#!/usr/bin/env bash
# Checks the removal protocol (removal.pml) by exhaustive search, and that the checks bite.
# Usage: tests/model/run.sh [NAME ...]   the named checks with their counterexamples; nothing: all.
# Exit status 0: every sound model passed and every broken one failed by the assertion it must.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
memory_mb=1900
depth=20000

# name | bounds | what they explore. At least one of the first two takes every step of the model.
sound='
pods|-DUIDS=3 -DCRASHES=1|three pods in turn under two names and two addresses, one crash
crashes|-DUIDS=2 -DCRASHES=2|two pods, two crashes of any kind
attempts|-DUIDS=1 -DCRASHES=2 -DTRIES=3|a client asks three times by any gateways, two crashes
twins|-DUIDS=2 -DCRASHES=0 -DTRIES=2|a client asks twice, two workers
clients|-DUIDS=2 -DCRASHES=0 -DCLIENTS=2|two clients, two workers of one slot
slots|-DUIDS=1 -DCRASHES=0 -DCLIENTS=3 -DCAP=2|three clients, one worker of two slots
restarts|-DUIDS=1 -DCRASHES=2 -DCLIENTS=2|two clients, one worker of one slot, two crashes
'
# name | break, bounds | the assertion that must fail | what is broken
broken='
naive|-DNAIVE -DUIDS=1 -DCRASHES=0|A kill meets a session.|"read 0, cordon, read 0, delete" instead of retire
no-uid|-DNO_UID_PRECONDITION|A DELETE meets a session.|DELETE by name alone
no-audience|-DNO_AUDIENCE|A DELETE meets a session.|workers obey calls made out to another pod
not-synced|-DRETIRE_NOT_SYNCED -DUIDS=1|A retired worker admits.|retire answered before it is on the disk
unreadable|-DUNREADABLE_STARTS_EMPTY -DUIDS=1|A retired worker admits.|an unreadable journal starts empty
no-version|-DNO_VERSION_PRECONDITION -DUIDS=1|A DELETE meets a session.|rule (b) without the version precondition
no-grace|-DDOWN_WITHOUT_GRACE -DUIDS=1|A kill meets a session.|rule (d) with seconds of grace
node-cache|-DNODE_LOST_BY_CACHE -DUIDS=1|A DELETE meets a session.|rule (c) on the word of a stale cache
newest|-DNEWEST_ATTEMPT_OWNS -DUIDS=1 -DTRIES=2|A session is taken from its owner.|the attempt that arrived last owns the session
no-nonce|-DGIVE_BACK_WITHOUT_NONCE -DUIDS=1 -DTRIES=2|A session is taken from its owner.|give-back without a nonce
slot-early|-DSLOT_FREE_WHILE_ENDING -DUIDS=1 -DCLIENTS=2|More sessions than slots.|a slot is free before its activities have stopped
'

passed=0
failed=0
named=" $* "
chosen() { [ -n "$1" ] && { [ "$named" = "  " ] || [[ "$named" == *" $1 "* ]]; }; }
ok() {
  passed=$((passed + 1))
  printf 'ok    %-11s %s\n' "$1" "$2"
}
bad() {
  failed=$((failed + 1))
  printf 'FAIL  %-11s %s\n' "$1" "$2"
}

# search NAME FLAGS...: one search in $work/NAME; false if there was none.
search() {
  mkdir "$work/$1" && cd "$work/$1" && cp "$here/removal.pml" . || return 1
  if ! { spin -a "${@:2}" removal.pml &&
    gcc -O2 -w -DSAFETY -DNOREDUCE -DCOLLAPSE -DMEMLIM=$memory_mb -o pan pan.c; } > build.log 2>&1; then
    cat build.log
    return 1
  fi
  ./pan -m$depth -w22 > report 2>&1
  if [ -e removal.pml.trail ]; then
    spin -t -T "${@:2}" removal.pml > replay 2>&1
  fi
  grep -q '^State-vector' report
}
states() { sed -n 's/^ *\([^ ]*\) states, stored.*/\1/p' report; }
incomplete() { grep -m1 -iE 'max search depth too small|search not completed|out of memory|memory limit|hash-compact|bit statespace' report; }
# Steps that were never taken, the ends of the endless loops apart.
unreached() { sed -n 's/^[[:space:]]*\(.*removal.pml:[0-9]*\), state [0-9]*, \("[^-].*\)$/\1 \2/p' report; }
violated() {
  local line
  line=$(sed -n 's/^spin: removal.pml:\([0-9]*\), Error: assertion.*/\1/p' replay 2>/dev/null)
  [ -n "$line" ] && sed -n "${line}s|.*/\* \(.*\) \*/.*|\1|p" removal.pml
}
story() { sed -n '/^spin: removal/q; /^spin/d; s/^ */        /; p' replay; }

while IFS='|' read -r name flags what; do
  chosen "$name" || continue
  # shellcheck disable=SC2086 # flags are words
  if ! search "$name" $flags; then
    bad "$name" "the search did not run: $(tail -n 1 report 2>/dev/null)"
  elif ! grep -q 'errors: 0$' report; then
    bad "$name" "$(violated)"
    story
  elif [ -n "$(incomplete)" ]; then
    bad "$name" "not exhaustive: $(incomplete)"
  elif [[ $name == pods || $name == crashes ]] && [ -n "$(unreached)" ]; then
    bad "$name" "steps that never happen: $(unreached)"
  else
    ok "$name" "holds in all $(states) states: $what"
  fi
  rm -rf "${work:?}/$name"
done <<< "$sound"

while IFS='|' read -r name flags expected what; do
  chosen "$name" || continue
  # shellcheck disable=SC2086 # flags are words
  if ! search "$name" $flags; then
    bad "$name" "the search did not run: $(tail -n 1 report 2>/dev/null)"
  elif [ "$(violated)" != "$expected" ]; then
    bad "$name" "must fail by '$expected', got '$(violated)': $what"
  else
    ok "$name" "fails as it must ($expected): $what"
    [ $# -eq 0 ] || story
  fi
  rm -rf "${work:?}/$name"
done <<< "$broken"

if [ $((passed + failed)) -eq 0 ]; then
  echo "no check of that name" >&2
  exit 2
fi
echo "removal model: $passed checks ok, $failed failed"
[ $failed -eq 0 ]
