#!/usr/bin/env bash
# Builds the library as users get it (Release), and measures the rows of docs/performance.md.
#
#   bench/run.sh [--quick] [--out DIR] [--data DIR] [--tmpfs DIR] [--list] [--document] [ROW...]
#
# bench/run.sh --help explains them. It installs nothing: a row that needs a program or library that
# is missing says so.
set -euo pipefail
cd "$(dirname "$0")/.."

# build FOLDER TARGETS OPTIONS...: the log is beside the folder.
build() {
  local folder=$1 targets=$2 log=$1.log
  shift 2
  # shellcheck disable=SC2086 # a list of words
  if ! { cmake -S . -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release -DFHX_BUILD_BENCH=ON \
    -DFHX_BUILD_TESTS=OFF "$@" && cmake --build "$folder" ${targets:+--target $targets}; } >"$log" 2>&1; then
    tail -n 40 "$log"
    echo "bench/run.sh: FAILED: the build; the whole log is $log"
    exit 1
  fi
}

programs=build/bench/build
options=(--programs "$PWD/$programs")
case " $* " in
  *" --list "* | *" --help "* | *" -h "*) ;;
  *)
    mkdir -p build/bench
    echo "bench/run.sh: builds in $programs" >&2
    build "$programs" ""
    # The library once more, for those who do not have ISA-L.
    if grep -q FHX_WITH_ISAL CMakeLists.txt; then
      build "$programs-zlib" bench_export -DFHX_WITH_ISAL=OFF
      options+=(--programs-without-isal "$PWD/$programs-zlib")
    fi
    ;;
esac
exec /usr/bin/python3 -B bench/run.py "${options[@]}" "$@"
