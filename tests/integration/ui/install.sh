#!/usr/bin/env bash
# Installs the browser's driver, pinned by package-lock.json, into FOLDER/node_modules, so that the sources stay as they are.
# Usage: install.sh FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
cmp -s "$here/package-lock.json" node_modules/.installed && exit
cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" .
npm ci --no-audit --no-fund --ignore-scripts
cp "$here/package-lock.json" node_modules/.installed
