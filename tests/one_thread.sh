#!/bin/sh
# Runs tests that are said to make no second thread, two seconds of each, and fails where one does.
#
#   one_thread.sh PROGRAM...
set -eu

work=$(mktemp -d "${TMPDIR:-/tmp}/fhx-threads-XXXXXX")
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ]
for program; do
  status=0
  FHX_QUICK=2 strace --seccomp-bpf -f -qq -e trace=clone,clone3 -o "$work/calls" \
    timeout 2 "$program" >"$work/log" 2>&1 || status=$?
  if [ $status -ne 0 ] && [ $status -ne 124 ]; then
    cat "$work/log"
    exit 1
  fi
  if grep -q CLONE_THREAD "$work/calls"; then
    echo "$program makes threads: it cannot have the label onethread"
    exit 1
  fi
done
echo "$# programs have one thread each"
