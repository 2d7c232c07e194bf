"""The public headers of libfhirexport as ctypes: constants, callbacks, structures, functions.

Written by bindings/python/mirror.py; do not change it by hand."""

# fmt: off
# ruff: noqa: E501
from ctypes import (CFUNCTYPE, POINTER, Structure, c_char_p, c_double, c_int32, c_int64, c_size_t, c_uint32, c_uint64,
                    c_void_p)
from typing import Any, Dict, Tuple

FHX_OK = 0
FHX_END = 1
FHX_WAIT = 2
FHX_ERR_ARGUMENT = -1
FHX_ERR_MISUSE = -2
FHX_ERR_REENTRANT = -3
FHX_ERR_NO_MEMORY = -4
FHX_ERR_STRUCT_SIZE = -5
FHX_ERR_UNSUPPORTED = -6
FHX_ERR_NOT_FOUND = -7
FHX_ERR_EXISTS = -8
FHX_ERR_REFUSED = -9
FHX_ERR_UNKNOWN_OUTCOME = -10
FHX_ERR_CANCELLED = -11
FHX_ERR_JOB_FAILED = -12
FHX_ERR_RESOURCE = -13
FHX_ERR_SOURCE = -14
FHX_ERR_DESTINATION = -15
FHX_ERR_STORE = -16
FHX_ERR_IO = -17
FHX_ERR_NO_SPACE = -18
FHX_ERR_DENIED = -19
FHX_ERR_LIMIT = -20
FHX_ERR_NO_ANSWER = -21
FHX_ERR_INTERNAL = -22
FHX_PART_OUTPUT = 0
FHX_PART_ERROR = 1
FHX_PART_DELETED = 2
FHX_PART_CONTINUES = 1
FHX_ENCODING_NONE = 0
FHX_ENCODING_GZIP = 1
FHX_TOKEN_MAX = 4096
FHX_OPAQUE_MAX = 4096
FHX_DESTINATION_REQUIRES_TOKEN = 1
FHX_DESTINATION_ANY_THREAD = 2
FHX_DESTINATION_READABLE = 4
FHX_HTTP_NO_THREAD = 1
FHX_AZURE_PLAIN_URLS = 1
FHX_FHIR_R4 = 40
FHX_FHIR_R4B = 43
FHX_FHIR_R5 = 50
FHX_TIME_NONE = -(2**63)
FHX_SCOPE_ALL = 0
FHX_SCOPE_PATIENTS = 1
FHX_SCOPE_PATIENT_SET = 2
FHX_APPLIED_TYPE = 1
FHX_APPLIED_SINCE = 2
FHX_APPLIED_UNTIL = 4
FHX_APPLIED_PATIENTS = 8
FHX_APPLIED_AS_OF = 16
FHX_PROMISE_ASCENDING_IDS = 32
FHX_APPLIED_SEARCH = 64
FHX_JOB_RUNNING = 1
FHX_JOB_COMPLETE = 2
FHX_JOB_FAILED = 3
FHX_JOB_REMOVING = 4
FHX_JOBS_RUNNING = 1
FHX_JOBS_COMPLETE = 2
FHX_JOBS_FAILED = 4
FHX_JOBS_REMOVING = 8
FHX_IDENTITY_LEN = 32
FHX_PHASE_PLAN = 0
FHX_PHASE_MAIN = 1
FHX_PHASE_ASSOCIATED = 2
FHX_PHASE_DOCUMENTS = 3
FHX_PHASE_DELETED = 4
FHX_PHASE_FINISH = 5
FHX_TASK_WAITING = 1
FHX_TASK_RUNNING = 2
FHX_TASK_DONE = 3
FHX_MEMBERS_PATIENT = 1
FHX_MEMBERS_MISSING = 2
FHX_MEMBERS_NEW = 3
FHX_MEMBERS_WANTED = 4
FHX_MEMBERS_TARGETS = 5
FHX_RELEASE_PARKED = 1
FHX_RELEASE_RETRY = 2
FHX_RELEASE_FAIL = 3
FHX_JOB_SHA256 = 1
FHX_JOB_NEW_MEMBERS = 2
FHX_JOB_GZIP = 4
FHX_JOB_TRUST_SOURCE = 8
FHX_PROVENANCE_DEFAULT = 0
FHX_PROVENANCE_RELEVANT = 1
FHX_PROVENANCE_LATEST = 2
FHX_IG_STU3 = 3
FHX_IG_STU4_BALLOT = 4
FHX_LOG_DEBUG = 1
FHX_LOG_INFO = 2
FHX_LOG_WARNING = 3
FHX_LOG_ERROR = 4
FHX_ENGINE_FILES_NEED_TOKEN = 1
FHX_ENGINE_DISABLED = 2
FHX_ENGINE_JOIN_IDENTICAL = 4
FHX_REQUEST_OPERATOR = 1
FHX_MANIFEST_DIGESTS = 1
FHX_PUBLICATION_REQUIRES_TOKEN = 1
FHX_SNAPSHOT_FINAL = 1
FHX_S3_VIRTUAL_HOST = 1
FHX_S3_UNSIGNED_PAYLOAD = 2
FHX_S3_BUCKET_ENDS_UPLOADS = 4
FHX_S3_REPLACES = 8
FHX_VERSION_MAJOR = 0
FHX_VERSION_MINOR = 9
FHX_VERSION_PATCH = 0
FHX_VERSION = "0.9.0"
FHX_VERSION_NUMBER = 9000
FHX_WRITER_SHA256 = 1
FHX_WRITER_GZIP = 2
FHX_WRITER_TRUST_SOURCE = 4

