#!/usr/bin/env bash
# Builds the images of the Dockerfile with docker, podman or buildah. See --help.
set -euo pipefail
cd "$(dirname "$0")/../.."
all=(operator gateway worker temporal example-file-processing)

usage() {
  cat << END
Usage: build.sh [--prefix NAME] [--tag TAG] [--prebuilt DIR] [--base IMAGE] [TARGET ...] [-- OPTION ...]
Builds NAME/TARGET:TAG of each target (all: ${all[*]}).
  --prefix NAME    registry and path before the names; default: berth.local
  --tag TAG        default: the version, $version
  --prebuilt DIR   take programs that were built on Debian 12 (build/release/bin) instead of building them in the image
  --base IMAGE     Debian 12 by another name than docker.io/library/debian:bookworm-slim
  -- OPTION ...    options of the builder's own build command, as --network host
BUILDER=docker, podman or buildah chooses the builder; otherwise it is the first of them that works.
END
}

fail() {
  printf 'build.sh: %s\n' "$@" >&2
  exit 1
}

# The folder of a --prebuilt as the build sees it: below the clone, and not kept out by .dockerignore.
context_folder() {
  local folder=${1#"$PWD"/}
  folder=${folder#./}
  folder=${folder%/}
  case /$folder/ in
    //* | */../*) fail "--prebuilt $1 is outside of $PWD, which is all that the build sees; copy it to build/release/bin" ;;
    /build/release/bin/) ;;
    /build/*) fail "--prebuilt $1: of build/ the build sees only build/release/bin (.dockerignore)" ;;
  esac
  for program in berth-operator berth-gateway berth-worker berth-temporal file-processing-worker; do
    [ -x "$folder/$program" ] || fail "--prebuilt $1: there is no program $folder/$program; \`make build\` makes it"
  done
  echo "$folder"
}

# The commit, marked where files differ from it; nothing outside of a clone, or where git does not trust the clone's owner.
revision() {
  [ "$(git rev-parse --show-toplevel 2> /dev/null)" = "$(pwd -P)" ] &&
    git describe --always --dirty --abbrev=40 --exclude '*'
}

# Why a builder cannot build, in its own words; nothing where it can.
hindrance() {
  local said
  if ! command -v "$1" > /dev/null; then
    echo "not installed"
  elif [ "$1" != buildah ] && ! said=$("$1" info 2>&1 > /dev/null); then
    tail -n 1 <<< "${said:-"$1 info" fails}"
  fi
}

choose_builder() {
  local candidates=(docker podman buildah) reasons=() builder why
  case ${BUILDER:-} in
    '') ;;
    docker | podman | buildah) candidates=("$BUILDER") ;;
    *) fail "BUILDER=$BUILDER is none of docker, podman and buildah" ;;
  esac
  for builder in "${candidates[@]}"; do
    why=$(hindrance "$builder")
    if [ -z "$why" ]; then
      echo "$builder"
      return
    fi
    reasons+=("  $builder: $why")
  done
  fail "nothing here can build images:" "${reasons[@]}" "  On Debian: apt-get install buildah"
}

version=$(sed -nE 's/^project\(Berth VERSION ([0-9.]+).*/\1/p' CMakeLists.txt)
prefix=berth.local
tag=$version
options=(-f Dockerfile --build-arg "VERSION=$version")
targets=()
while [ $# -gt 0 ]; do
  case $1 in
    --prefix | --tag | --prebuilt | --base) [ -n "${2:-}" ] || fail "$1 needs a value" ;;
  esac
  case $1 in
    --prefix) prefix=${2%/}; shift ;;
    --tag) tag=$2; shift ;;
    --prebuilt) folder=$(context_folder "$2"); options+=(--build-arg "PREBUILT=$folder"); shift ;;
    --base) options+=(--build-arg "BASE=$2"); shift ;;
    -h | --help) usage; exit ;;
    --) shift; options+=("$@"); break ;;
    -*) fail "unknown option $1; it takes --prefix, --tag, --prebuilt and --base, and the builder's own after --" ;;
    *) [[ " ${all[*]} " = *" $1 "* ]] || fail "there is no target $1; there are ${all[*]}"; targets+=("$1") ;;
  esac
  shift
done
[ ${#targets[@]} -gt 0 ] || targets=("${all[@]}")

builder=$(choose_builder)
case $builder in
  buildah) build=(buildah bud --layers) ;;
  *) build=("$builder" build) ;;
esac
revision=$(revision) || echo "build.sh: no commit of git here: the images will not name their revision" >&2
for target in "${targets[@]}"; do
  echo "== $prefix/$target:$tag ($builder)"
  "${build[@]}" "${options[@]}" --build-arg "REVISION=$revision" --target "$target" -t "$prefix/$target:$tag" .
done
