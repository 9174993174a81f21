#!/usr/bin/env bash
# Builds the images of the Dockerfile with docker, podman or buildah, whichever is there (BUILDER=... chooses).
# Usage: build.sh [--prefix NAME] [--tag TAG] [--prebuilt DIR] [--base IMAGE] [TARGET ...]
#   --prebuilt build/release/bin   take programs that were built on Debian 12 instead of building them in the image
set -euo pipefail
cd "$(dirname "$0")/../.."
prefix=berth.local
tag=$(sed -nE 's/^project\(Berth VERSION ([0-9.]+).*/\1/p' CMakeLists.txt)
version=$tag
arguments=()
targets=()
while [ $# -gt 0 ]; do
  case $1 in
    --prefix) prefix=$2; shift 2 ;;
    --tag) tag=$2; shift 2 ;;
    --prebuilt) arguments+=(--build-arg "PREBUILT=$2"); shift 2 ;;
    --base) arguments+=(--build-arg "BASE=$2"); shift 2 ;;
    -*) echo "build.sh: unknown option $1; it takes --prefix, --tag, --prebuilt and --base" >&2; exit 2 ;;
    *) targets+=("$1"); shift ;;
  esac
done
[ ${#targets[@]} -gt 0 ] || targets=(operator gateway worker example-file-processing)

works() { command -v "$1" > /dev/null && { [ "$1" = buildah ] || "$1" info > /dev/null 2>&1; }; }
if [ -z "${BUILDER:-}" ]; then
  for candidate in docker podman buildah; do
    if works $candidate; then BUILDER=$candidate; break; fi
  done
fi
case ${BUILDER:-} in
  docker | podman) build=("$BUILDER" build) ;;
  buildah) build=(buildah bud --layers) ;;
  *) echo "build.sh: needs docker, podman or buildah; on Debian: apt-get install buildah" >&2; exit 1 ;;
esac
[ "${OFFLINE_BASE:-}" ] && [ "$BUILDER" != docker ] && arguments+=(--pull=never --network host)
revision=$(git rev-parse HEAD 2> /dev/null || true)
for target in "${targets[@]}"; do
  echo "== $prefix/$target:$tag ($BUILDER)"
  "${build[@]}" "${arguments[@]}" --build-arg "VERSION=$version" --build-arg "REVISION=$revision" \
    --target "$target" -t "$prefix/$target:$tag" -f Dockerfile .
done
