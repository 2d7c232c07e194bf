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
  foreach(name rest bad_input command_line observed smart_tokens
      smart_registration smart_flow)
    fhx_add_script(server.${name} python:${python} --
      ${python} ${CMAKE_CURRENT_SOURCE_DIR}/server/${name}.py $<TARGET_FILE:fhirexport-server>)
  endforeach()
  fhx_add_script(server.end_to_end python:${python} --
    ${python} ${CMAKE_CURRENT_SOURCE_DIR}/server/end_to_end.py $<TARGET_FILE:fhirexport-server>
    $<TARGET_FILE:fhirexport-generate>)
  fhx_add_script(server.manifests python:${python} --
    ${python} ${CMAKE_CURRENT_SOURCE_DIR}/server/manifests.py $<TARGET_FILE:fhirexport-server>
    $<TARGET_FILE:fhirexport-generate>)
  # A consumer of what is published, about ten seconds.
  fhx_add_script(server.published python:${python} --
    ${python} ${CMAKE_CURRENT_SOURCE_DIR}/server/published.py $<TARGET_FILE:fhirexport-server>
    $<TARGET_FILE:fhirexport-cli>)
  fhx_add_script(server.ballot python:${python} --
    ${python} ${CMAKE_CURRENT_SOURCE_DIR}/server/ballot.py $<TARGET_FILE:fhirexport-server>
    $<TARGET_FILE:fhirexport-generate>)
  fhx_add_script(server.gzip python:${python} curl --
    ${python} ${CMAKE_CURRENT_SOURCE_DIR}/server/gzip_files.py $<TARGET_FILE:fhirexport-server>
    $<TARGET_FILE:fhirexport-generate>)
  # The page for operators: ten seconds, and half a minute with a browser.
  fhx_add_script(server.page python:${python} --
    ${python} ${CMAKE_CURRENT_SOURCE_DIR}/server/page.py $<TARGET_FILE:fhirexport-server>)
  fhx_add_script(server.page_browser python:${python} chromium --
    ${python} ${CMAKE_CURRENT_SOURCE_DIR}/server/page_browser.py $<TARGET_FILE:fhirexport-server>
    $<TARGET_FILE:fhirexport-generate>)
  set_tests_properties(server.page_browser PROPERTIES LABELS "slow;nosan")
  set_tests_properties(server.rest server.bad_input server.command_line server.observed
    server.smart_tokens
    server.end_to_end server.manifests server.gzip PROPERTIES LABELS "")
endif()

# The client of Bulk Data servers in Python: half a minute against a server of a script, a
# minute against the real one, which the test slows down, cuts off and kills.
fhx_add_script(python.fetch_faults python:${python} --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/python/fetch/faults.py)
set_tests_properties(python.fetch_faults PROPERTIES LABELS "slow;nosan")
if(TARGET fhirexport-server)
  fhx_add_script(python.fetch python:${python} --
    ${python} ${CMAKE_CURRENT_SOURCE_DIR}/python/fetch/real_server.py
    $<TARGET_FILE:fhirexport-server> $<TARGET_FILE:fhirexport-generate>)
  set_tests_properties(python.fetch PROPERTIES LABELS "slow;nosan")
endif()

# The examples of the adapters to ASGI and WSGI pass the server's own tests, and so does a longer application; half a
# minute each, most of it waiting.
set(web ${python} ${CMAKE_CURRENT_SOURCE_DIR}/python/web.py $<TARGET_FILE:fhirexport> $<TARGET_FILE:fhirexport-generate>)
fhx_add_script(python.web python:${python} -- ${web} Shared Examples FlaskExample Django Mounted)
fhx_add_script(python.web_application python:${python} curl -- ${web} Application)
set_tests_properties(python.web_application PROPERTIES LABELS "slow;nosan")

# The command that exports, from a PostgreSQL; the other sources are in tests/python/test_command_export.py.
if(FHX_WITH_POSTGRES)
  fhx_add_script(python.export_postgres python:${python} postgres:pg_config --
    ${python} ${CMAKE_CURRENT_SOURCE_DIR}/python/export_postgres.py $<TARGET_FILE:fhirexport>
    $<TARGET_FILE:fhirexport-generate>)
endif()

# The command line fhirexport: its options and interruptions, its places, its manual and completions. Some
# five seconds each; tests/cli/interrupted.py has a long form.
set(cli ${python} ${CMAKE_CURRENT_SOURCE_DIR}/cli)
set(cli_programs $<TARGET_FILE:fhirexport-cli> $<TARGET_FILE:fhirexport-generate>)
foreach(name options interrupted)
  fhx_add_script(programs.cli_${name} python:${python} -- ${cli}/${name}.py ${cli_programs})
