# Tests of the facts and the example programs by scripts. Included by CMakeLists.txt.
fhx_add_script(facts.tables python:${python} --
  ${CMAKE_CURRENT_SOURCE_DIR}/tables.sh ${PROJECT_SOURCE_DIR} ${python})
set_tests_properties(facts.tables PROPERTIES LABELS "")

fhx_add_script(programs.generator python:${python} --
  ${CMAKE_CURRENT_SOURCE_DIR}/generator.sh $<TARGET_FILE:fhirexport-generate>)
set_tests_properties(programs.generator PROPERTIES LABELS slow)
if(FHX_SANITIZE MATCHES "thread")
  # It measures memory, and ThreadSanitizer's own grows.
  set_tests_properties(programs.generator PROPERTIES LABELS "slow;nosan")
endif()
fhx_add_script(programs.folder python:${python} --
  ${CMAKE_CURRENT_SOURCE_DIR}/programs.sh $<TARGET_FILE:minimal>
  $<TARGET_FILE:fhirexport-folder> $<TARGET_FILE:fhirexport-generate>)
set_tests_properties(programs.folder PROPERTIES LABELS "")
if(TARGET fhirexport-server)
  fhx_add_script(programs.demo curl --
    ${CMAKE_CURRENT_SOURCE_DIR}/demo.sh ${PROJECT_SOURCE_DIR} $<TARGET_FILE_DIR:fhirexport-server>)
  set_tests_properties(programs.demo PROPERTIES LABELS "slow")
endif()

# The example server over HTTP; it is built where libmicrohttpd is.
if(TARGET fhirexport-server)
  foreach(name rest bad_input command_line)
    fhx_add_script(server.${name} python:${python} --
      ${python} ${CMAKE_CURRENT_SOURCE_DIR}/server/${name}.py $<TARGET_FILE:fhirexport-server>)
  endforeach()
  fhx_add_script(server.end_to_end python:${python} --
    ${python} ${CMAKE_CURRENT_SOURCE_DIR}/server/end_to_end.py $<TARGET_FILE:fhirexport-server>
    $<TARGET_FILE:fhirexport-generate>)
  fhx_add_script(server.manifests python:${python} --
    ${python} ${CMAKE_CURRENT_SOURCE_DIR}/server/manifests.py $<TARGET_FILE:fhirexport-server>
    $<TARGET_FILE:fhirexport-generate>)
  fhx_add_script(server.gzip python:${python} curl --
    ${python} ${CMAKE_CURRENT_SOURCE_DIR}/server/gzip_files.py $<TARGET_FILE:fhirexport-server>
    $<TARGET_FILE:fhirexport-generate>)
  set_tests_properties(server.rest server.bad_input server.command_line server.end_to_end
    server.manifests server.gzip PROPERTIES LABELS "")
endif()

# Programs that are killed, stopped and compared, and the scripts that do so.
foreach(program crash/victim real_data/push)
  get_filename_component(name ${program} NAME)
  add_executable(${name} ${program}.c)
  target_link_libraries(${name} PRIVATE fhx_flags fhirexport Threads::Threads)
endforeach()
target_sources(victim PRIVATE crash/plain_source.c)
target_link_libraries(victim PRIVATE SQLite::SQLite3)

# The order of system calls that makes a part durable.
add_executable(write_part programs/write_part.c)
target_link_libraries(write_part PRIVATE fhx_flags fhirexport)
fhx_add_script(programs.strace_order strace --
  ${CMAKE_CURRENT_SOURCE_DIR}/strace_order.sh $<TARGET_FILE:write_part>)

fhx_add_script(export.real_data python:${python} --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/real_data/real_data.py
  --export $<TARGET_FILE:fhirexport-folder> --push $<TARGET_FILE:push>
  --generate $<TARGET_FILE:fhirexport-generate> --data ${FHX_REAL_DATA})