fhx_part_open_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_void_p)
fhx_part_write_callback = CFUNCTYPE(None, c_void_p, c_void_p, c_void_p, c_size_t, c_void_p)
fhx_part_commit_callback = CFUNCTYPE(None, c_void_p, c_void_p, c_void_p, c_void_p)
fhx_part_abort_callback = CFUNCTYPE(None, c_void_p, c_void_p)
fhx_part_stat_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_void_p)
fhx_part_url_callback = CFUNCTYPE(None, c_void_p, c_void_p, c_int64, c_void_p)
fhx_part_remove_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_void_p)
fhx_part_file_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_void_p)
fhx_check_writable_callback = CFUNCTYPE(None, c_void_p, c_void_p)
fhx_urls_until_callback = CFUNCTYPE(None, c_void_p, c_int64, c_void_p)
fhx_document_put_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_void_p, c_size_t, c_char_p, c_char_p, c_void_p)
fhx_document_get_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_void_p)
fhx_destination_destroy_callback = CFUNCTYPE(None, c_void_p)
fhx_azure_token_callback = CFUNCTYPE(None, c_void_p, c_void_p)
fhx_secret_put_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_void_p, c_size_t, c_void_p)
fhx_secret_get_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_void_p)
fhx_secret_delete_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_void_p)
fhx_clock_callback = CFUNCTYPE(c_int64, c_void_p)
fhx_clock_wait_callback = CFUNCTYPE(None, c_void_p, c_int64)
fhx_random_callback = CFUNCTYPE(c_uint64, c_void_p)
fhx_patient_callback = CFUNCTYPE(None, c_void_p, c_char_p)
fhx_open_cursor_callback = CFUNCTYPE(None, c_void_p, c_void_p, c_void_p)
fhx_next_rows_callback = CFUNCTYPE(None, c_void_p, c_void_p, c_uint64, c_void_p)
fhx_close_cursor_callback = CFUNCTYPE(None, c_void_p, c_void_p)
fhx_list_shards_callback = CFUNCTYPE(None, c_void_p, c_void_p, c_uint32, c_void_p)
fhx_read_resource_callback = CFUNCTYPE(None, c_void_p, c_void_p, c_char_p, c_void_p)
fhx_group_members_callback = CFUNCTYPE(None, c_void_p, c_void_p, c_char_p, c_char_p, c_void_p)
fhx_list_types_callback = CFUNCTYPE(None, c_void_p, c_void_p)
fhx_count_estimate_callback = CFUNCTYPE(None, c_void_p, c_void_p, c_void_p)
fhx_snapshot_ready_callback = CFUNCTYPE(None, c_void_p, c_int64, c_void_p)
fhx_read_clock_callback = CFUNCTYPE(None, c_void_p, c_void_p)
fhx_open_deleted_callback = CFUNCTYPE(None, c_void_p, c_void_p, c_void_p)
fhx_open_patient_callback = CFUNCTYPE(None, c_void_p, c_void_p, c_char_p, c_void_p)
fhx_source_destroy_callback = CFUNCTYPE(None, c_void_p)
fhx_resource_hook_callback = CFUNCTYPE(None, c_void_p, c_void_p, c_char_p, c_void_p, c_size_t, c_void_p)
fhx_attachment_hook_callback = CFUNCTYPE(None, c_void_p, c_void_p, c_char_p, c_char_p, c_void_p)
fhx_create_job_callback = CFUNCTYPE(None, c_void_p, c_void_p, c_void_p)
fhx_read_job_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_void_p)
fhx_claim_task_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_char_p, c_int64, c_uint32, c_void_p)
fhx_renew_task_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_uint32, c_uint64, c_uint64, c_uint64, c_int64, c_void_p)
fhx_plan_tasks_callback = CFUNCTYPE(None, c_void_p, c_void_p, c_void_p)
fhx_record_checkpoint_callback = CFUNCTYPE(None, c_void_p, c_void_p, c_void_p)
fhx_release_task_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_uint32, c_uint64, c_uint32, c_uint32, c_int32, c_char_p, c_void_p)
fhx_add_members_callback = CFUNCTYPE(None, c_void_p, c_void_p, c_void_p)
fhx_list_members_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_uint32, c_char_p, c_uint32, c_void_p)
fhx_read_task_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_uint32, c_void_p)
fhx_remove_job_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_void_p)
fhx_list_parts_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_uint32, c_uint64, c_uint32, c_void_p)
fhx_list_lines_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_uint64, c_uint32, c_void_p)
fhx_list_attempts_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_uint32, c_uint64, c_uint32, c_void_p)
fhx_clean_job_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_void_p)
fhx_next_cleanup_callback = CFUNCTYPE(None, c_void_p, c_int64, c_char_p, c_void_p)
fhx_add_page_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_uint32, c_uint32, c_void_p)
fhx_list_page_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_uint32, c_uint32, c_uint64, c_uint32, c_void_p)
fhx_hold_job_callback = CFUNCTYPE(None, c_void_p, c_char_p, c_int64, c_void_p)
fhx_list_jobs_callback = CFUNCTYPE(None, c_void_p, c_uint32, c_char_p, c_char_p, c_int64, c_char_p, c_uint32, c_void_p)
fhx_store_destroy_callback = CFUNCTYPE(None, c_void_p)
fhx_log_callback = CFUNCTYPE(None, c_void_p, c_void_p)
fhx_s3_credentials_callback = CFUNCTYPE(None, c_void_p, c_void_p)


class fhx_destination_callbacks(Structure):
    _fields_ = [
        ("size", c_uint32), ("flags", c_uint32), ("part_open", fhx_part_open_callback),
        ("part_write", fhx_part_write_callback), ("part_commit", fhx_part_commit_callback),
        ("part_abort", fhx_part_abort_callback), ("part_stat", fhx_part_stat_callback),
        ("part_url", fhx_part_url_callback), ("part_remove", fhx_part_remove_callback),
        ("part_file", fhx_part_file_callback), ("check_writable", fhx_check_writable_callback),
        ("destroy", fhx_destination_destroy_callback), ("urls_until", fhx_urls_until_callback),
        ("document_put", fhx_document_put_callback), ("document_get", fhx_document_get_callback),
    ]