endforeach()
set_tests_properties(programs.cli_options PROPERTIES LABELS "")
if(FHX_SANITIZE MATCHES "thread")
  set_tests_properties(programs.cli_options PROPERTIES LABELS nosan)
endif()
fhx_add_script(programs.cli_pages python:${python} mandoc zsh --
  ${cli}/pages.py $<TARGET_FILE:fhirexport-cli> ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
set(with_manual $<TARGET_FILE:fhirexport-generate>)
if(TARGET fhirexport-server)
  list(APPEND with_manual $<TARGET_FILE:fhirexport-server>)
endif()
fhx_add_script(programs.manuals python:${python} mandoc --
  ${CMAKE_CURRENT_SOURCE_DIR}/manuals.sh ${PROJECT_SOURCE_DIR}/examples/man ${with_manual})
foreach(pair rgw:radosgw azurite:node postgres:pg_config)
  string(REGEX REPLACE ":.*" "" component ${pair})
  fhx_add_script(stores.cli_${component} python:${python} ${pair} -- ${cli}/destinations.py ${component} ${cli_programs})
endforeach()

# Programs that are killed, stopped and compared, and the scripts that do so.
foreach(program crash/victim real_data/push real_data/evaluate)
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
fhx_add_script(export.content python:${python} --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/real_data/content.py
  --evaluate $<TARGET_FILE:evaluate> --export $<TARGET_FILE:fhirexport-folder>
  --generate $<TARGET_FILE:fhirexport-generate> --facts ${PROJECT_SOURCE_DIR}/lib/facts
  --data ${FHX_REAL_DATA})
if(FHX_SANITIZE MATCHES "thread")
  # A Group of 20,000 takes ThreadSanitizer a minute each time.
  set(rounds --rounds 2 --stops 2 --exports 1)
else()
  set(rounds --rounds 3 --stops 2)
endif()
fhx_add_script(export.killed_gzip python:${python} --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/crash/crash.py ${rounds} --gzip
  --victim $<TARGET_FILE:victim> --generate $<TARGET_FILE:fhirexport-generate>)
# Eight seconds a round; the moments are others in each run, and --rounds makes more of them.
fhx_add_script(export.killed python:${python} --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/crash/crash.py --rounds 10 --stops 3
  --victim $<TARGET_FILE:victim> --generate $<TARGET_FILE:fhirexport-generate>)
fhx_add_script(export.clean_up python:${python} strace --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/crash/clean_up.py --points 18
  --victim $<TARGET_FILE:victim> --generate $<TARGET_FILE:fhirexport-generate>)
fhx_add_script(export.memory python:${python} --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/memory/memory.py
  --export $<TARGET_FILE:fhirexport-folder> --generate $<TARGET_FILE:fhirexport-generate>)
fhx_add_script(export.checkpoint_order python:${python} strace --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/checkpoint_order.py $<TARGET_FILE:victim>
  $<TARGET_FILE:fhirexport-generate>)
set_tests_properties(export.killed_gzip PROPERTIES LABELS "")
set_tests_properties(export.real_data export.content PROPERTIES LABELS slow)
if(FHX_SANITIZE MATCHES "thread")
  # One thread, many times; and what server.groups exports by many.
  set_tests_properties(export.content export.real_data PROPERTIES LABELS nosan)
endif()
set_tests_properties(export.killed export.memory PROPERTIES LABELS "slow;nosan" TIMEOUT 1200)

# The harness of bench/, and that one row of it can still be measured; no times are checked.
fhx_add_script(bench.harness python:${python} --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/bench/harness.py ${PROJECT_SOURCE_DIR})
fhx_add_script(bench.row python:${python} --
  ${PROJECT_SOURCE_DIR}/bench/run.sh --quick --out ${CMAKE_CURRENT_BINARY_DIR}/bench P1.ascii P3.null)
set_tests_properties(bench.row PROPERTIES LABELS "slow;nosan" TIMEOUT 900)

# Which failures .ci/run may run once more.
fhx_add_script(ci.again python:${python} --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/again.py ${PROJECT_SOURCE_DIR})

# The code in the documents, and the names they mention.
fhx_add_script(docs.conformance python:${python} --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/conformance.py ${PROJECT_SOURCE_DIR})
fhx_add_script(docs.operations python:${python} --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/operations.py ${PROJECT_SOURCE_DIR})
fhx_add_script(docs.jobs python:${python} --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/transitions.py ${PROJECT_SOURCE_DIR})
fhx_add_script(docs.diagrams python:${python} --
  ${python} ${PROJECT_SOURCE_DIR}/docs/diagrams/draw.py --check)
# The commands of the guides, with the library installed, in an empty folder: some ten seconds.
fhx_add_script(docs.guides python:${python} curl --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/guides.py ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}
  ${CMAKE_C_COMPILER})
