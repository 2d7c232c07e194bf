#!/bin/sh
# Installs the library, moves the installed tree, and builds a program outside against it: by CMake
# and by pkg-config, shared and static.
#
#   run.sh ROOT BUILD VERSION C-COMPILER GENERATOR
set -eu
root=$1
build=$2
version=$3
cc=$4
CMAKE_GENERATOR=$5
export CMAKE_GENERATOR
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "consumers: $*"
  exit 1
}

cmake --install "$build" --prefix "$work/first" >"$work/log" 2>&1 || {
  cat "$work/log"
  fail "the install failed"
}
mv "$work/first" "$work/moved"
for place in "$work/first" "$root" "$build"; do
  text=$(find "$work/moved" -name '*.cmake' -o -name '*.pc')
  # shellcheck disable=SC2086 # a list of files
  if grep -nF "$place" $text; then fail "an installed file names $place"; fi
done
gzip -t "$work/moved/share/man/man3/libfhirexport.3.gz" || fail "the manual was not installed"
library=$(find "$work/moved" -name 'libfhirexport.so.0')
[ -n "$library" ] || fail "no libfhirexport.so.0 was installed"
libdir=$(dirname "$library")

# check KIND HOW PROGRAM: the program runs, says the version, and loads the library only if shared.
check() {
  said=$(LD_LIBRARY_PATH="$libdir" "$3" "$work") || fail "$1 by $2: the program failed"
  [ "$said" = "$version" ] || fail "$1 by $2: the version is $said, not $version"
  needed=$(readelf -d "$3" | grep -cF '[libfhirexport.so.0]' || true)
  case $1$needed in
    shared1 | static0) echo "consumers: $1 by $2: $said" ;;
    *) fail "$1 by $2: linked the wrong library" ;;
  esac
}

build_by_cmake() {
  cmake -S "$root/tests/consumers/cmake" -B "$work/$1" -DKIND="$1" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_PREFIX_PATH="$work/moved" && cmake --build "$work/$1"
}

by_cmake() {
  if ! build_by_cmake "$1" >"$work/log" 2>&1; then
    cat "$work/log"
    fail "$1 by CMake: the build failed"
  fi
  check "$1" CMake "$work/$1/consumer"
}

# by_pkg_config KIND [--static]
by_pkg_config() {
  kind=$1
  shift
  flags=$(PKG_CONFIG_PATH="$libdir/pkgconfig" pkg-config "$@" --cflags --libs libfhirexport)
  # shellcheck disable=SC2086 # a list of flags
  "$cc" -std=c99 -Wall -Wextra -Werror "$root/tests/consumers/consumer.c" $flags \
    -o "$work/$kind.out" || fail "$kind by pkg-config: the build failed"
  check "$kind" pkg-config "$work/$kind.out"
}

# store_test HOW PROGRAM: a host's own store does what the suite for it wants, and nothing was left
# out but the optional steps that it does not have.
store_test() {
  "$2" >"$work/log" || {
    cat "$work/log"
    fail "the toy store by $1: a test failed"
  }
  [ "$(grep -c '^passed toy store across restarts: ' "$work/log")" -gt 50 ] ||
    fail "the toy store by $1: there are too few tests"
  echo "consumers: $(grep -c '^passed' "$work/log") tests of a store by $1"
}

store_by_pkg_config() {
  flags=$(PKG_CONFIG_PATH="$libdir/pkgconfig" pkg-config --static --cflags --libs \
    libfhirexport-store-conformance)
  # shellcheck disable=SC2086 # a list of flags
  "$cc" -std=c11 -Wall -Wextra -Werror "$root"/tests/consumers/store/*.c $flags \
    -o "$work/toy.out" || fail "the toy store by pkg-config: the build failed"
  store_test pkg-config "$work/toy.out"
}

by_cmake shared
by_cmake static
store_test CMake "$work/static/toy_test"
by_pkg_config shared
# The linker takes the shared library where both lie side by side.
rm "$libdir"/libfhirexport.so*
by_pkg_config static --static
store_by_pkg_config
