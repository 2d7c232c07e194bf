#!/bin/sh
# Copies the examples out of the tree, builds all of them against an installed library, and starts each.
#
#   examples.sh ROOT BUILD C-COMPILER GENERATOR
set -eu
root=$1
build=$2
cc=$3
CMAKE_GENERATOR=$4
export CMAKE_GENERATOR
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -r "$root/examples" "$work/examples"
if ! {
  cmake --install "$build" --prefix "$work/installed" &&
    cmake -S "$work/examples" -B "$work/build" -DCMAKE_C_COMPILER="$cc" -DCMAKE_BUILD_TYPE=Debug \
      -DCMAKE_PREFIX_PATH="$work/installed" && cmake --build "$work/build" --parallel 2
} >"$work/log" 2>&1; then
  tail -n 40 "$work/log"
  echo "consumers.examples: the build failed"
  exit 1
fi
for program in fhirexport-folder dynamodb_to_s3 cli/fhirexport fhirexport-generate fhirexport-server; do
  "$work/build/$program" --help >"$work/said" || {
    echo "consumers.examples: $program --help failed"
    exit 1
  }
  grep -q "^Usage: ${program##*/} " "$work/said" || {
    echo "consumers.examples: $program does not say how it is used"
    exit 1
  }
done
"$work/build/minimal" "$work/export" | grep -q '"count":2' || {
  echo "consumers.examples: minimal does not export its two patients"
  exit 1
}
[ -x "$work/build/destination_custom" ] || {
  echo "consumers.examples: destination_custom was left out"
  exit 1
}
