/*
 * The ABI in numbers: the value of every constant, and the type and place of every member of every
 * structure in the public headers. What the compiler accepts here, hosts were built with: lines are
 * added, never changed. layout.py fails when a constant or a structure of a header is missing.
 *
 * It is compiled with -Wpadded, so that no structure has padding that nobody named.
 */
#include <fhirexport/fhirexport.h>
#include <string.h>

#define CONSTANT(name, value) _Static_assert((name) == (value), #name)
#define TEXT(name, value) _Static_assert(sizeof(name) == sizeof(value), #name)
#define MEMBER(structure, member, type, offset)                                    \
  _Static_assert(_Generic(((structure *)0)->member, type : 1, default : 0) == 1 && \
                     offsetof(structure, member) == (offset),                      \
                 #structure "." #member)
#define STRUCT(structure, bytes) _Static_assert(sizeof(structure) == (bytes), #structure)

_Static_assert(sizeof(void *) == 8 && sizeof(size_t) == 8, "these are the offsets of LP64");

/* status.h */
CONSTANT(FHX_OK, 0);
CONSTANT(FHX_END, 1);
CONSTANT(FHX_WAIT, 2);
CONSTANT(FHX_ERR_ARGUMENT, -1);
CONSTANT(FHX_ERR_MISUSE, -2);
CONSTANT(FHX_ERR_REENTRANT, -3);
CONSTANT(FHX_ERR_NO_MEMORY, -4);
CONSTANT(FHX_ERR_STRUCT_SIZE, -5);
CONSTANT(FHX_ERR_UNSUPPORTED, -6);
CONSTANT(FHX_ERR_NOT_FOUND, -7);
CONSTANT(FHX_ERR_EXISTS, -8);
CONSTANT(FHX_ERR_REFUSED, -9);
CONSTANT(FHX_ERR_UNKNOWN_OUTCOME, -10);
CONSTANT(FHX_ERR_CANCELLED, -11);
CONSTANT(FHX_ERR_JOB_FAILED, -12);
CONSTANT(FHX_ERR_RESOURCE, -13);
CONSTANT(FHX_ERR_SOURCE, -14);
CONSTANT(FHX_ERR_DESTINATION, -15);
CONSTANT(FHX_ERR_STORE, -16);
CONSTANT(FHX_ERR_IO, -17);
CONSTANT(FHX_ERR_NO_SPACE, -18);
CONSTANT(FHX_ERR_DENIED, -19);
CONSTANT(FHX_ERR_LIMIT, -20);
CONSTANT(FHX_ERR_NO_ANSWER, -21);
CONSTANT(FHX_ERR_INTERNAL, -22);

/* version.h */
CONSTANT(FHX_VERSION_MAJOR, 0);
CONSTANT(FHX_VERSION_MINOR, 9);
CONSTANT(FHX_VERSION_PATCH, 0);
CONSTANT(FHX_VERSION_NUMBER, 9000);
TEXT(FHX_VERSION, "0.9.0");

/* manifest.h */
CONSTANT(FHX_MANIFEST_DIGESTS, 1);

/* publish.h */
CONSTANT(FHX_PUBLICATION_REQUIRES_TOKEN, 1u);
CONSTANT(FHX_SNAPSHOT_FINAL, 1u);

MEMBER(fhx_publication_options, size, uint32_t, 0);
MEMBER(fhx_publication_options, flags, uint32_t, 4);
MEMBER(fhx_publication_options, destination, fhx_destination *, 8);
MEMBER(fhx_publication_options, base_url, const char *, 16);
MEMBER(fhx_publication_options, update_cadence, const char *, 24);
MEMBER(fhx_publication_options, grace_us, int64_t, 32);
MEMBER(fhx_publication_options, clock, const fhx_clock *, 40);
MEMBER(fhx_publication_options, page_parts, uint32_t, 48);
MEMBER(fhx_publication_options, reserved, uint32_t, 52);
STRUCT(fhx_publication_options, 56);

/* part.h */
CONSTANT(FHX_PART_OUTPUT, 0);
CONSTANT(FHX_PART_ERROR, 1);
CONSTANT(FHX_PART_DELETED, 2);
CONSTANT(FHX_PART_CONTINUES, 1);
CONSTANT(FHX_ENCODING_NONE, 0);
CONSTANT(FHX_ENCODING_GZIP, 1);

/* reply.h */
CONSTANT(FHX_TOKEN_MAX, 4096);
CONSTANT(FHX_OPAQUE_MAX, 4096);

/* memory.h */
MEMBER(fhx_allocator, size, uint32_t, 0);
MEMBER(fhx_allocator, reserved, uint32_t, 4);
MEMBER(fhx_allocator, user_data, void *, 8);
MEMBER(fhx_allocator, allocate, void *(*)(void *user_data, size_t byte_count), 16);
MEMBER(fhx_allocator, reallocate, void *(*)(void *user_data, void *block, size_t byte_count), 24);
MEMBER(fhx_allocator, release, void (*)(void *user_data, void *block), 32);
STRUCT(fhx_allocator, 40);

/* filter.h */
CONSTANT(FHX_FHIR_R4, 40);
CONSTANT(FHX_FHIR_R4B, 43);
CONSTANT(FHX_FHIR_R5, 50);

/* source.h */
CONSTANT(FHX_TIME_NONE, INT64_MIN);
CONSTANT(FHX_SCOPE_ALL, 0);
CONSTANT(FHX_SCOPE_PATIENTS, 1);
CONSTANT(FHX_SCOPE_PATIENT_SET, 2);
CONSTANT(FHX_APPLIED_TYPE, 1u);
CONSTANT(FHX_APPLIED_SINCE, 2u);
CONSTANT(FHX_APPLIED_UNTIL, 4u);
CONSTANT(FHX_APPLIED_PATIENTS, 8u);
CONSTANT(FHX_APPLIED_AS_OF, 16u);
CONSTANT(FHX_PROMISE_ASCENDING_IDS, 32u);
CONSTANT(FHX_APPLIED_SEARCH, 64u);

MEMBER(fhx_source_callbacks, size, uint32_t, 0);
MEMBER(fhx_source_callbacks, reserved, uint32_t, 4);
MEMBER(fhx_source_callbacks, open_cursor, fhx_open_cursor_callback, 8);
MEMBER(fhx_source_callbacks, next_rows, fhx_next_rows_callback, 16);
MEMBER(fhx_source_callbacks, close_cursor, fhx_close_cursor_callback, 24);
MEMBER(fhx_source_callbacks, list_shards, fhx_list_shards_callback, 32);
MEMBER(fhx_source_callbacks, read_resource, fhx_read_resource_callback, 40);
MEMBER(fhx_source_callbacks, group_members, fhx_group_members_callback, 48);
MEMBER(fhx_source_callbacks, list_types, fhx_list_types_callback, 56);
MEMBER(fhx_source_callbacks, count_estimate, fhx_count_estimate_callback, 64);
MEMBER(fhx_source_callbacks, snapshot_ready, fhx_snapshot_ready_callback, 72);
MEMBER(fhx_source_callbacks, read_clock, fhx_read_clock_callback, 80);
MEMBER(fhx_source_callbacks, open_deleted, fhx_open_deleted_callback, 88);
MEMBER(fhx_source_callbacks, open_patient, fhx_open_patient_callback, 96);
MEMBER(fhx_source_callbacks, destroy, fhx_source_destroy_callback, 104);
STRUCT(fhx_source_callbacks, 112);

MEMBER(fhx_folder_options, size, uint32_t, 0);
MEMBER(fhx_folder_options, reserved, uint32_t, 4);
MEMBER(fhx_folder_options, path, const char *, 8);
STRUCT(fhx_folder_options, 16);

MEMBER(fhx_sqlite_source_options, size, uint32_t, 0);
MEMBER(fhx_sqlite_source_options, reserved, uint32_t, 4);
MEMBER(fhx_sqlite_source_options, path, const char *, 8);
MEMBER(fhx_sqlite_source_options, table, const char *, 16);
MEMBER(fhx_sqlite_source_options, type_column, const char *, 24);
MEMBER(fhx_sqlite_source_options, id_column, const char *, 32);
MEMBER(fhx_sqlite_source_options, updated_column, const char *, 40);
MEMBER(fhx_sqlite_source_options, json_column, const char *, 48);
MEMBER(fhx_sqlite_source_options, stamp_resolution_us, int64_t, 56);
MEMBER(fhx_sqlite_source_options, deleted_table, const char *, 64);
MEMBER(fhx_sqlite_source_options, patient_table, const char *, 72);
MEMBER(fhx_sqlite_source_options, patient_column, const char *, 80);
STRUCT(fhx_sqlite_source_options, 88);
MEMBER(fhx_postgres_source_options, size, uint32_t, 0);
MEMBER(fhx_postgres_source_options, connections_max, uint32_t, 4);
MEMBER(fhx_postgres_source_options, conninfo, const char *, 8);
MEMBER(fhx_postgres_source_options, schema, const char *, 16);
MEMBER(fhx_postgres_source_options, table, const char *, 24);
MEMBER(fhx_postgres_source_options, type_column, const char *, 32);
MEMBER(fhx_postgres_source_options, id_column, const char *, 40);
MEMBER(fhx_postgres_source_options, updated_column, const char *, 48);
MEMBER(fhx_postgres_source_options, json_column, const char *, 56);
MEMBER(fhx_postgres_source_options, valid_from_column, const char *, 64);
MEMBER(fhx_postgres_source_options, valid_to_column, const char *, 72);
MEMBER(fhx_postgres_source_options, deleted_column, const char *, 80);
MEMBER(fhx_postgres_source_options, deleted_table, const char *, 88);
MEMBER(fhx_postgres_source_options, patient_table, const char *, 96);
MEMBER(fhx_postgres_source_options, patient_column, const char *, 104);
MEMBER(fhx_postgres_source_options, clock_sql, const char *, 112);
MEMBER(fhx_postgres_source_options, stamp_resolution_us, int64_t, 120);
MEMBER(fhx_postgres_source_options, patience_us, int64_t, 128);
MEMBER(fhx_postgres_source_options, rows_max, uint64_t, 136);
STRUCT(fhx_postgres_source_options, 144);

/* destination.h */
CONSTANT(FHX_DESTINATION_REQUIRES_TOKEN, 1u);
CONSTANT(FHX_DESTINATION_ANY_THREAD, 2u);
CONSTANT(FHX_DESTINATION_READABLE, 4u);

MEMBER(fhx_destination_callbacks, size, uint32_t, 0);
MEMBER(fhx_destination_callbacks, flags, uint32_t, 4);
MEMBER(fhx_destination_callbacks, part_open, fhx_part_open_callback, 8);
MEMBER(fhx_destination_callbacks, part_write, fhx_part_write_callback, 16);
MEMBER(fhx_destination_callbacks, part_commit, fhx_part_commit_callback, 24);
MEMBER(fhx_destination_callbacks, part_abort, fhx_part_abort_callback, 32);
MEMBER(fhx_destination_callbacks, part_stat, fhx_part_stat_callback, 40);
MEMBER(fhx_destination_callbacks, part_url, fhx_part_url_callback, 48);
MEMBER(fhx_destination_callbacks, part_remove, fhx_part_remove_callback, 56);
MEMBER(fhx_destination_callbacks, part_file, fhx_part_file_callback, 64);
MEMBER(fhx_destination_callbacks, check_writable, fhx_check_writable_callback, 72);
MEMBER(fhx_destination_callbacks, destroy, fhx_destination_destroy_callback, 80);
MEMBER(fhx_destination_callbacks, urls_until, fhx_urls_until_callback, 88);
MEMBER(fhx_destination_callbacks, document_put, fhx_document_put_callback, 96);
MEMBER(fhx_destination_callbacks, document_get, fhx_document_get_callback, 104);
STRUCT(fhx_destination_callbacks, 112);

MEMBER(fhx_directory_options, size, uint32_t, 0);
MEMBER(fhx_directory_options, flags, uint32_t, 4);
MEMBER(fhx_directory_options, path, const char *, 8);
MEMBER(fhx_directory_options, base_url, const char *, 16);
STRUCT(fhx_directory_options, 24);

/* azure.h */
CONSTANT(FHX_AZURE_PLAIN_URLS, 1u);

MEMBER(fhx_azure_options, size, uint32_t, 0);
MEMBER(fhx_azure_options, flags, uint32_t, 4);
MEMBER(fhx_azure_options, connection_string, const char *, 8);
MEMBER(fhx_azure_options, container_url, const char *, 16);
MEMBER(fhx_azure_options, account_url, const char *, 24);
MEMBER(fhx_azure_options, token, fhx_azure_token_callback, 32);
MEMBER(fhx_azure_options, user_data, void *, 40);
MEMBER(fhx_azure_options, destroy, fhx_destination_destroy_callback, 48);
MEMBER(fhx_azure_options, container, const char *, 56);
MEMBER(fhx_azure_options, prefix, const char *, 64);
MEMBER(fhx_azure_options, piece_bytes, uint64_t, 72);
MEMBER(fhx_azure_options, pieces_in_flight, uint32_t, 80);
MEMBER(fhx_azure_options, reserved, uint32_t, 84);
MEMBER(fhx_azure_options, http, const fhx_http_options *, 88);
MEMBER(fhx_azure_options, cache_control, const char *, 96);
STRUCT(fhx_azure_options, 104);

/* http.h */
CONSTANT(FHX_HTTP_NO_THREAD, 1u);

MEMBER(fhx_http_options, size, uint32_t, 0);
MEMBER(fhx_http_options, flags, uint32_t, 4);
MEMBER(fhx_http_options, ca_file, const char *, 8);
MEMBER(fhx_http_options, proxy, const char *, 16);
MEMBER(fhx_http_options, connect_us, int64_t, 24);
MEMBER(fhx_http_options, stall_us, int64_t, 32);
MEMBER(fhx_http_options, request_us, int64_t, 40);
MEMBER(fhx_http_options, retry_us, int64_t, 48);
MEMBER(fhx_http_options, retries_max, uint32_t, 56);
MEMBER(fhx_http_options, connections_max, uint32_t, 60);
MEMBER(fhx_http_options, allowed_hosts, const char *const *, 64);
MEMBER(fhx_http_options, allowed_host_count, uint64_t, 72);
STRUCT(fhx_http_options, 80);

/* s3.h */
CONSTANT(FHX_S3_VIRTUAL_HOST, 1u);
CONSTANT(FHX_S3_UNSIGNED_PAYLOAD, 2u);
CONSTANT(FHX_S3_BUCKET_ENDS_UPLOADS, 4u);
CONSTANT(FHX_S3_REPLACES, 8u);

MEMBER(fhx_s3_credentials, size, uint32_t, 0);
MEMBER(fhx_s3_credentials, reserved, uint32_t, 4);
MEMBER(fhx_s3_credentials, access_key_id, const char *, 8);
MEMBER(fhx_s3_credentials, secret_access_key, const char *, 16);
MEMBER(fhx_s3_credentials, session_token, const char *, 24);
MEMBER(fhx_s3_credentials, expires_us, int64_t, 32);
STRUCT(fhx_s3_credentials, 40);

MEMBER(fhx_s3_options, size, uint32_t, 0);
MEMBER(fhx_s3_options, flags, uint32_t, 4);
MEMBER(fhx_s3_options, bucket, const char *, 8);
MEMBER(fhx_s3_options, prefix, const char *, 16);
MEMBER(fhx_s3_options, region, const char *, 24);
MEMBER(fhx_s3_options, endpoint, const char *, 32);
MEMBER(fhx_s3_options, access_key_id, const char *, 40);
MEMBER(fhx_s3_options, secret_access_key, const char *, 48);
MEMBER(fhx_s3_options, session_token, const char *, 56);
MEMBER(fhx_s3_options, profile, const char *, 64);
MEMBER(fhx_s3_options, credentials, fhx_s3_credentials_callback, 72);
MEMBER(fhx_s3_options, user_data, void *, 80);
MEMBER(fhx_s3_options, destroy, fhx_destination_destroy_callback, 88);
MEMBER(fhx_s3_options, storage_class, const char *, 96);
MEMBER(fhx_s3_options, encryption, const char *, 104);
MEMBER(fhx_s3_options, kms_key_id, const char *, 112);
MEMBER(fhx_s3_options, tags, const char *, 120);
MEMBER(fhx_s3_options, piece_bytes, uint64_t, 128);
MEMBER(fhx_s3_options, pieces_in_flight, uint32_t, 136);
MEMBER(fhx_s3_options, reserved, uint32_t, 140);
MEMBER(fhx_s3_options, http, const fhx_http_options *, 144);
MEMBER(fhx_s3_options, cache_control, const char *, 152);
STRUCT(fhx_s3_options, 160);

/* store.h */
CONSTANT(FHX_JOB_RUNNING, 1);
CONSTANT(FHX_JOB_COMPLETE, 2);
CONSTANT(FHX_JOB_FAILED, 3);
CONSTANT(FHX_JOB_REMOVING, 4);
CONSTANT(FHX_JOBS_RUNNING, 1u);
CONSTANT(FHX_JOBS_COMPLETE, 2u);
CONSTANT(FHX_JOBS_FAILED, 4u);
CONSTANT(FHX_JOBS_REMOVING, 8u);
CONSTANT(FHX_IDENTITY_LEN, 32);
CONSTANT(FHX_PHASE_PLAN, 0);
CONSTANT(FHX_PHASE_MAIN, 1);
CONSTANT(FHX_PHASE_ASSOCIATED, 2);
CONSTANT(FHX_PHASE_DOCUMENTS, 3);
CONSTANT(FHX_PHASE_DELETED, 4);
CONSTANT(FHX_PHASE_FINISH, 5);
CONSTANT(FHX_TASK_WAITING, 1);
CONSTANT(FHX_TASK_RUNNING, 2);
CONSTANT(FHX_TASK_DONE, 3);
CONSTANT(FHX_RELEASE_PARKED, 1);
CONSTANT(FHX_RELEASE_RETRY, 2);
CONSTANT(FHX_RELEASE_FAIL, 3);
CONSTANT(FHX_MEMBERS_PATIENT, 1);
CONSTANT(FHX_MEMBERS_MISSING, 2);
CONSTANT(FHX_MEMBERS_NEW, 3);
CONSTANT(FHX_MEMBERS_WANTED, 4);
CONSTANT(FHX_MEMBERS_TARGETS, 5);

MEMBER(fhx_job_record, size, uint32_t, 0);
MEMBER(fhx_job_record, state, uint32_t, 4);
MEMBER(fhx_job_record, job_id, const char *, 8);
MEMBER(fhx_job_record, tenant, const char *, 16);
MEMBER(fhx_job_record, client, const char *, 24);
MEMBER(fhx_job_record, request, const char *, 32);
MEMBER(fhx_job_record, definition, const char *, 40);
MEMBER(fhx_job_record, host_context, const void *, 48);
MEMBER(fhx_job_record, host_context_len, size_t, 56);
MEMBER(fhx_job_record, transaction_time_us, int64_t, 64);
MEMBER(fhx_job_record, resolution_us, int64_t, 72);
MEMBER(fhx_job_record, reason, const char *, 80);
MEMBER(fhx_job_record, reason_status, int32_t, 88);
MEMBER(fhx_job_record, cleanup_due, uint32_t, 92);
MEMBER(fhx_job_record, created_us, int64_t, 96);
MEMBER(fhx_job_record, ended_us, int64_t, 104);
MEMBER(fhx_job_record, task_count, uint64_t, 112);
MEMBER(fhx_job_record, task_done_count, uint64_t, 120);
MEMBER(fhx_job_record, resource_count, uint64_t, 128);
MEMBER(fhx_job_record, byte_count, uint64_t, 136);
MEMBER(fhx_job_record, error_count, uint64_t, 144);
MEMBER(fhx_job_record, estimated_resources, uint64_t, 152);
MEMBER(fhx_job_record, jobs_max, uint32_t, 160);
MEMBER(fhx_job_record, jobs_per_client_max, uint32_t, 164);
MEMBER(fhx_job_record, resource_mark, uint64_t, 168);
MEMBER(fhx_job_record, page_count, uint32_t, 176);
MEMBER(fhx_job_record, reserved, uint32_t, 180);
MEMBER(fhx_job_record, hold_us, int64_t, 184);
MEMBER(fhx_job_record, parameters, const char *, 192);
MEMBER(fhx_job_record, identity, const uint8_t *, 200);
MEMBER(fhx_job_record, attempt_count, uint64_t, 208);
MEMBER(fhx_job_record, is_waiting, uint32_t, 216);
MEMBER(fhx_job_record, reserved_2, uint32_t, 220);
MEMBER(fhx_job_record, retry_count, uint64_t, 224);
MEMBER(fhx_job_record, part_count, uint64_t, 232);
STRUCT(fhx_job_record, 240);

MEMBER(fhx_task_record, size, uint32_t, 0);
MEMBER(fhx_task_record, state, uint32_t, 4);
MEMBER(fhx_task_record, job_id, const char *, 8);
MEMBER(fhx_task_record, task_index, uint32_t, 16);
MEMBER(fhx_task_record, phase, uint32_t, 20);
MEMBER(fhx_task_record, resource_type, const char *, 24);
MEMBER(fhx_task_record, shard, const void *, 32);
MEMBER(fhx_task_record, shard_len, size_t, 40);
MEMBER(fhx_task_record, shard_index, uint32_t, 48);
MEMBER(fhx_task_record, attempt_count, uint32_t, 52);
MEMBER(fhx_task_record, fence, uint64_t, 56);
MEMBER(fhx_task_record, next_seq, uint64_t, 64);
MEMBER(fhx_task_record, first_seq, uint64_t, 72);
MEMBER(fhx_task_record, token, const void *, 80);
MEMBER(fhx_task_record, token_len, size_t, 88);
MEMBER(fhx_task_record, last_id, const char *, 96);
MEMBER(fhx_task_record, resource_count, uint64_t, 104);
MEMBER(fhx_task_record, byte_count, uint64_t, 112);
MEMBER(fhx_task_record, error_count, uint64_t, 120);
MEMBER(fhx_task_record, estimated_resources, uint64_t, 128);
STRUCT(fhx_task_record, 136);

MEMBER(fhx_part_record, size, uint32_t, 0);
MEMBER(fhx_part_record, kind, uint32_t, 4);
MEMBER(fhx_part_record, name, const char *, 8);
MEMBER(fhx_part_record, resource_type, const char *, 16);
MEMBER(fhx_part_record, resource_count, uint64_t, 24);
MEMBER(fhx_part_record, byte_count, uint64_t, 32);
MEMBER(fhx_part_record, fence, uint64_t, 40);
MEMBER(fhx_part_record, seq, uint64_t, 48);
MEMBER(fhx_part_record, task_index, uint32_t, 56);
MEMBER(fhx_part_record, crc32c, uint32_t, 60);
MEMBER(fhx_part_record, sha256, const uint8_t *, 64);
MEMBER(fhx_part_record, stored_byte_count, uint64_t, 72);
MEMBER(fhx_part_record, encoding, uint32_t, 80);
MEMBER(fhx_part_record, flags, uint32_t, 84);
MEMBER(fhx_part_record, error_count, uint64_t, 88);
MEMBER(fhx_part_record, warning_count, uint64_t, 96);
STRUCT(fhx_part_record, 104);

MEMBER(fhx_manifest_options, size, uint32_t, 0);
MEMBER(fhx_manifest_options, flags, uint32_t, 4);
MEMBER(fhx_manifest_options, destination, fhx_destination *, 8);
MEMBER(fhx_manifest_options, request, const char *, 16);
MEMBER(fhx_manifest_options, transaction_time_us, int64_t, 24);
MEMBER(fhx_manifest_options, resolution_us, int64_t, 32);
MEMBER(fhx_manifest_options, expires_us, int64_t, 40);
MEMBER(fhx_manifest_options, ig_version, uint32_t, 48);
MEMBER(fhx_manifest_options, reserved, uint32_t, 52);
STRUCT(fhx_manifest_options, 56);

MEMBER(fhx_attempt_record, size, uint32_t, 0);
MEMBER(fhx_attempt_record, task_index, uint32_t, 4);
MEMBER(fhx_attempt_record, phase, uint32_t, 8);
MEMBER(fhx_attempt_record, shard_index, uint32_t, 12);
MEMBER(fhx_attempt_record, resource_type, const char *, 16);
MEMBER(fhx_attempt_record, fence, uint64_t, 24);
MEMBER(fhx_attempt_record, first_seq, uint64_t, 32);
MEMBER(fhx_attempt_record, last_seq, uint64_t, 40);
MEMBER(fhx_attempt_record, finished, uint32_t, 48);
MEMBER(fhx_attempt_record, alive, uint32_t, 52);
STRUCT(fhx_attempt_record, 56);

MEMBER(fhx_store_callbacks, size, uint32_t, 0);
MEMBER(fhx_store_callbacks, reserved, uint32_t, 4);
MEMBER(fhx_store_callbacks, create_job, fhx_create_job_callback, 8);
MEMBER(fhx_store_callbacks, read_job, fhx_read_job_callback, 16);
MEMBER(fhx_store_callbacks, claim_task, fhx_claim_task_callback, 24);
MEMBER(fhx_store_callbacks, renew_task, fhx_renew_task_callback, 32);
MEMBER(fhx_store_callbacks, plan_tasks, fhx_plan_tasks_callback, 40);
MEMBER(fhx_store_callbacks, record_checkpoint, fhx_record_checkpoint_callback, 48);
MEMBER(fhx_store_callbacks, release_task, fhx_release_task_callback, 56);
MEMBER(fhx_store_callbacks, read_task, fhx_read_task_callback, 64);
MEMBER(fhx_store_callbacks, remove_job, fhx_remove_job_callback, 72);
MEMBER(fhx_store_callbacks, list_parts, fhx_list_parts_callback, 80);
MEMBER(fhx_store_callbacks, list_lines, fhx_list_lines_callback, 88);
MEMBER(fhx_store_callbacks, list_attempts, fhx_list_attempts_callback, 96);
MEMBER(fhx_store_callbacks, clean_job, fhx_clean_job_callback, 104);
MEMBER(fhx_store_callbacks, next_cleanup, fhx_next_cleanup_callback, 112);
MEMBER(fhx_store_callbacks, add_members, fhx_add_members_callback, 120);
MEMBER(fhx_store_callbacks, list_members, fhx_list_members_callback, 128);
MEMBER(fhx_store_callbacks, add_page, fhx_add_page_callback, 136);
MEMBER(fhx_store_callbacks, list_page, fhx_list_page_callback, 144);
MEMBER(fhx_store_callbacks, destroy, fhx_store_destroy_callback, 152);
MEMBER(fhx_store_callbacks, hold_job, fhx_hold_job_callback, 160);
MEMBER(fhx_store_callbacks, list_jobs, fhx_list_jobs_callback, 168);
STRUCT(fhx_store_callbacks, 176);

MEMBER(fhx_sqlite_store_options, size, uint32_t, 0);
MEMBER(fhx_sqlite_store_options, reserved, uint32_t, 4);
MEMBER(fhx_sqlite_store_options, path, const char *, 8);
MEMBER(fhx_sqlite_store_options, clock, fhx_clock_callback, 16);
MEMBER(fhx_sqlite_store_options, clock_user_data, void *, 24);
STRUCT(fhx_sqlite_store_options, 32);
MEMBER(fhx_postgres_store_options, size, uint32_t, 0);
MEMBER(fhx_postgres_store_options, flags, uint32_t, 4);
MEMBER(fhx_postgres_store_options, conninfo, const char *, 8);
MEMBER(fhx_postgres_store_options, schema, const char *, 16);
MEMBER(fhx_postgres_store_options, connections_max, uint32_t, 24);
MEMBER(fhx_postgres_store_options, reserved, uint32_t, 28);
MEMBER(fhx_postgres_store_options, clock, fhx_clock_callback, 32);
MEMBER(fhx_postgres_store_options, clock_user_data, void *, 40);
STRUCT(fhx_postgres_store_options, 48);

/* writer.h */
CONSTANT(FHX_WRITER_SHA256, 1u);
CONSTANT(FHX_WRITER_GZIP, 2u);
CONSTANT(FHX_WRITER_TRUST_SOURCE, 4u);

MEMBER(fhx_writer_options, size, uint32_t, 0);
MEMBER(fhx_writer_options, flags, uint32_t, 4);
MEMBER(fhx_writer_options, resource_type, const char *, 8);
MEMBER(fhx_writer_options, name_prefix, const char *, 16);
MEMBER(fhx_writer_options, part_bytes, uint64_t, 24);
MEMBER(fhx_writer_options, part_count, uint64_t, 32);
MEMBER(fhx_writer_options, resource_bytes_max, uint64_t, 40);
MEMBER(fhx_writer_options, depth_max, uint32_t, 48);
MEMBER(fhx_writer_options, reserved, uint32_t, 52);
STRUCT(fhx_writer_options, 56);

/* job.h */
CONSTANT(FHX_IG_STU3, 3);
CONSTANT(FHX_IG_STU4_BALLOT, 4);
CONSTANT(FHX_PROVENANCE_DEFAULT, 0);
CONSTANT(FHX_PROVENANCE_RELEVANT, 1);
CONSTANT(FHX_PROVENANCE_LATEST, 2);
CONSTANT(FHX_JOB_SHA256, 1u);
CONSTANT(FHX_JOB_NEW_MEMBERS, 2u);
CONSTANT(FHX_JOB_GZIP, 4u);
CONSTANT(FHX_JOB_TRUST_SOURCE, 8u);

MEMBER(fhx_job_options, size, uint32_t, 0);
MEMBER(fhx_job_options, flags, uint32_t, 4);
MEMBER(fhx_job_options, source, fhx_source *, 8);
MEMBER(fhx_job_options, destination, fhx_destination *, 16);
MEMBER(fhx_job_options, store, fhx_store *, 24);
MEMBER(fhx_job_options, filter, const fhx_filter *, 32);
MEMBER(fhx_job_options, request, const char *, 40);
MEMBER(fhx_job_options, tenant, const char *, 48);
MEMBER(fhx_job_options, client, const char *, 56);
MEMBER(fhx_job_options, host_context, const void *, 64);
MEMBER(fhx_job_options, host_context_len, size_t, 72);
MEMBER(fhx_job_options, part_bytes, uint64_t, 80);
MEMBER(fhx_job_options, part_count, uint64_t, 88);
MEMBER(fhx_job_options, resource_bytes_max, uint64_t, 96);
MEMBER(fhx_job_options, lease_us, int64_t, 104);
MEMBER(fhx_job_options, settle_us, int64_t, 112);
MEMBER(fhx_job_options, stall_us, int64_t, 120);
MEMBER(fhx_job_options, attempts_max, uint32_t, 128);
MEMBER(fhx_job_options, shards_max, uint32_t, 132);
MEMBER(fhx_job_options, depth_max, uint32_t, 136);
MEMBER(fhx_job_options, group_depth_max, uint32_t, 140);
MEMBER(fhx_job_options, group_members_max, uint64_t, 144);
MEMBER(fhx_job_options, associated_types, const char *, 152);
MEMBER(fhx_job_options, part_bytes_min, uint64_t, 160);
MEMBER(fhx_job_options, bad_rows_limit, uint64_t, 168);
MEMBER(fhx_job_options, bad_rows_permille_limit, uint32_t, 176);
MEMBER(fhx_job_options, provenance, uint32_t, 180);
MEMBER(fhx_job_options, organize_by, const char *, 184);
MEMBER(fhx_job_options, resource_hook, fhx_resource_hook_callback, 192);
MEMBER(fhx_job_options, attachment_hook, fhx_attachment_hook_callback, 200);
MEMBER(fhx_job_options, hook_data, void *, 208);
MEMBER(fhx_job_options, helpers, uint32_t, 216);
MEMBER(fhx_job_options, reserved, uint32_t, 220);
MEMBER(fhx_job_options, worker_bytes, uint64_t, 224);
MEMBER(fhx_job_options, clock, const fhx_clock *, 232);
MEMBER(fhx_job_options, export_id, const char *, 240);
MEMBER(fhx_job_options, attempt, uint64_t, 248);
MEMBER(fhx_job_options, piece, uint32_t, 256);
MEMBER(fhx_job_options, ig_version, uint32_t, 260);
STRUCT(fhx_job_options, 264);

/* client_destination.h */
MEMBER(fhx_client_destinations, size, uint32_t, 0);
MEMBER(fhx_client_destinations, reserved, uint32_t, 4);
MEMBER(fhx_client_destinations, allowed_hosts, const char *const *, 8);
MEMBER(fhx_client_destinations, allowed_host_count, uint64_t, 16);
MEMBER(fhx_client_destinations, http, const fhx_http_options *, 24);
MEMBER(fhx_client_destinations, container, const char *, 32);
MEMBER(fhx_client_destinations, secret_put, fhx_secret_put_callback, 40);
MEMBER(fhx_client_destinations, secret_get, fhx_secret_get_callback, 48);
MEMBER(fhx_client_destinations, secret_delete, fhx_secret_delete_callback, 56);
MEMBER(fhx_client_destinations, user_data, void *, 64);
MEMBER(fhx_client_destinations, destroy, void (*)(void *user_data), 72);
STRUCT(fhx_client_destinations, 80);

/* clock.h */
MEMBER(fhx_clock, size, uint32_t, 0);
MEMBER(fhx_clock, reserved, uint32_t, 4);
MEMBER(fhx_clock, now, fhx_clock_callback, 8);
MEMBER(fhx_clock, monotonic, fhx_clock_callback, 16);
MEMBER(fhx_clock, wait, fhx_clock_wait_callback, 24);
MEMBER(fhx_clock, random, fhx_random_callback, 32);
MEMBER(fhx_clock, user_data, void *, 40);
STRUCT(fhx_clock, 48);

/* engine.h */
CONSTANT(FHX_ENGINE_FILES_NEED_TOKEN, 1);
CONSTANT(FHX_ENGINE_DISABLED, 2);
CONSTANT(FHX_ENGINE_JOIN_IDENTICAL, 4u);
CONSTANT(FHX_REQUEST_OPERATOR, 1u);
CONSTANT(FHX_LOG_DEBUG, 1);
CONSTANT(FHX_LOG_INFO, 2);
CONSTANT(FHX_LOG_WARNING, 3);
CONSTANT(FHX_LOG_ERROR, 4);

MEMBER(fhx_engine_options, size, uint32_t, 0);
MEMBER(fhx_engine_options, flags, uint32_t, 4);
MEMBER(fhx_engine_options, source, fhx_source *, 8);
MEMBER(fhx_engine_options, destination, fhx_destination *, 16);
MEMBER(fhx_engine_options, store, fhx_store *, 24);
MEMBER(fhx_engine_options, base_url, const char *, 32);
MEMBER(fhx_engine_options, url_keys, const void *const *, 40);
MEMBER(fhx_engine_options, url_key_lens, const size_t *, 48);
MEMBER(fhx_engine_options, url_key_count, uint64_t, 56);
MEMBER(fhx_engine_options, part_bytes, uint64_t, 64);
MEMBER(fhx_engine_options, part_count, uint64_t, 72);
MEMBER(fhx_engine_options, resource_bytes_max, uint64_t, 80);
MEMBER(fhx_engine_options, lease_us, int64_t, 88);
MEMBER(fhx_engine_options, settle_us, int64_t, 96);
MEMBER(fhx_engine_options, stall_us, int64_t, 104);
MEMBER(fhx_engine_options, keep_us, int64_t, 112);
MEMBER(fhx_engine_options, link_us, int64_t, 120);
MEMBER(fhx_engine_options, target_bytes_max, uint64_t, 128);
MEMBER(fhx_engine_options, body_bytes_max, uint64_t, 136);
MEMBER(fhx_engine_options, attempts_max, uint32_t, 144);
MEMBER(fhx_engine_options, shards_max, uint32_t, 148);
MEMBER(fhx_engine_options, depth_max, uint32_t, 152);
MEMBER(fhx_engine_options, job_flags, uint32_t, 156);
MEMBER(fhx_engine_options, workers, uint32_t, 160);
MEMBER(fhx_engine_options, helpers, uint32_t, 164);
MEMBER(fhx_engine_options, jobs_max, uint32_t, 168);
MEMBER(fhx_engine_options, jobs_per_client_max, uint32_t, 172);
MEMBER(fhx_engine_options, fhir_version, uint32_t, 176);
MEMBER(fhx_engine_options, polls_max, uint32_t, 180);
MEMBER(fhx_engine_options, group_depth_max, uint32_t, 184);
MEMBER(fhx_engine_options, reserved, uint32_t, 188);
MEMBER(fhx_engine_options, group_members_max, uint64_t, 192);
MEMBER(fhx_engine_options, associated_types, const char *, 200);
MEMBER(fhx_engine_options, compartment_paths, const char *const *, 208);
MEMBER(fhx_engine_options, compartment_path_count, uint64_t, 216);
MEMBER(fhx_engine_options, part_bytes_min, uint64_t, 224);
MEMBER(fhx_engine_options, bad_rows_limit, uint64_t, 232);
MEMBER(fhx_engine_options, bad_rows_permille_limit, uint32_t, 240);
MEMBER(fhx_engine_options, reserved_2, uint32_t, 244);
MEMBER(fhx_engine_options, resource_hook, fhx_resource_hook_callback, 248);
MEMBER(fhx_engine_options, attachment_hook, fhx_attachment_hook_callback, 256);
MEMBER(fhx_engine_options, hook_data, void *, 264);
MEMBER(fhx_engine_options, associated_values, const char *, 272);
MEMBER(fhx_engine_options, worker_bytes, uint64_t, 280);
MEMBER(fhx_engine_options, client_destinations, const fhx_client_destinations *, 288);
MEMBER(fhx_engine_options, clock, const fhx_clock *, 296);
MEMBER(fhx_engine_options, log, fhx_log_callback, 304);
MEMBER(fhx_engine_options, log_user_data, void *, 312);
MEMBER(fhx_engine_options, ig_version, uint32_t, 320);
MEMBER(fhx_engine_options, reserved_3, uint32_t, 324);
MEMBER(fhx_engine_options, maximum_file_size_min, uint64_t, 328);
STRUCT(fhx_engine_options, 336);

/* job_list.h */
MEMBER(fhx_job_list_options, size, uint32_t, 0);
MEMBER(fhx_job_list_options, states, uint32_t, 4);
MEMBER(fhx_job_list_options, tenant, const char *, 8);
MEMBER(fhx_job_list_options, client, const char *, 16);
MEMBER(fhx_job_list_options, after, const char *, 24);
MEMBER(fhx_job_list_options, limit, uint32_t, 32);
MEMBER(fhx_job_list_options, reserved, uint32_t, 36);
MEMBER(fhx_job_list_options, job_id, const char *, 40);
STRUCT(fhx_job_list_options, 48);

MEMBER(fhx_request, size, uint32_t, 0);
MEMBER(fhx_request, reserved, uint32_t, 4);
MEMBER(fhx_request, method, const char *, 8);
MEMBER(fhx_request, target, const char *, 16);
MEMBER(fhx_request, headers, const char *const *, 24);
MEMBER(fhx_request, header_count, size_t, 32);
MEMBER(fhx_request, body, const void *, 40);
MEMBER(fhx_request, body_len, size_t, 48);
MEMBER(fhx_request, base_url, const char *, 56);
MEMBER(fhx_request, tenant, const char *, 64);
MEMBER(fhx_request, client, const char *, 72);
MEMBER(fhx_request, permitted_types, const char *, 80);
MEMBER(fhx_request, host_context, const void *, 88);
MEMBER(fhx_request, host_context_len, size_t, 96);
MEMBER(fhx_request, flags, uint32_t, 104);
MEMBER(fhx_request, ig_version, uint32_t, 108);
STRUCT(fhx_request, 112);

/* What a compiler cannot compare: texts, and the header against the library that is loaded. */
int main(void) {
  if (strcmp(FHX_VERSION, "0.9.0") != 0) return 1;
  if (strcmp(fhx_version(), FHX_VERSION) != 0) return 2;
  return fhx_version_number() == FHX_VERSION_NUMBER ? 0 : 3;
}
