#!/bin/sh
# Writes the reference of the public functions in HTML, by Doxygen, of the comments in include/. A comment that Doxygen
# cannot make sense of, and what has none, ends it.
#
#   write.sh FOLDER      FOLDER/html/index.html
set -eu
folder=$1
mkdir -p "$folder"
FHX_REFERENCE_OUT=$(cd "$folder" && pwd)
cd "$(dirname "$0")/../.."
FHX_REFERENCE_VERSION=$(sed -n 's/^#define FHX_VERSION "\(.*\)"$/\1/p' include/fhirexport/version.h)
export FHX_REFERENCE_OUT FHX_REFERENCE_VERSION
doxygen docs/reference/Doxyfile
echo "$FHX_REFERENCE_OUT/html/index.html"