fhx_add_script(export.killed_quick python:${python} --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/crash/crash.py --rounds 3 --stops 2
  --victim $<TARGET_FILE:victim> --generate $<TARGET_FILE:fhirexport-generate>)
fhx_add_script(export.killed_gzip python:${python} --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/crash/crash.py --rounds 3 --stops 2 --gzip
  --victim $<TARGET_FILE:victim> --generate $<TARGET_FILE:fhirexport-generate>)
fhx_add_script(export.killed python:${python} --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/crash/crash.py --rounds 30 --stops 5
  --victim $<TARGET_FILE:victim> --generate $<TARGET_FILE:fhirexport-generate>)
fhx_add_script(export.memory python:${python} --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/memory/memory.py
  --export $<TARGET_FILE:fhirexport-folder> --generate $<TARGET_FILE:fhirexport-generate>)
fhx_add_script(export.checkpoint_order python:${python} strace --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/checkpoint_order.py $<TARGET_FILE:victim>
  $<TARGET_FILE:fhirexport-generate>)
set_tests_properties(export.real_data export.killed_quick export.killed_gzip PROPERTIES LABELS "")
set_tests_properties(export.killed export.memory PROPERTIES LABELS "slow;nosan" TIMEOUT 1800)

# The harness of bench/, and that one row of it can still be measured; no times are checked.
fhx_add_script(bench.harness python:${python} --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/bench/harness.py ${PROJECT_SOURCE_DIR})
fhx_add_script(bench.row python:${python} --
  ${PROJECT_SOURCE_DIR}/bench/run.sh --quick --out ${CMAKE_CURRENT_BINARY_DIR}/bench P1.ascii P3.null)
set_tests_properties(bench.row PROPERTIES LABELS "slow;nosan" TIMEOUT 900)

# The code in the documents, and the names they mention.
fhx_add_script(docs.conformance python:${python} --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/conformance.py ${PROJECT_SOURCE_DIR})
fhx_add_script(docs.examples python:${python} --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/docs_examples.py ${PROJECT_SOURCE_DIR}
  ${CMAKE_C_COMPILER} $<TARGET_FILE:fhirexport>)

# The tests through the public headers again, under valgrind.
foreach(file ${FHX_API_TESTS})
  get_filename_component(name ${file} NAME_WE)
  fhx_add_script(valgrind.${name} valgrind --
    valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite,possible
    $<TARGET_FILE:api_${name}>)
  set_property(TEST valgrind.${name} APPEND PROPERTY ENVIRONMENT FHX_QUICK=1)
  set_tests_properties(valgrind.${name} PROPERTIES TIMEOUT 900)
endforeach()

# Proofs over HTTP: what comes out is exactly what the server held, whatever happens meanwhile.
set(server_proof ${python} ${CMAKE_CURRENT_SOURCE_DIR}/server)
set(server_programs --server $<TARGET_FILE:fhirexport-server>
  --generate $<TARGET_FILE:fhirexport-generate>)
fhx_add_script(server.exact python:${python} --
  ${server_proof}/exact.py ${server_programs} --data ${FHX_REAL_DATA})
fhx_add_script(server.killed python:${python} --
  ${server_proof}/killed.py ${server_programs} --data ${FHX_REAL_DATA} --rounds 5)
fhx_add_script(server.chained python:${python} --
  ${server_proof}/chained.py ${server_programs})
fhx_add_script(server.many_jobs python:${python} --
  ${server_proof}/many_jobs.py ${server_programs})
fhx_add_script(server.groups python:${python} --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/server/groups.py $<TARGET_FILE:fhirexport-server>
  $<TARGET_FILE:fhirexport-generate> ${FHX_REAL_DATA})
set_tests_properties(server.exact server.groups PROPERTIES LABELS "")
set_tests_properties(server.killed server.chained server.many_jobs PROPERTIES
  LABELS "slow;nosan" TIMEOUT 900)
