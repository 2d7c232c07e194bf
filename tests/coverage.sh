#!/usr/bin/env bash
# Tells which lines of lib/ the tests run, room by room; fails below 90 %.
#
#   tests/coverage.sh [--lines] [--keep] [--tests REGEX] [--least PERCENT]
#
#   --lines          list the lines that no test ran, too
#   --keep           run nothing: tell what the last run has left
#   --tests REGEX    other tests than the usual ones
#   --least PERCENT  other than 90
#
# Builds with gcc in build/coverage, without optimisation, and runs the tests of the inside, those of the
# public headers, the fuzz targets' corpora and some of the server's and the stores', in their short forms. Not counted:
# what a process did that was killed, and what is for other processors.
set -euo pipefail
cd "$(dirname "$0")/.."

tests='^(unit|api|fuzz)\.|^server\.(rest|end_to_end|manifests|published|gzip|ballot)|^stores\.published|^programs\.(folder|cli_options)|^facts\.'
least=90
keep=false
options=()
while [ $# -gt 0 ]; do
  case $1 in
    --lines) options+=(--lines) ;;
    --keep) keep=true ;;
    --tests)
      tests=${2:?--tests needs a regular expression}
      shift
      ;;
    --least)
      least=${2:?--least needs a number}
      shift
      ;;
    --help | -h)
      sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' tests/coverage.sh
      exit 0
      ;;
    *)
      echo "tests/coverage.sh: $1 is not an option; --help tells all" >&2
      exit 2
      ;;
  esac
  shift
done

passed=true
if ! $keep; then
  mkdir -p build
  if ! { cmake --preset coverage && cmake --build --preset coverage; } >build/coverage.log 2>&1; then
    tail -n 60 build/coverage.log
    echo "tests/coverage.sh: FAILED: the build; the whole log is build/coverage.log"
    exit 1
  fi
  find build/coverage -name '*.gcda' -delete
  FHX_QUICK=1 ctest --preset coverage -j "$(($(nproc) + 1))" -R "$tests" || passed=false
fi
/usr/bin/python3 tests/coverage.py "$PWD" build/coverage --least "$least" "${options[@]}"
if ! $passed; then
  echo "tests/coverage.sh: FAILED: tests, see above"
  exit 1
fi
