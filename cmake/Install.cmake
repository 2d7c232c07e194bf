# The install rules: headers, both libraries, the CMake package and the pkg-config file. The last two
# hold no absolute path, so that an installed tree can be moved. The components are those of the
# packages (Packages.cmake).
include(CMakePackageConfigHelpers)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME dev)

set(FHX_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/fhirexport)
install(DIRECTORY include/fhirexport DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h")
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT license)

# One export set for each library: who links the shared one needs none of the dependencies.
install(TARGETS fhirexport EXPORT fhirexport-shared
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT library NAMELINK_COMPONENT dev)
install(DIRECTORY tests/store_conformance/include/fhirexport DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h")
install(TARGETS fhirexport_static fhirexport_store_conformance EXPORT fhirexport-static
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
foreach(kind shared static)
  install(EXPORT fhirexport-${kind} NAMESPACE fhirexport:: FILE fhirexport-${kind}.cmake
    DESTINATION ${FHX_PACKAGE_DIR})
endforeach()
write_basic_package_version_file(${PROJECT_BINARY_DIR}/fhirexport-config-version.cmake
  COMPATIBILITY SameMajorVersion)
configure_file(cmake/fhirexport-config.cmake.in fhirexport-config.cmake @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/fhirexport-config.cmake
  ${PROJECT_BINARY_DIR}/fhirexport-config-version.cmake DESTINATION ${FHX_PACKAGE_DIR})

# The .pc file finds its prefix from where it lies.
set(pkgconfig_dir ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX BASE_DIRECTORY ${pkgconfig_dir}
  OUTPUT_VARIABLE FHX_PC_PREFIX)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_LIBDIR BASE_DIRECTORY ${pkgconfig_dir}
  OUTPUT_VARIABLE FHX_PC_LIBDIR)
cmake_path(RELATIVE_PATH CMAKE_INSTALL_FULL_INCLUDEDIR BASE_DIRECTORY ${pkgconfig_dir}
  OUTPUT_VARIABLE FHX_PC_INCLUDEDIR)
configure_file(pkgconfig/libfhirexport.pc.in libfhirexport.pc @ONLY)
configure_file(pkgconfig/libfhirexport-store-conformance.pc.in libfhirexport-store-conformance.pc
  @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/libfhirexport.pc
  ${PROJECT_BINARY_DIR}/libfhirexport-store-conformance.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# fhx_install_manual PAGE COMPONENT: packed, as packages have it, in the section that its name ends in.
function(fhx_install_manual page component)
  cmake_path(GET page FILENAME name)
  string(REGEX MATCH "[0-9]$" section ${name})
  find_program(FHX_GZIP gzip REQUIRED)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${page})
  execute_process(COMMAND ${FHX_GZIP} -9nc ${CMAKE_CURRENT_SOURCE_DIR}/${page}
    OUTPUT_FILE ${CMAKE_CURRENT_BINARY_DIR}/${name}.gz COMMAND_ERROR_IS_FATAL ANY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.gz COMPONENT ${component}
    DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endfunction()
fhx_install_manual(docs/libfhirexport.3 dev)
