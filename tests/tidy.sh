#!/usr/bin/env bash
# clang-tidy finds nothing in what users get: the library and the examples. What it looks for, and what not
# and why, is in .clang-tidy.
#
#   tests/tidy.sh [--all] [FILE...]
#
#   --all   with clang's analyser, which takes ten times as long, and knows nothing of other files: what
#           it says is to be judged. Without it half a minute of processor time, which tests/run.sh has
#   FILE    not all files, but these
set -euo pipefail
cd "$(dirname "$0")/.."

checks=-clang-analyzer-*
if [ "${1:-}" = --all ]; then
  checks=""
  shift
elif [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
  sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' tests/tidy.sh
  exit 0
fi
if [ $# -eq 0 ]; then
  mapfile -t files < <(find lib examples -name '*.c' | LC_ALL=C sort)
  set -- "${files[@]}"
fi
flags=(-std=c11 -D_GNU_SOURCE -DFHX_HAVE_ISAL -Iinclude -Ilib -Iexamples)
if command -v pg_config >/dev/null; then flags+=("-I$(pg_config --includedir)"); fi

# clang-tidy counts on standard error what it has left out of the system's headers: nobody wants that,
# unless it fails.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TIDY_FLAGS="${flags[*]}" TIDY_CHECKS=$checks TIDY_WORK=$work
# shellcheck disable=SC2016 # for the shells that xargs starts
if ! printf '%s\n' "$@" | xargs -P "$(nproc)" -n 8 sh -c '
    clang-tidy --quiet --checks="$TIDY_CHECKS" "$@" -- $TIDY_FLAGS 2>"$TIDY_WORK/$$" || {
      grep -vE "warnings? .*generated|^Suppressed|^Use -header-filter" "$TIDY_WORK/$$"
      exit 1
    }' sh; then
  echo "tests/tidy.sh: FAILED: see above"
  exit 1
fi
echo "tests/tidy.sh: nothing found in $# files"