class fhx_directory_options(Structure):
    _fields_ = [
        ("size", c_uint32), ("flags", c_uint32), ("path", c_char_p), ("base_url", c_char_p),
    ]


class fhx_http_options(Structure):
    _fields_ = [
        ("size", c_uint32), ("flags", c_uint32), ("ca_file", c_char_p), ("proxy", c_char_p),
        ("connect_us", c_int64), ("stall_us", c_int64), ("request_us", c_int64), ("retry_us", c_int64),
        ("retries_max", c_uint32), ("connections_max", c_uint32), ("allowed_hosts", POINTER(c_char_p)),
        ("allowed_host_count", c_uint64),
    ]


class fhx_azure_options(Structure):
    _fields_ = [
        ("size", c_uint32), ("flags", c_uint32), ("connection_string", c_char_p), ("container_url", c_char_p),
        ("account_url", c_char_p), ("token", fhx_azure_token_callback), ("user_data", c_void_p),
        ("destroy", CFUNCTYPE(None, c_void_p)), ("container", c_char_p), ("prefix", c_char_p),
        ("piece_bytes", c_uint64), ("pieces_in_flight", c_uint32), ("reserved", c_uint32), ("http", c_void_p),
        ("cache_control", c_char_p),
    ]


class fhx_client_destinations(Structure):
    _fields_ = [
        ("size", c_uint32), ("reserved", c_uint32), ("allowed_hosts", POINTER(c_char_p)),
        ("allowed_host_count", c_uint64), ("http", c_void_p), ("container", c_char_p),
        ("secret_put", fhx_secret_put_callback), ("secret_get", fhx_secret_get_callback),
        ("secret_delete", fhx_secret_delete_callback), ("user_data", c_void_p),
        ("destroy", CFUNCTYPE(None, c_void_p)),
    ]


class fhx_clock(Structure):
    _fields_ = [
        ("size", c_uint32), ("reserved", c_uint32), ("now", fhx_clock_callback),
        ("monotonic", fhx_clock_callback), ("wait", fhx_clock_wait_callback), ("random", fhx_random_callback),
        ("user_data", c_void_p),
    ]


class fhx_source_callbacks(Structure):
    _fields_ = [
        ("size", c_uint32), ("reserved", c_uint32), ("open_cursor", fhx_open_cursor_callback),
        ("next_rows", fhx_next_rows_callback), ("close_cursor", fhx_close_cursor_callback),
        ("list_shards", fhx_list_shards_callback), ("read_resource", fhx_read_resource_callback),
        ("group_members", fhx_group_members_callback), ("list_types", fhx_list_types_callback),
        ("count_estimate", fhx_count_estimate_callback), ("snapshot_ready", fhx_snapshot_ready_callback),
        ("read_clock", fhx_read_clock_callback), ("open_deleted", fhx_open_deleted_callback),
        ("open_patient", fhx_open_patient_callback), ("destroy", fhx_source_destroy_callback),
    ]


class fhx_folder_options(Structure):
    _fields_ = [
        ("size", c_uint32), ("reserved", c_uint32), ("path", c_char_p),
    ]


class fhx_sqlite_source_options(Structure):
    _fields_ = [
        ("size", c_uint32), ("reserved", c_uint32), ("path", c_char_p), ("table", c_char_p),
        ("type_column", c_char_p), ("id_column", c_char_p), ("updated_column", c_char_p),
        ("json_column", c_char_p), ("stamp_resolution_us", c_int64), ("deleted_table", c_char_p),
        ("patient_table", c_char_p), ("patient_column", c_char_p),
    ]


class fhx_postgres_source_options(Structure):
    _fields_ = [
        ("size", c_uint32), ("connections_max", c_uint32), ("conninfo", c_char_p), ("schema", c_char_p),
        ("table", c_char_p), ("type_column", c_char_p), ("id_column", c_char_p), ("updated_column", c_char_p),
        ("json_column", c_char_p), ("valid_from_column", c_char_p), ("valid_to_column", c_char_p),
        ("deleted_column", c_char_p), ("deleted_table", c_char_p), ("patient_table", c_char_p),
        ("patient_column", c_char_p), ("clock_sql", c_char_p), ("stamp_resolution_us", c_int64),
        ("patience_us", c_int64), ("rows_max", c_uint64),
    ]


class fhx_job_record(Structure):
    _fields_ = [
        ("size", c_uint32), ("state", c_uint32), ("job_id", c_char_p), ("tenant", c_char_p),
        ("client", c_char_p), ("request", c_char_p), ("definition", c_char_p), ("host_context", c_void_p),
        ("host_context_len", c_size_t), ("transaction_time_us", c_int64), ("resolution_us", c_int64),
        ("reason", c_char_p), ("reason_status", c_int32), ("cleanup_due", c_uint32), ("created_us", c_int64),
        ("ended_us", c_int64), ("task_count", c_uint64), ("task_done_count", c_uint64),
        ("resource_count", c_uint64), ("byte_count", c_uint64), ("error_count", c_uint64),
        ("estimated_resources", c_uint64), ("jobs_max", c_uint32), ("jobs_per_client_max", c_uint32),
        ("resource_mark", c_uint64), ("page_count", c_uint32), ("reserved", c_uint32), ("hold_us", c_int64),
        ("parameters", c_char_p), ("identity", c_void_p), ("attempt_count", c_uint64), ("is_waiting", c_uint32),
        ("reserved_2", c_uint32), ("retry_count", c_uint64), ("part_count", c_uint64),
    ]


class fhx_task_record(Structure):
    _fields_ = [
        ("size", c_uint32), ("state", c_uint32), ("job_id", c_char_p), ("task_index", c_uint32),
        ("phase", c_uint32), ("resource_type", c_char_p), ("shard", c_void_p), ("shard_len", c_size_t),
        ("shard_index", c_uint32), ("attempt_count", c_uint32), ("fence", c_uint64), ("next_seq", c_uint64),
        ("first_seq", c_uint64), ("token", c_void_p), ("token_len", c_size_t), ("last_id", c_char_p),
        ("resource_count", c_uint64), ("byte_count", c_uint64), ("error_count", c_uint64),
        ("estimated_resources", c_uint64),
    ]


