#!/usr/bin/env bash
# Installs what is missing, builds the library, runs its tests.
#
#   tests/run.sh [--quick] [--without COMPONENT]... [--no-install]
#
#   --quick              leave out the tests that take long
#   --without COMPONENT  skip the tests that need it (strace, valgrind, python, clang, mount,
#                        curl); a component that is missing otherwise fails them
#   --no-install         install nothing
#
# It can be run again at any time, and works in build/release alone.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  sed -n '/^#   tests/,/--no-install  /s/^# \{0,3\}//p' tests/run.sh
}

quick=false
install=true
without=" "
while [ $# -gt 0 ]; do
  case $1 in
    --quick) quick=true ;;
    --no-install) install=false ;;
    --without)
      case ${2:-} in
        strace | valgrind | python | clang | mount | curl) without="$without$2 " ;;
        *)
          echo "tests/run.sh: --without needs one of strace, valgrind, python, clang, mount, curl" >&2
          exit 2
          ;;
      esac
      shift
      ;;
    --help | -h)
      usage
      exit 0
      ;;
    *)
      echo "tests/run.sh: $1 is not an option" >&2
      usage >&2
      exit 2
      ;;
  esac
  shift
done

# Debian's packages: what the library is built of, what the tests need besides.
packages="gcc g++ libc6-dev cmake ninja-build pkg-config libyajl-dev libssl-dev libsqlite3-dev
  zlib1g-dev libisal-dev libmicrohttpd-dev libcmocka-dev binutils"
for pair in python:python3 strace:strace valgrind:valgrind clang:clang mount:mount curl:curl; do
  case $without in
    *" ${pair%%:*} "*) ;;
    *) packages="$packages ${pair#*:}" ;;
  esac
done

missing() {
  for package in $packages; do
    case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
      *" installed") ;;
      *) echo "$package" ;;
    esac
  done
}

install_missing() {
  local wanted sudo=""
  if ! command -v apt-get >/dev/null; then
    echo "tests/run.sh: no apt-get here, so nothing is installed; Debian calls what is needed:"
    echo "$packages"
    return
  fi
  wanted=$(missing | tr '\n' ' ')
  [ -n "$wanted" ] || return 0
  echo "tests/run.sh: installs $wanted"
  [ "$(id -u)" -eq 0 ] || sudo=sudo
  # shellcheck disable=SC2086 # a list of words
  if ! {
    $sudo apt-get update -qq &&
      $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $wanted
  } >build/install.log 2>&1; then
    tail -n 20 build/install.log
    echo "tests/run.sh: FAILED: apt-get; --no-install goes on with what there is"
    exit 1
  fi
}

mkdir -p build
if $install; then install_missing; fi

echo "tests/run.sh: builds in build/release"
log=build/release.log
if ! { cmake --preset release && cmake --build --preset release; } >"$log" 2>&1; then
  grep -E -A 5 'error:|undefined|CMake Error|not found' "$log" | head -n 60 || tail -n 60 "$log"
  echo "tests/run.sh: FAILED: the build; the whole log is $log"
  exit 1
fi

options=(--preset release -j "$(nproc)")
export FHX_WITHOUT="${without# }"
FHX_WITHOUT=${FHX_WITHOUT% }
if $quick; then
  export FHX_QUICK=1
  options+=(-LE '^slow$')
fi
if ctest "${options[@]}"; then
  echo "tests/run.sh: passed"
else
  echo "tests/run.sh: FAILED: see above"
  exit 1
fi
