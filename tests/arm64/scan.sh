#!/bin/sh
# The scanner on aarch64: its tests, compiled for that and run by qemu, so that the NEON variant is held
# against the plain one wherever the tests run. What is compiled needs the C library alone.
#
#   scan.sh ROOT
set -eu
root=$(cd "$1" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/fhx-arm64-XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"

# compile OPTION... SOURCE...
compile() {
  aarch64-linux-gnu-gcc -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Wconversion -Wshadow -Werror \
    -ffunction-sections -I "$root/include" -I "$root/lib" -I "$root/tests/arm64" -I "$root/tests/unit" "$@"
}

# run NAME SOURCE: a program that qemu runs.
run() {
  compile -static -Wl,--gc-sections "$2" ./*.o -o "$1"
  qemu-aarch64 "./$1" >log || {
    cat log
    echo "arm64: $1 failed"
    exit 1
  }
}

compile -c "$root"/lib/ndjson/*.c "$root/lib/core/instant.c" "$root/lib/core/names.c" \
  "$root/tests/store_conformance/check.c"
cat >which.c <<'END'
#include "ndjson/variant.h"
int main(void) {
  return fhx__variant_used() == FHX__VARIANT_NEON ? 0 : 1;
}
END
run which which.c
for name in test_scan test_scan_facts test_scan_trusted test_scan_variants; do
  run "$name" "$root/tests/unit/$name.c"
  echo "arm64: $name: $(grep -c '^passed ' log) passed"
done