class fhx_part_record(Structure):
    _fields_ = [
        ("size", c_uint32), ("kind", c_uint32), ("name", c_char_p), ("resource_type", c_char_p),
        ("resource_count", c_uint64), ("byte_count", c_uint64), ("fence", c_uint64), ("seq", c_uint64),
        ("task_index", c_uint32), ("crc32c", c_uint32), ("sha256", c_void_p), ("stored_byte_count", c_uint64),
        ("encoding", c_uint32), ("flags", c_uint32), ("error_count", c_uint64), ("warning_count", c_uint64),
    ]


class fhx_attempt_record(Structure):
    _fields_ = [
        ("size", c_uint32), ("task_index", c_uint32), ("phase", c_uint32), ("shard_index", c_uint32),
        ("resource_type", c_char_p), ("fence", c_uint64), ("first_seq", c_uint64), ("last_seq", c_uint64),
        ("finished", c_uint32), ("alive", c_uint32),
    ]


class fhx_store_callbacks(Structure):
    _fields_ = [
        ("size", c_uint32), ("reserved", c_uint32), ("create_job", fhx_create_job_callback),
        ("read_job", fhx_read_job_callback), ("claim_task", fhx_claim_task_callback),
        ("renew_task", fhx_renew_task_callback), ("plan_tasks", fhx_plan_tasks_callback),
        ("record_checkpoint", fhx_record_checkpoint_callback), ("release_task", fhx_release_task_callback),
        ("read_task", fhx_read_task_callback), ("remove_job", fhx_remove_job_callback),
        ("list_parts", fhx_list_parts_callback), ("list_lines", fhx_list_lines_callback),
        ("list_attempts", fhx_list_attempts_callback), ("clean_job", fhx_clean_job_callback),
        ("next_cleanup", fhx_next_cleanup_callback), ("add_members", fhx_add_members_callback),
        ("list_members", fhx_list_members_callback), ("add_page", fhx_add_page_callback),
        ("list_page", fhx_list_page_callback), ("destroy", fhx_store_destroy_callback),
        ("hold_job", fhx_hold_job_callback), ("list_jobs", fhx_list_jobs_callback),
    ]


class fhx_sqlite_store_options(Structure):
    _fields_ = [
        ("size", c_uint32), ("reserved", c_uint32), ("path", c_char_p), ("clock", fhx_clock_callback),
        ("clock_user_data", c_void_p),
    ]


class fhx_postgres_store_options(Structure):
    _fields_ = [
        ("size", c_uint32), ("flags", c_uint32), ("conninfo", c_char_p), ("schema", c_char_p),
        ("connections_max", c_uint32), ("reserved", c_uint32), ("clock", fhx_clock_callback),
        ("clock_user_data", c_void_p),
    ]


class fhx_job_options(Structure):
    _fields_ = [
        ("size", c_uint32), ("flags", c_uint32), ("source", c_void_p), ("destination", c_void_p),
        ("store", c_void_p), ("filter", c_void_p), ("request", c_char_p), ("tenant", c_char_p),
        ("client", c_char_p), ("host_context", c_void_p), ("host_context_len", c_size_t),
        ("part_bytes", c_uint64), ("part_count", c_uint64), ("resource_bytes_max", c_uint64),
        ("lease_us", c_int64), ("settle_us", c_int64), ("stall_us", c_int64), ("attempts_max", c_uint32),
        ("shards_max", c_uint32), ("depth_max", c_uint32), ("group_depth_max", c_uint32),
        ("group_members_max", c_uint64), ("associated_types", c_char_p), ("part_bytes_min", c_uint64),
        ("bad_rows_limit", c_uint64), ("bad_rows_permille_limit", c_uint32), ("provenance", c_uint32),
        ("organize_by", c_char_p), ("resource_hook", fhx_resource_hook_callback),
        ("attachment_hook", fhx_attachment_hook_callback), ("hook_data", c_void_p), ("helpers", c_uint32),
        ("reserved", c_uint32), ("worker_bytes", c_uint64), ("clock", c_void_p), ("export_id", c_char_p),
        ("attempt", c_uint64), ("piece", c_uint32), ("ig_version", c_uint32),
    ]


class fhx_job_list_options(Structure):
    _fields_ = [
        ("size", c_uint32), ("states", c_uint32), ("tenant", c_char_p), ("client", c_char_p),
        ("after", c_char_p), ("limit", c_uint32), ("reserved", c_uint32), ("job_id", c_char_p),
    ]


class fhx_engine_options(Structure):
    _fields_ = [
        ("size", c_uint32), ("flags", c_uint32), ("source", c_void_p), ("destination", c_void_p),
        ("store", c_void_p), ("base_url", c_char_p), ("url_keys", POINTER(c_void_p)),
        ("url_key_lens", c_void_p), ("url_key_count", c_uint64), ("part_bytes", c_uint64),
        ("part_count", c_uint64), ("resource_bytes_max", c_uint64), ("lease_us", c_int64),
        ("settle_us", c_int64), ("stall_us", c_int64), ("keep_us", c_int64), ("link_us", c_int64),
        ("target_bytes_max", c_uint64), ("body_bytes_max", c_uint64), ("attempts_max", c_uint32),
        ("shards_max", c_uint32), ("depth_max", c_uint32), ("job_flags", c_uint32), ("workers", c_uint32),
        ("helpers", c_uint32), ("jobs_max", c_uint32), ("jobs_per_client_max", c_uint32),
        ("fhir_version", c_uint32), ("polls_max", c_uint32), ("group_depth_max", c_uint32),
        ("reserved", c_uint32), ("group_members_max", c_uint64), ("associated_types", c_char_p),
        ("compartment_paths", POINTER(c_char_p)), ("compartment_path_count", c_uint64),
        ("part_bytes_min", c_uint64), ("bad_rows_limit", c_uint64), ("bad_rows_permille_limit", c_uint32),
        ("reserved_2", c_uint32), ("resource_hook", fhx_resource_hook_callback),
        ("attachment_hook", fhx_attachment_hook_callback), ("hook_data", c_void_p),
        ("associated_values", c_char_p), ("worker_bytes", c_uint64), ("client_destinations", c_void_p),
        ("clock", c_void_p), ("log", fhx_log_callback), ("log_user_data", c_void_p), ("ig_version", c_uint32),
        ("reserved_3", c_uint32), ("maximum_file_size_min", c_uint64),
    ]


