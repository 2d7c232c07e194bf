#!/bin/sh
# Every public header compiles alone and twice, as C99 and as C++17; so does the README's example.
#
#   headers.sh ROOT C-COMPILER C++-COMPILER
set -eu
root=$1
cc=$2
cxx=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

flags="-fsyntax-only -I$root/include -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror"
count=0
for header in "$root"/include/fhirexport/*.h; do
  name=fhirexport/$(basename "$header")
  printf '#include <%s>\n#include <%s>\nint main(void);\n' "$name" "$name" >"$work/alone.c"
  cp "$work/alone.c" "$work/alone.cpp"
  # shellcheck disable=SC2086 # a list of flags
  "$cc" -std=c99 $flags -Wstrict-prototypes "$work/alone.c"
  # shellcheck disable=SC2086
  "$cxx" -std=c++17 $flags -Wold-style-cast "$work/alone.cpp"
  count=$((count + 1))
done
[ "$count" -gt 10 ] || {
  echo "only $count headers were found"
  exit 1
}

awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$root/README.md" >"$work/readme.c"
[ -s "$work/readme.c" ] || {
  echo "README.md has no example in C"
  exit 1
}
# shellcheck disable=SC2086
"$cc" -std=c99 $flags -Wno-unused-parameter "$work/readme.c"
echo "headers: $count headers and the README's example, $cc and $cxx"
