# Debian packages by CPack: the library, what is needed to build with it, the programs, the Python package.
#
#   cmake --workflow --preset packages      build/packages/*.deb
#
# Who releases a package puts a name under it: -DFHX_PACKAGE_CONTACT="Name <address>".
set(FHX_PACKAGE_CONTACT "libfhirexport's maintainers <maintainers@localhost>" CACHE STRING
  "Who made the packages, as Name <address>")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME libfhirexport)
set(CPACK_PACKAGE_CONTACT "${FHX_PACKAGE_CONTACT}")
set(CPACK_PACKAGE_HOMEPAGE_URL "")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL library dev tools python)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR})
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)

# describe COMPONENT PACKAGE SECTION TEXT. The summary is the project's.
function(fhx_describe component package section text)
  string(TOUPPER ${component} name)
  set(CPACK_DEBIAN_${name}_PACKAGE_NAME ${package} PARENT_SCOPE)
  set(CPACK_DEBIAN_${name}_PACKAGE_SECTION ${section} PARENT_SCOPE)
  set(CPACK_DEBIAN_${name}_DESCRIPTION "${text}" PARENT_SCOPE)
  # Debian's policy wants both in each package.
  set(documents ${CMAKE_INSTALL_DATADIR}/doc/${package})
  install(FILES cmake/debian/copyright DESTINATION ${documents} COMPONENT ${component} EXCLUDE_FROM_ALL)
  install(FILES ${PROJECT_BINARY_DIR}/changelog.gz DESTINATION ${documents} COMPONENT ${component}
    EXCLUDE_FROM_ALL)
endfunction()

fhx_describe(library libfhirexport${PROJECT_VERSION_MAJOR} libs
  "The $export operation of the HL7 FHIR Bulk Data Access guide for any FHIR
server: kick-off, status, NDJSON files in a folder, S3 or Azure Blob storage,
manifests with signed links, filters, cancellation and resumption. This is the
shared library.")
fhx_describe(dev libfhirexport-dev libdevel
  "What is needed to build a FHIR server that exports with libfhirexport: headers,
the static library, the CMake package, the pkg-config file and the manual.")
fhx_describe(tools fhirexport-tools utils
  "The command fhirexport, the example server fhirexport-server, which serves the
$export operation from SQLite or PostgreSQL, and a generator of test data.")
fhx_describe(python python3-fhirexport python
  "The Python package of libfhirexport: exports, and the $export operation in web
applications, with sources and destinations in Python; a client of Bulk Data
servers; exports on Spark.")

set(own "libfhirexport${PROJECT_VERSION_MAJOR} (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/cmake/debian/triggers)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "${own}")
set(CPACK_DEBIAN_DEV_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_TOOLS_PACKAGE_DEPENDS "${own}")
set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS "python3 (>= 3.9), ${own}")
set(CPACK_DEBIAN_PYTHON_PACKAGE_SUGGESTS "python3-tqdm")
set(CPACK_DEBIAN_PYTHON_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_PYTHON_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/cmake/debian/postinst
  ${PROJECT_SOURCE_DIR}/cmake/debian/prerm)

# Where Debian's Python looks; other systems have wheels.
install(DIRECTORY bindings/python/fhirexport DESTINATION lib/python3/dist-packages COMPONENT python
  EXCLUDE_FROM_ALL PATTERN __pycache__ EXCLUDE)

# The time of a release is that of its entry, so that the same tree gives the same file.
configure_file(cmake/debian/changelog.in ${PROJECT_BINARY_DIR}/changelog @ONLY)
file(READ ${PROJECT_BINARY_DIR}/changelog changelog LIMIT 200)
if(NOT changelog MATCHES "^libfhirexport \\(${PROJECT_VERSION}\\)")
  message(FATAL_ERROR "cmake/debian/changelog.in does not begin with ${PROJECT_VERSION}")
endif()
find_program(FHX_GZIP gzip REQUIRED)
execute_process(COMMAND ${FHX_GZIP} -9nc ${PROJECT_BINARY_DIR}/changelog
  OUTPUT_FILE ${PROJECT_BINARY_DIR}/changelog.gz COMMAND_ERROR_IS_FATAL ANY)
include(CPack)
