#!/bin/sh
# Runs a test that needs programs which may be missing.
#
#   need.sh COMPONENT[:PROGRAM]... -- COMMAND...
#
# A component that FHX_WITHOUT names (tests/run.sh --without) skips the test, status 77. A program
# that is missing otherwise fails it.
set -eu

while [ "$1" != "--" ]; do
  component=${1%%:*}
  program=${1#*:}
  case " ${FHX_WITHOUT:-} " in
    *" $component "*)
      echo "skipped: run without $component"
      exit 77
      ;;
  esac
  if ! command -v "$program" >/dev/null; then
    echo "this test needs $program: install it, or say --without $component"
    exit 1
  fi
  shift
done
shift
exec "$@"