class fhx_request(Structure):
    _fields_ = [
        ("size", c_uint32), ("reserved", c_uint32), ("method", c_char_p), ("target", c_char_p),
        ("headers", POINTER(c_char_p)), ("header_count", c_size_t), ("body", c_void_p), ("body_len", c_size_t),
        ("base_url", c_char_p), ("tenant", c_char_p), ("client", c_char_p), ("permitted_types", c_char_p),
        ("host_context", c_void_p), ("host_context_len", c_size_t), ("flags", c_uint32),
        ("ig_version", c_uint32),
    ]


class fhx_manifest_options(Structure):
    _fields_ = [
        ("size", c_uint32), ("flags", c_uint32), ("destination", c_void_p), ("request", c_char_p),
        ("transaction_time_us", c_int64), ("resolution_us", c_int64), ("expires_us", c_int64),
        ("ig_version", c_uint32), ("reserved", c_uint32),
    ]


class fhx_allocator(Structure):
    _fields_ = [
        ("size", c_uint32), ("reserved", c_uint32), ("user_data", c_void_p),
        ("allocate", CFUNCTYPE(c_void_p, c_void_p, c_size_t)),
        ("reallocate", CFUNCTYPE(c_void_p, c_void_p, c_void_p, c_size_t)),
        ("release", CFUNCTYPE(None, c_void_p, c_void_p)),
    ]


class fhx_publication_options(Structure):
    _fields_ = [
        ("size", c_uint32), ("flags", c_uint32), ("destination", c_void_p), ("base_url", c_char_p),
        ("update_cadence", c_char_p), ("grace_us", c_int64), ("clock", c_void_p), ("page_parts", c_uint32),
        ("reserved", c_uint32),
    ]


class fhx_s3_credentials(Structure):
    _fields_ = [
        ("size", c_uint32), ("reserved", c_uint32), ("access_key_id", c_char_p),
        ("secret_access_key", c_char_p), ("session_token", c_char_p), ("expires_us", c_int64),
    ]


class fhx_s3_options(Structure):
    _fields_ = [
        ("size", c_uint32), ("flags", c_uint32), ("bucket", c_char_p), ("prefix", c_char_p),
        ("region", c_char_p), ("endpoint", c_char_p), ("access_key_id", c_char_p),
        ("secret_access_key", c_char_p), ("session_token", c_char_p), ("profile", c_char_p),
        ("credentials", fhx_s3_credentials_callback), ("user_data", c_void_p),
        ("destroy", CFUNCTYPE(None, c_void_p)), ("storage_class", c_char_p), ("encryption", c_char_p),
        ("kms_key_id", c_char_p), ("tags", c_char_p), ("piece_bytes", c_uint64), ("pieces_in_flight", c_uint32),
        ("reserved", c_uint32), ("http", c_void_p), ("cache_control", c_char_p),
    ]


class fhx_writer_options(Structure):
    _fields_ = [
        ("size", c_uint32), ("flags", c_uint32), ("resource_type", c_char_p), ("name_prefix", c_char_p),
        ("part_bytes", c_uint64), ("part_count", c_uint64), ("resource_bytes_max", c_uint64),
        ("depth_max", c_uint32), ("reserved", c_uint32),
    ]


