#!/bin/sh
# The tables that are checked in are those that the facts give, to the byte.
# usage: tables.sh ROOT PYTHON
set -eu
root=$1 python=$2
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
files=$("$python" "$root/lib/facts/tables.py" "$made")
test -n "$files"
status=0
for file in $files; do
  if ! cmp "$root/$file" "$made/$file"; then
    echo "$file: not what the facts give; run lib/facts/tables.py"
    status=1
  fi
done
exit $status
