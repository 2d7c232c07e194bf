# Proofs over HTTP: what comes out is exactly what the server held, whatever happens meanwhile.
# Included by scripts.cmake where the server is built.
set(server_proof ${python} ${CMAKE_CURRENT_SOURCE_DIR}/server)
set(server_programs --server $<TARGET_FILE:fhirexport-server>
  --generate $<TARGET_FILE:fhirexport-generate>)
fhx_add_script(server.exact python:${python} --
  ${server_proof}/exact.py ${server_programs} --data ${FHX_REAL_DATA})
fhx_add_script(server.killed_sqlite python:${python} --
  ${CMAKE_CURRENT_SOURCE_DIR}/crash.sh --build ${PROJECT_BINARY_DIR} --store sqlite --seed 1)
fhx_add_script(server.chained python:${python} --
  ${server_proof}/chained.py ${server_programs})
fhx_add_script(server.many_jobs python:${python} --
  ${server_proof}/many_jobs.py ${server_programs})
fhx_add_script(server.groups python:${python} --
  ${python} ${CMAKE_CURRENT_SOURCE_DIR}/server/groups.py $<TARGET_FILE:fhirexport-server>
  $<TARGET_FILE:fhirexport-generate> ${FHX_REAL_DATA})
if(FHX_WITH_POSTGRES)
  fhx_add_script(server.shared_jobs python:${python} postgres:pg_config --
    ${server_proof}/shared_jobs.py ${server_programs})
  fhx_add_script(server.smart_shared python:${python} postgres:pg_config --
    ${python} ${CMAKE_CURRENT_SOURCE_DIR}/server/smart_shared.py $<TARGET_FILE:fhirexport-server>)
  # The same with the resources in PostgreSQL; the second takes 25 s, the others half of that.
  fhx_add_script(server.rest_postgres python:${python} postgres:pg_config --
    ${server_proof}/rest.py $<TARGET_FILE:fhirexport-server> --postgres)
  fhx_add_script(server.end_to_end_postgres python:${python} postgres:pg_config --
    ${server_proof}/end_to_end.py $<TARGET_FILE:fhirexport-server>
    $<TARGET_FILE:fhirexport-generate> --postgres)
  fhx_add_script(server.groups_postgres python:${python} postgres:pg_config --
    ${server_proof}/groups.py $<TARGET_FILE:fhirexport-server> $<TARGET_FILE:fhirexport-generate>
    --postgres)
  fhx_add_script(server.shared_postgres python:${python} postgres:pg_config --
    ${server_proof}/shared_jobs.py ${server_programs} --resources)
  # One of them is enough in builds with sanitizers.
  set_tests_properties(server.rest_postgres PROPERTIES LABELS "")
  fhx_add_script(server.killed_postgres python:${python} postgres:pg_config --
    ${CMAKE_CURRENT_SOURCE_DIR}/crash.sh --build ${PROJECT_BINARY_DIR} --store postgres --seed 1)
  set_tests_properties(server.killed_postgres PROPERTIES LABELS "" TIMEOUT 1200)
  fhx_add_script(server.outages python:${python} postgres:pg_config --
    ${server_proof}/outages.py ${server_programs})
  set_tests_properties(server.outages PROPERTIES LABELS "slow;nosan" TIMEOUT 900)
endif()
set_tests_properties(server.killed_sqlite PROPERTIES LABELS "" TIMEOUT 1200)
set_tests_properties(server.exact server.groups PROPERTIES LABELS "")
set_tests_properties(server.chained server.many_jobs PROPERTIES
  LABELS "slow;nosan" TIMEOUT 900)