set_tests_properties(docs.guides PROPERTIES ENVIRONMENT "CMAKE_GENERATOR=${CMAKE_GENERATOR}")
# Both install, and an install notes in the build what it did.
set_tests_properties(docs.guides consumers PROPERTIES RESOURCE_LOCK install)
fhx_add_script(docs.examples python:${python} --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/docs_examples.py ${PROJECT_SOURCE_DIR}
  ${CMAKE_C_COMPILER} $<TARGET_FILE:fhirexport>)

# The manual of the library, and its example.
fhx_add_script(docs.manual python:${python} mandoc --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/manual.py ${PROJECT_SOURCE_DIR}
  ${CMAKE_C_COMPILER} $<TARGET_FILE:fhirexport>)
# The reference in HTML, three seconds.
fhx_add_script(docs.reference python:${python} doxygen --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/reference.py ${PROJECT_SOURCE_DIR})

# The tests through the public headers again, under valgrind. A client's storage is waited for by the
# clock, too short for TLS under valgrind: AddressSanitizer has to do for these. Those of sizes and of
# hours run the code of others, only more often, and older hosts' structures end where memory does anyway.
foreach(file ${FHX_API_TESTS})
  get_filename_component(name ${file} NAME_WE)
  if(name MATCHES "^test_(client_|.*_size$|worker_bytes$|two_hours$|driven_clock$|older_host$)")
    continue()
  endif()
  fhx_add_script(valgrind.${name} valgrind --
    valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite,possible
    $<TARGET_FILE:api_${name}>)
  set_property(TEST valgrind.${name} APPEND PROPERTY ENVIRONMENT FHX_QUICK=2)
  set_tests_properties(valgrind.${name} PROPERTIES LABELS "slow;nosan" TIMEOUT 900)
endforeach()

# Proofs over HTTP.
if(TARGET fhirexport-server)
  include(server/proofs.cmake)
endif()

# Object stores and what else the tests start on 127.0.0.1, and exports to them.
set(stores ${CMAKE_CURRENT_SOURCE_DIR}/stores)
foreach(pair rgw:radosgw azurite:node dynalite:node)
  string(REGEX REPLACE ":.*" "" component ${pair})
  fhx_add_script(stores.${component} python:${python} ${pair} --
    ${python} ${stores}/components.py ${component})
endforeach()

if(TARGET fhirexport-server AND FHX_WITH_AZURE)
  fhx_add_script(server.client_destination python:${python} azurite:node --
    ${python} ${CMAKE_CURRENT_SOURCE_DIR}/server/client_destination.py
    $<TARGET_FILE:fhirexport-server>)
  fhx_add_script(server.microsoft_contract python:${python} azurite:node --
    ${python} ${CMAKE_CURRENT_SOURCE_DIR}/server/microsoft_contract.py
    $<TARGET_FILE:fhirexport-server>)
  set_tests_properties(server.client_destination PROPERTIES TIMEOUT 900)
endif()

# The signatures that a unit test expects, computed once more by Python.
fhx_add_script(azure.signatures python:${python} --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/unit/azure_signatures.py
  ${CMAKE_CURRENT_SOURCE_DIR}/unit/test_azure_sign.c)

# The Azure destination against Azurite.
if(FHX_WITH_AZURE)
  add_executable(azure_tool stores/azure_tool.c)
  target_include_directories(azure_tool PRIVATE ${PROJECT_SOURCE_DIR}/lib)
  target_link_libraries(azure_tool PRIVATE fhx_flags fhirexport_static)
  fhx_add_script(stores.azure_destination python:${python} azurite:node curl --
    ${python} ${stores}/azure_destination.py $<TARGET_FILE:azure_tool>)
endif()

# The S3 destination against a real store.
if(FHX_WITH_S3)
  add_executable(s3_put stores/s3_put.c)
  target_include_directories(s3_put PRIVATE ${PROJECT_SOURCE_DIR}/lib)
  target_link_libraries(s3_put PRIVATE fhx_flags fhirexport_static)
  fhx_add_script(stores.s3_destination python:${python} rgw:radosgw curl --
    ${python} ${stores}/s3_destination.py $<TARGET_FILE:s3_put>)
endif()
