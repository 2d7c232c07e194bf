# Stops the configuration when the version is not one and the same everywhere: version.h's text, its
# numbers, and the newest node of the symbol map.
file(STRINGS include/fhirexport/version.h lines REGEX "^#define FHX_VERSION_(MAJOR|MINOR|PATCH) ")
string(REGEX REPLACE "[^;0-9]" "" numbers "${lines}")
list(JOIN numbers "." numbers)
if(NOT numbers STREQUAL PROJECT_VERSION)
  message(FATAL_ERROR "version.h: FHX_VERSION is ${PROJECT_VERSION}, but its numbers are ${numbers}")
endif()

# One node a release that adds symbols; a patch release adds none.
file(STRINGS lib/fhirexport.map nodes REGEX "^FHIREXPORT_[0-9.]+ {")
list(POP_BACK nodes newest)
string(REGEX MATCH "[0-9.]+" newest "${newest}")
if(NOT newest STREQUAL "${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}")
  message(FATAL_ERROR "lib/fhirexport.map: the newest node is FHIREXPORT_${newest}, "
    "but version.h says ${PROJECT_VERSION}")
endif()

# Changing the version or the nodes configures again.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  include/fhirexport/version.h lib/fhirexport.map)
