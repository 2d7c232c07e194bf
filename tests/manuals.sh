#!/bin/sh
# The manuals say what --help says, and mandoc finds nothing wrong with them.
#
#   manuals.sh FOLDER PROGRAM...
set -eu
folder=$1
shift
"$folder/write.py" --check "$@"
said=$(mandoc -T lint -W warning "$folder"/*.1) || true
[ -z "$said" ] || {
  echo "$said"
  exit 1
}
