#!/usr/bin/env bash
# Fails with the way out where there is no Go 1.26 or newer. Usage: need-go.sh WHAT   (what needs it, for the message)
set -euo pipefail
have=$(command -v go >/dev/null && cd / && GOTOOLCHAIN=local go env GOVERSION 2>/dev/null || true)
case $have in
  go1.2[6-9]* | go1.[3-9][0-9]*) exit 0 ;;
esac
echo "$1 needs Go 1.26 or newer on PATH; found ${have:-none}. Install it from https://go.dev/dl/ and try again." >&2
exit 1