# name: (result, arguments)
FUNCTIONS: Dict[str, Tuple[Any, Tuple[Any, ...]]] = {
    "fhx_init": (None, (c_void_p, c_uint32)),
    "fhx_status_name": (c_char_p, (c_int32,)),
    "fhx_error_status": (c_int32, (c_void_p,)),
    "fhx_error_message": (c_char_p, (c_void_p,)),
    "fhx_error_retryable": (c_uint32, (c_void_p,)),
    "fhx_error_outcome": (c_char_p, (c_void_p,)),
    "fhx_error_free": (None, (c_void_p,)),
    "fhx_part_name": (c_char_p, (c_void_p,)),
    "fhx_part_kind": (c_uint32, (c_void_p,)),
    "fhx_part_flags": (c_uint32, (c_void_p,)),
    "fhx_part_resource_type": (c_char_p, (c_void_p,)),
    "fhx_part_resource_count": (c_uint64, (c_void_p,)),
    "fhx_part_byte_count": (c_uint64, (c_void_p,)),
    "fhx_part_encoding": (c_uint32, (c_void_p,)),
    "fhx_part_stored_byte_count": (c_uint64, (c_void_p,)),
    "fhx_part_crc32c": (c_uint32, (c_void_p,)),
    "fhx_part_sha256": (c_void_p, (c_void_p,)),
    "fhx_part_error_count": (c_uint64, (c_void_p,)),
    "fhx_part_warning_count": (c_uint64, (c_void_p,)),
    "fhx_part_task_index": (c_uint32, (c_void_p,)),
    "fhx_part_fence": (c_uint64, (c_void_p,)),
    "fhx_part_seq": (c_uint64, (c_void_p,)),
    "fhx_reply_patience_us": (c_int64, (c_void_p,)),
    "fhx_reply_done": (c_int32, (c_void_p,)),
    "fhx_reply_end": (c_int32, (c_void_p,)),
    "fhx_reply_wait": (c_int32, (c_void_p, c_int64)),
    "fhx_reply_fail": (c_int32, (c_void_p, c_int32, c_uint32, c_char_p)),
    "fhx_reply_handle": (c_int32, (c_void_p, c_void_p, c_uint32)),
    "fhx_reply_rows": (c_int32, (c_void_p, c_void_p, c_size_t, c_uint64, c_void_p, c_void_p, c_void_p, c_size_t)),
    "fhx_reply_item": (c_int32, (c_void_p, c_void_p, c_size_t)),
    "fhx_reply_time": (c_int32, (c_void_p, c_int64, c_int64)),
    "fhx_reply_estimate": (c_int32, (c_void_p, c_uint64, c_uint64)),
    "fhx_reply_object": (c_int32, (c_void_p, c_uint64, c_void_p)),
    "fhx_reply_file": (c_int32, (c_void_p, c_int32)),
    "fhx_destination_callbacks_init": (None, (c_void_p, c_uint32)),
    "fhx_destination_new": (c_int32, (c_void_p, c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_destination_free": (None, (c_void_p,)),
    "fhx_destination_stat": (c_int32, (c_void_p, c_char_p, POINTER(c_uint64), POINTER(c_void_p))),
    "fhx_destination_remove": (c_int32, (c_void_p, c_char_p, POINTER(c_void_p))),
    "fhx_directory_options_init": (None, (c_void_p, c_uint32)),
    "fhx_directory_destination_new": (c_int32, (c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_http_options_init": (None, (c_void_p, c_uint32)),
    "fhx_reply_token": (c_int32, (c_void_p, c_char_p, c_int64)),
    "fhx_azure_options_init": (None, (c_void_p, c_uint32)),
    "fhx_azure_destination_new": (c_int32, (c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_client_destinations_init": (None, (c_void_p, c_uint32)),
    "fhx_clock_init": (None, (c_void_p, c_uint32)),
    "fhx_filter_new": (c_int32, (POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_filter_add_type": (c_int32, (c_void_p, c_char_p, POINTER(c_void_p))),
    "fhx_filter_set_since": (c_int32, (c_void_p, c_char_p, POINTER(c_void_p))),
    "fhx_filter_set_until": (c_int32, (c_void_p, c_char_p, POINTER(c_void_p))),
    "fhx_filter_add_patient": (c_int32, (c_void_p, c_char_p, POINTER(c_void_p))),
    "fhx_filter_set_all_patients": (c_int32, (c_void_p, POINTER(c_void_p))),
    "fhx_filter_set_group": (c_int32, (c_void_p, c_char_p, POINTER(c_void_p))),
    "fhx_filter_list_patients": (c_int32, (c_void_p, c_void_p, c_size_t, fhx_patient_callback, c_void_p, POINTER(c_void_p))),
    "fhx_filter_set_fhir_version": (c_int32, (c_void_p, c_uint32, POINTER(c_void_p))),
    "fhx_filter_add_compartment_path": (c_int32, (c_void_p, c_char_p, POINTER(c_void_p))),
    "fhx_filter_set_base_url": (c_int32, (c_void_p, c_char_p, POINTER(c_void_p))),
    "fhx_filter_add_element": (c_int32, (c_void_p, c_char_p, POINTER(c_void_p))),
    "fhx_filter_add_query": (c_int32, (c_void_p, c_char_p, POINTER(c_void_p))),
    "fhx_filter_test": (c_int32, (c_void_p, c_void_p, c_size_t, POINTER(c_uint32), POINTER(c_void_p))),
    "fhx_filter_free": (None, (c_void_p,)),
    "fhx_query_resource_type": (c_char_p, (c_void_p,)),
    "fhx_query_wants_type": (c_uint32, (c_void_p, c_char_p)),
    "fhx_query_shard": (c_void_p, (c_void_p, POINTER(c_size_t))),
    "fhx_query_as_of_us": (c_int64, (c_void_p,)),
    "fhx_query_since_us": (c_int64, (c_void_p,)),
    "fhx_query_until_us": (c_int64, (c_void_p,)),
    "fhx_query_window_exact": (c_uint32, (c_void_p,)),
    "fhx_query_scope": (c_uint32, (c_void_p,)),
    "fhx_query_patient_count": (c_uint64, (c_void_p,)),
    "fhx_query_patients": (c_int32, (c_void_p, c_uint64, c_uint64, POINTER(c_char_p), POINTER(c_uint64), POINTER(c_void_p))),
    "fhx_query_is_patient": (c_int32, (c_void_p, c_char_p, POINTER(c_uint32), POINTER(c_void_p))),
    "fhx_query_search_count": (c_uint64, (c_void_p,)),
    "fhx_query_search": (c_char_p, (c_void_p, c_uint64)),
    "fhx_query_token": (c_void_p, (c_void_p, POINTER(c_size_t))),
    "fhx_query_tenant": (c_char_p, (c_void_p,)),
    "fhx_query_host_context": (c_void_p, (c_void_p, POINTER(c_size_t))),
    "fhx_source_callbacks_init": (None, (c_void_p, c_uint32)),
    "fhx_source_new": (c_int32, (c_void_p, c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_source_free": (None, (c_void_p,)),
    "fhx_folder_options_init": (None, (c_void_p, c_uint32)),
    "fhx_folder_source_new": (c_int32, (c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_sqlite_source_options_init": (None, (c_void_p, c_uint32)),
    "fhx_sqlite_source_new": (c_int32, (c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_postgres_source_options_init": (None, (c_void_p, c_uint32)),
    "fhx_postgres_source_new": (c_int32, (c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_job_record_init": (None, (c_void_p, c_uint32)),
    "fhx_task_record_init": (None, (c_void_p, c_uint32)),
    "fhx_part_record_init": (None, (c_void_p, c_uint32)),
    "fhx_attempt_record_init": (None, (c_void_p, c_uint32)),
    "fhx_reply_job": (c_int32, (c_void_p, c_void_p)),
    "fhx_reply_task": (c_int32, (c_void_p, c_void_p)),
    "fhx_reply_part": (c_int32, (c_void_p, c_void_p)),
    "fhx_reply_attempt": (c_int32, (c_void_p, c_void_p)),
    "fhx_plan_job_id": (c_char_p, (c_void_p,)),
    "fhx_plan_fence": (c_uint64, (c_void_p,)),
    "fhx_plan_task_count": (c_uint32, (c_void_p,)),
    "fhx_plan_task": (c_void_p, (c_void_p, c_uint32)),
    "fhx_plan_line_count": (c_uint32, (c_void_p,)),
    "fhx_plan_line": (c_void_p, (c_void_p, c_uint32, POINTER(c_size_t))),
    "fhx_members_job_id": (c_char_p, (c_void_p,)),
    "fhx_members_task_index": (c_uint32, (c_void_p,)),
    "fhx_members_fence": (c_uint64, (c_void_p,)),
    "fhx_members_list": (c_uint32, (c_void_p,)),
    "fhx_members_count": (c_uint32, (c_void_p,)),
    "fhx_members_text": (c_char_p, (c_void_p, c_uint32)),
    "fhx_checkpoint_job_id": (c_char_p, (c_void_p,)),
    "fhx_checkpoint_task_index": (c_uint32, (c_void_p,)),
    "fhx_checkpoint_fence": (c_uint64, (c_void_p,)),
    "fhx_checkpoint_seq": (c_uint64, (c_void_p,)),
    "fhx_checkpoint_next_seq": (c_uint64, (c_void_p,)),
    "fhx_checkpoint_done": (c_uint32, (c_void_p,)),
    "fhx_checkpoint_token": (c_void_p, (c_void_p, POINTER(c_size_t))),
    "fhx_checkpoint_last_id": (c_char_p, (c_void_p,)),
    "fhx_checkpoint_resource_count": (c_uint64, (c_void_p,)),
    "fhx_checkpoint_byte_count": (c_uint64, (c_void_p,)),
    "fhx_checkpoint_error_count": (c_uint64, (c_void_p,)),
    "fhx_checkpoint_part_count": (c_uint32, (c_void_p,)),
    "fhx_checkpoint_part": (c_void_p, (c_void_p, c_uint32)),
    "fhx_checkpoint_line_count": (c_uint32, (c_void_p,)),
    "fhx_checkpoint_line": (c_void_p, (c_void_p, c_uint32, POINTER(c_size_t))),
    "fhx_store_callbacks_init": (None, (c_void_p, c_uint32)),
    "fhx_store_new": (c_int32, (c_void_p, c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_store_free": (None, (c_void_p,)),
    "fhx_sqlite_store_options_init": (None, (c_void_p, c_uint32)),
    "fhx_sqlite_store_new": (c_int32, (c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_postgres_store_options_init": (None, (c_void_p, c_uint32)),
    "fhx_postgres_store_new": (c_int32, (c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_job_options_init": (None, (c_void_p, c_uint32)),
    "fhx_job_start": (c_int32, (c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_job_attach": (c_int32, (c_void_p, c_char_p, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_job_id": (c_char_p, (c_void_p,)),
    "fhx_job_run": (c_int32, (c_void_p, POINTER(c_void_p))),
    "fhx_job_run_task": (c_int32, (c_void_p, POINTER(c_void_p))),
    "fhx_job_cancel": (c_int32, (c_void_p, POINTER(c_void_p))),
    "fhx_job_park": (None, (c_void_p,)),
    "fhx_job_progress_new": (c_int32, (c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_progress_state": (c_uint32, (c_void_p,)),
    "fhx_progress_resource_count": (c_uint64, (c_void_p,)),
    "fhx_progress_byte_count": (c_uint64, (c_void_p,)),
    "fhx_progress_error_count": (c_uint64, (c_void_p,)),
    "fhx_progress_task_count": (c_uint64, (c_void_p,)),
    "fhx_progress_task_done_count": (c_uint64, (c_void_p,)),
    "fhx_progress_share": (c_double, (c_void_p,)),
    "fhx_progress_reason": (c_char_p, (c_void_p,)),
    "fhx_progress_free": (None, (c_void_p,)),
    "fhx_job_parts_new": (c_int32, (c_void_p, POINTER(c_uint64), c_uint32, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_part_page_count": (c_uint32, (c_void_p,)),
    "fhx_part_page_part": (c_void_p, (c_void_p, c_uint32)),
    "fhx_part_page_free": (None, (c_void_p,)),
    "fhx_job_free": (None, (c_void_p,)),
    "fhx_job_list_options_init": (None, (c_void_p, c_uint32)),
    "fhx_job_page_count": (c_uint32, (c_void_p,)),
    "fhx_job_page_after": (c_char_p, (c_void_p,)),
    "fhx_job_page_job": (c_void_p, (c_void_p, c_uint32)),
    "fhx_job_page_free": (None, (c_void_p,)),
    "fhx_job_summary_id": (c_char_p, (c_void_p,)),
    "fhx_job_summary_tenant": (c_char_p, (c_void_p,)),
    "fhx_job_summary_client": (c_char_p, (c_void_p,)),
    "fhx_job_summary_state": (c_uint32, (c_void_p,)),
    "fhx_job_summary_parameters": (c_char_p, (c_void_p,)),
    "fhx_job_summary_created_us": (c_int64, (c_void_p,)),
    "fhx_job_summary_ended_us": (c_int64, (c_void_p,)),
    "fhx_job_summary_expires_us": (c_int64, (c_void_p,)),
    "fhx_job_summary_transaction_time_us": (c_int64, (c_void_p,)),
    "fhx_job_summary_task_count": (c_uint64, (c_void_p,)),
    "fhx_job_summary_task_done_count": (c_uint64, (c_void_p,)),
    "fhx_job_summary_attempt_count": (c_uint64, (c_void_p,)),
    "fhx_job_summary_retry_count": (c_uint64, (c_void_p,)),
    "fhx_job_summary_is_waiting": (c_uint32, (c_void_p,)),
    "fhx_job_summary_share": (c_double, (c_void_p,)),
    "fhx_job_summary_resource_mark": (c_uint64, (c_void_p,)),
    "fhx_job_summary_part_count": (c_uint64, (c_void_p,)),
    "fhx_job_summary_resource_count": (c_uint64, (c_void_p,)),
    "fhx_job_summary_byte_count": (c_uint64, (c_void_p,)),
    "fhx_job_summary_error_count": (c_uint64, (c_void_p,)),
    "fhx_job_summary_reason_status": (c_int32, (c_void_p,)),
    "fhx_job_summary_reason": (c_char_p, (c_void_p,)),
    "fhx_log_event_name": (c_char_p, (c_void_p,)),
    "fhx_log_event_level": (c_uint32, (c_void_p,)),
    "fhx_log_event_is_audit": (c_uint32, (c_void_p,)),
    "fhx_log_event_time_us": (c_int64, (c_void_p,)),
    "fhx_log_event_message": (c_char_p, (c_void_p,)),
    "fhx_log_event_field_count": (c_uint32, (c_void_p,)),
    "fhx_log_event_field_name": (c_char_p, (c_void_p, c_uint32)),
    "fhx_log_event_field_text": (c_char_p, (c_void_p, c_uint32)),
    "fhx_log_event_field_number": (c_int64, (c_void_p, c_uint32)),
    "fhx_log_event_text": (c_char_p, (c_void_p, c_char_p)),
    "fhx_log_event_number": (c_int64, (c_void_p, c_char_p, c_int64)),
    "fhx_engine_options_init": (None, (c_void_p, c_uint32)),
    "fhx_engine_new": (c_int32, (c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_request_init": (None, (c_void_p, c_uint32)),
    "fhx_engine_handle": (c_int32, (c_void_p, c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_response_status": (c_uint32, (c_void_p,)),
    "fhx_response_header_count": (c_uint32, (c_void_p,)),
    "fhx_response_header_name": (c_char_p, (c_void_p, c_uint32)),
    "fhx_response_header_value": (c_char_p, (c_void_p, c_uint32)),
    "fhx_response_read": (c_int32, (c_void_p, c_void_p, c_size_t, POINTER(c_size_t), POINTER(c_void_p))),
    "fhx_response_file": (c_int32, (c_void_p, POINTER(c_int32), POINTER(c_uint64), POINTER(c_uint64), POINTER(c_void_p))),
    "fhx_response_sent": (None, (c_void_p, c_uint64)),
    "fhx_response_free": (None, (c_void_p,)),
    "fhx_engine_jobs": (c_int32, (c_void_p, c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_engine_run": (c_int32, (c_void_p, POINTER(c_void_p))),
    "fhx_engine_tick": (c_int32, (c_void_p, POINTER(c_void_p))),
    "fhx_engine_stop": (None, (c_void_p,)),
    "fhx_engine_free": (None, (c_void_p,)),
    "fhx_manifest_options_init": (None, (c_void_p, c_uint32)),
    "fhx_manifest_new": (c_int32, (c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_manifest_of_parts": (c_int32, (c_void_p, POINTER(c_void_p), c_uint64, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_manifest_read": (c_int32, (c_void_p, c_void_p, c_size_t, POINTER(c_size_t), POINTER(c_void_p))),
    "fhx_manifest_free": (None, (c_void_p,)),
    "fhx_allocator_init": (None, (c_void_p, c_uint32)),
    "fhx_set_allocator": (c_int32, (c_void_p, POINTER(c_void_p))),
    "fhx_engine_metrics_new": (c_int32, (c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_metrics_text": (c_char_p, (c_void_p, POINTER(c_size_t))),
    "fhx_metrics_media_type": (c_char_p, ()),
    "fhx_metrics_sample_count": (c_uint32, (c_void_p,)),
    "fhx_metrics_sample_name": (c_char_p, (c_void_p, c_uint32)),
    "fhx_metrics_sample_labels": (c_char_p, (c_void_p, c_uint32)),
    "fhx_metrics_sample_value": (c_double, (c_void_p, c_uint32)),
    "fhx_metrics_free": (None, (c_void_p,)),
    "fhx_publication_options_init": (None, (c_void_p, c_uint32)),
    "fhx_publication_open": (c_int32, (c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_publication_snapshot": (c_int32, (c_void_p, c_void_p, c_uint32, POINTER(c_void_p))),
    "fhx_publication_update": (c_int32, (c_void_p, c_void_p, POINTER(c_void_p))),
    "fhx_publication_time": (c_char_p, (c_void_p,)),
    "fhx_publication_update_count": (c_uint64, (c_void_p,)),
    "fhx_publication_has_chain": (c_uint32, (c_void_p,)),
    "fhx_publication_remove_old": (c_int32, (c_void_p, POINTER(c_uint64), POINTER(c_void_p))),
    "fhx_publication_free": (None, (c_void_p,)),
    "fhx_published_handle": (c_int32, (c_void_p, c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_s3_credentials_init": (None, (c_void_p, c_uint32)),
    "fhx_reply_s3_credentials": (c_int32, (c_void_p, c_void_p)),
    "fhx_s3_options_init": (None, (c_void_p, c_uint32)),
    "fhx_s3_destination_new": (c_int32, (c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_version": (c_char_p, ()),
    "fhx_version_number": (c_uint32, ()),
    "fhx_writer_options_init": (None, (c_void_p, c_uint32)),
    "fhx_writer_new": (c_int32, (c_void_p, c_void_p, POINTER(c_void_p), POINTER(c_void_p))),
    "fhx_writer_append": (c_int32, (c_void_p, c_void_p, c_size_t, POINTER(c_void_p))),
    "fhx_writer_finish": (c_int32, (c_void_p, POINTER(c_void_p))),
    "fhx_writer_part_count": (c_uint64, (c_void_p,)),
    "fhx_writer_part": (c_void_p, (c_void_p, c_uint64)),
    "fhx_writer_free": (None, (c_void_p,)),
}
