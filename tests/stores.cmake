# Exports to object stores, which the tests start on 127.0.0.1. Included by CMakeLists.txt.
if(TARGET destination_custom)
  fhx_add_script(stores.custom python:${python} --
    ${python} ${stores}/custom.py $<TARGET_FILE:destination_custom> $<TARGET_FILE:fhirexport-generate>)
  set_tests_properties(stores.custom PROPERTIES LABELS "")
endif()
# A cluster of Spark takes most of this test's minute.
if(FHX_WITH_S3 AND FHX_WITH_AZURE)
  fhx_add_script(stores.spark python:${python} curl spark:java rgw:radosgw azurite:node
    postgres:pg_config --
    ${python} ${stores}/spark_export.py --library $<TARGET_FILE:fhirexport>
    --generate $<TARGET_FILE:fhirexport-generate>)
  set_tests_properties(stores.spark PROPERTIES LABELS "slow;nosan" TIMEOUT 900)
endif()
if(TARGET fhirexport-server AND FHX_WITH_S3 AND FHX_WITH_AZURE)
  set(generate --generate $<TARGET_FILE:fhirexport-generate>)
  set(server --server $<TARGET_FILE:fhirexport-server> ${generate})
  foreach(store rgw rgw-https rgw-session azurite azurite-https azurite-sas)
    string(REGEX REPLACE "-.*" "" component ${store})
    string(REPLACE azurite node program ${component})
    string(REPLACE rgw radosgw program ${program})
    fhx_add_script(stores.whole_${store} python:${python} curl ${component}:${program} --
      ${python} ${stores}/whole.py ${store} ${server} --data ${FHX_REAL_DATA})
    if(NOT store MATCHES "sas")
      fhx_add_script(stores.links_${store} python:${python} curl ${component}:${program} --
        ${python} ${stores}/links.py ${store} ${server})
    endif()
    if(NOT store MATCHES "-")
      fhx_add_script(stores.preflight_${store} python:${python} ${component}:${program} --
        ${python} ${stores}/preflight.py ${store} ${server})
      fhx_add_script(stores.killed_${store} python:${python} curl ${component}:${program} --
        ${python} ${stores}/store_killed.py ${store} ${server})
      set_tests_properties(stores.whole_${store} stores.links_${store} stores.preflight_${store}
        PROPERTIES LABELS "")
      set_tests_properties(stores.killed_${store} PROPERTIES LABELS "slow;nosan" TIMEOUT 900)
    elseif(TEST stores.links_${store})
      set_tests_properties(stores.links_${store} PROPERTIES LABELS "slow;nosan")
    endif()
    if(store MATCHES "-")
      set_tests_properties(stores.whole_${store} PROPERTIES LABELS "slow;nosan")
    endif()
  endforeach()
  fhx_add_script(stores.outage python:${python} curl rgw:radosgw --
    ${python} ${stores}/outage.py --export $<TARGET_FILE:fhirexport-folder> ${generate})
  set_tests_properties(stores.outage PROPERTIES LABELS "slow;nosan" TIMEOUT 1200)
  fhx_add_script(stores.dynamodb python:${python} curl rgw:radosgw dynalite:node --
    ${python} ${stores}/dynamodb.py --export $<TARGET_FILE:dynamodb_to_s3> ${generate})
endif()
# What is published in a store, which serves it alone: fifteen seconds, most of it for the store to start.
if(FHX_WITH_S3 AND FHX_WITH_AZURE)
  foreach(pair rgw:radosgw azurite:node)
    string(REGEX REPLACE ":.*" "" component ${pair})
    fhx_add_script(stores.published_${component} python:${python} ${pair} --
      ${python} ${stores}/published.py ${component} --publish $<TARGET_FILE:fhirexport-cli>)
  endforeach()
endif()
# FHIR Works on AWS from npm on the adapter of bindings/node: half a minute, most of it waiting.
if(FHX_WITH_S3)
  fhx_add_script(stores.works python:${python} rgw:radosgw dynalite:node works:node --
    ${python} ${stores}/works.py --library $<TARGET_FILE:fhirexport>
    --generate $<TARGET_FILE:fhirexport-generate>)
  set_tests_properties(stores.works PROPERTIES LABELS "slow;nosan")
endif()

# The Python package's destinations, source and store.
foreach(pair rgw:radosgw azurite:node postgres:pg_config)
  string(REGEX REPLACE ":.*" "" component ${pair})
  fhx_add_script(stores.python_${component} python:${python} ${pair} --
    ${python} ${stores}/python_places.py ${component} $<TARGET_FILE:fhirexport>)
endforeach()
