#!/bin/sh
# cppcheck finds nothing in what users get: the library and the examples.
#
#   cppcheck.sh ROOT
set -eu
cd "$1"
# NULL at the end of variable arguments is a pointer on every system of POSIX. Folders of includes that
# are not named are left out, which is what missingInclude would tell.
exec cppcheck -j2 --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
  --inline-suppr --suppress=varFuncNullUB -D_GNU_SOURCE -DFHX_HAVE_ISAL -I include -I lib \
  lib examples
