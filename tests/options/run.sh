#!/bin/sh
# The library without each of its optional parts, and without all: it compiles, needs nothing of what
# is left out, and a host gets a clear answer where it asks for that, and its export all the same.
#
#   run.sh ROOT C-COMPILER
#
# One build folder is configured again for each: what an option does not change is not compiled again.
set -eu
root=$1
cc=$2
work=$(mktemp -d "${TMPDIR:-/tmp}/fhx-options-XXXXXX")
trap 'rm -rf "$work"' EXIT

fail() {
  echo "options: $*"
  exit 1
}

# build OPTION...: the shared library, with these.
build() {
  if ! { cmake -G Ninja -S "$root" -B "$work/build" -DCMAKE_C_COMPILER="$cc" -DCMAKE_BUILD_TYPE= \
    -DCMAKE_C_FLAGS="-O0 -g0" -DFHX_WERROR=ON -DFHX_BUILD_TESTS=OFF -DFHX_BUILD_EXAMPLES=OFF \
    -DFHX_INSTALL=ON "$@" && cmake --build "$work/build" -j2 --target fhirexport; } \
    >"$work/log" 2>&1; then
    tail -n 40 "$work/log"
    fail "$* does not build"
  fi
}

# free_of LIBRARY HEADER: neither linked to, nor named for a static link, nor included.
free_of() {
  if readelf -d "$work/build/libfhirexport.so" | grep -F "[lib$1.so"; then
    fail "$what: the library needs lib$1"
  fi
  if grep -E -e "-l$1( |$)" "$work/build/libfhirexport.pc"; then
    fail "$what: the pkg-config file names lib$1"
  fi
  if ninja -C "$work/build" -t deps | grep -E "/$2\$"; then
    fail "$what: something includes $2"
  fi
}

# The other way round, so that these looks are known to find what they look for.
needs() {
  readelf -d "$work/build/libfhirexport.so" | grep -qF "[lib$1.so" || fail "lib$1 is not needed"
  grep -qE -e "-l$1( |$)" "$work/build/libfhirexport.pc" || fail "no pkg-config file names lib$1"
  ninja -C "$work/build" -t deps | grep -qE "/$2\$" || fail "nothing includes $2"
}

# without PART...: builds without them, and runs the host.
without() {
  what="without $*"
  absent=" $* "
  set --
  for part in S3 AZURE SQLITE POSTGRES ISAL; do
    case $absent in
      *" $part "*) set -- "$@" "-DFHX_WITH_$part=OFF" ;;
      *) set -- "$@" "-DFHX_WITH_$part=ON" ;;
    esac
  done
  build "$@"
  exported=$(nm -D --defined-only "$work/build/libfhirexport.so" | grep -c ' T fhx_' || true)
  mapped=$(grep -cE '^ +fhx_[a-z0-9_]+;$' "$root/lib/fhirexport.map")
  [ "$exported" = "$mapped" ] || fail "$what: $exported functions are exported, not $mapped"
  "$cc" -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -I "$root/include" \
    -I "$root/tests/consumers/store" "$root/tests/options/host.c" \
    "$root/tests/consumers/store/toy_store.c" "$root/tests/consumers/store/toy_records.c" \
    -L "$work/build" -lfhirexport -pthread -o "$work/host" || fail "$what: the host does not compile"
  rm -rf "$work/export"
  mkdir "$work/export"
  # shellcheck disable=SC2046 # a list of words
  LD_LIBRARY_PATH="$work/build" "$work/host" "$work/export" $(echo "$absent" | tr '[:upper:]' '[:lower:]') \
    >"$work/manifest" || fail "$what: the host failed"
  grep -q '"count":2' "$work/manifest" || fail "$what: the export is not complete"
  find "$work/export" -name '*.ndjson.gz' >"$work/files"
  [ -s "$work/files" ] || fail "$what: there is no file"
  while read -r file; do
    [ "$(gzip -dc "$file" | grep -c '"Patient"')" = 2 ] || fail "$what: a file has not the two patients"
  done <"$work/files"
  echo "options: $what: $(grep -c ' Building C object ' "$work/log" || true) files compiled"
}

without ISAL
free_of isal isa-l/igzip_lib.h
without S3
needs isal isa-l/igzip_lib.h
needs sqlite3 sqlite3.h
needs curl curl/curl.h
needs expat expat.h
needs pq libpq-fe.h
without AZURE
without SQLITE
free_of sqlite3 sqlite3.h
without POSTGRES
free_of pq libpq-fe.h
without S3 AZURE SQLITE POSTGRES ISAL
free_of isal isa-l/igzip_lib.h
free_of sqlite3 sqlite3.h
free_of curl curl/curl.h
free_of expat expat.h
free_of pq libpq-fe.h
