/**
 * @file What is used of libfhirexport's headers, over koffi: structures, callbacks, functions.
 *
 * tests/stores/works.py compares the structures with the headers.
 */
'use strict';

const { promisify } = require('util');
const koffi = require('koffi');

const OK = 0;
const END = 1;
const ERR_NOT_FOUND = -7;
const ERR_SOURCE = -14;
const APPLIED_TYPE = 1;

for (const name of ['error', 'reply', 'query', 'source', 'destination', 'store', 'engine', 'response', 'job_page',
  'job_summary']) {
  koffi.opaque(`fhx_${name}`);
}

// The user data is not used, and cursors are numbers of our own.
const CALLBACKS = {
  open_cursor: 'void open_cursor(void *user, fhx_query *query, fhx_reply *reply)',
  next_rows: 'void next_rows(void *user, uintptr_t cursor, uint64_t want, fhx_reply *reply)',
  close_cursor: 'void close_cursor(void *user, uintptr_t cursor)',
  list_shards: 'void list_shards(void *user, fhx_query *query, uint32_t most, fhx_reply *reply)',
  read_resource: 'void read_resource(void *user, fhx_query *query, const char *reference, fhx_reply *reply)',
  list_types: 'void list_types(void *user, fhx_reply *reply)',
  count_estimate: 'void count_estimate(void *user, fhx_query *query, fhx_reply *reply)',
};

const KINDS = {
  pointer: 'void *', text: 'const char *', texts: 'const char **', u32: 'uint32_t', u64: 'uint64_t', i64: 'int64_t',
};

// Members of no kind are pointers.
const STRUCTURES = {
  fhx_source_callbacks: `size:u32 reserved:u32 open_cursor next_rows close_cursor list_shards read_resource
    group_members list_types count_estimate snapshot_ready read_clock open_deleted open_patient destroy`,
  fhx_http_options: `size:u32 flags:u32 ca_file:text proxy:text connect_us:i64 stall_us:i64 request_us:i64
    retry_us:i64 retries_max:u32 connections_max:u32 allowed_hosts:texts allowed_host_count:u64`,
  fhx_s3_options: `size:u32 flags:u32 bucket:text prefix:text region:text endpoint:text access_key_id:text
    secret_access_key:text session_token:text profile:text credentials user_data destroy storage_class:text
    encryption:text kms_key_id:text tags:text piece_bytes:u64 pieces_in_flight:u32 reserved:u32 http`,
  fhx_sqlite_store_options: 'size:u32 reserved:u32 path:text clock clock_user_data',
  fhx_postgres_store_options: `size:u32 flags:u32 conninfo:text schema:text connections_max:u32 reserved:u32 clock
    clock_user_data`,
  fhx_engine_options: `size:u32 flags:u32 source destination store base_url:text url_keys url_key_lens
    url_key_count:u64 part_bytes:u64 part_count:u64 resource_bytes_max:u64 lease_us:i64 settle_us:i64 stall_us:i64
    keep_us:i64 link_us:i64 target_bytes_max:u64 body_bytes_max:u64 attempts_max:u32 shards_max:u32 depth_max:u32
    job_flags:u32 workers:u32 helpers:u32 jobs_max:u32 jobs_per_client_max:u32 fhir_version:u32 polls_max:u32
    group_depth_max:u32 reserved:u32 group_members_max:u64 associated_types:text compartment_paths:texts
    compartment_path_count:u64 part_bytes_min:u64 bad_rows_limit:u64 bad_rows_permille_limit:u32 reserved_2:u32
    resource_hook attachment_hook hook_data associated_values:text worker_bytes:u64 client_destinations clock log
    log_user_data`,
  fhx_request: `size:u32 reserved:u32 method:text target:text headers:texts header_count:u64 body body_len:u64
    base_url:text tenant:text client:text permitted_types:text host_context host_context_len:u64`,
  fhx_job_list_options: 'size:u32 states:u32 tenant:text client:text after:text limit:u32 reserved:u32',
};

const FUNCTIONS = [
  'int32_t source_new(fhx_source_callbacks *callbacks, void *user, _Out_ fhx_source **made, _Out_ fhx_error **error)',
  'void source_free(fhx_source *source)',
  'int32_t s3_destination_new(fhx_s3_options *options, _Out_ fhx_destination **made, _Out_ fhx_error **error)',
  'void destination_free(fhx_destination *destination)',
  'int32_t sqlite_store_new(fhx_sqlite_store_options *options, _Out_ fhx_store **made, _Out_ fhx_error **error)',
  'int32_t postgres_store_new(fhx_postgres_store_options *options, _Out_ fhx_store **made, _Out_ fhx_error **error)',
  'void store_free(fhx_store *store)',
  'int32_t engine_new(fhx_engine_options *options, _Out_ fhx_engine **made, _Out_ fhx_error **error)',
  'int32_t engine_handle(fhx_engine *engine, fhx_request *request, _Out_ fhx_response **made, _Out_ fhx_error **error)',
  'int32_t engine_jobs(fhx_engine *engine, fhx_job_list_options *options, _Out_ fhx_job_page **made,' +
    ' _Out_ fhx_error **error)',
  'void engine_free(fhx_engine *engine)',
  'uint32_t response_status(fhx_response *response)',
  'const char *response_header_name(fhx_response *response, uint32_t position)',
  'const char *response_header_value(fhx_response *response, uint32_t position)',
  'int32_t response_read(fhx_response *response, void *data, size_t capacity, _Out_ size_t *len,' +
    ' _Out_ fhx_error **error)',
  'void response_free(fhx_response *response)',
  'uint32_t job_page_count(fhx_job_page *page)',
  'const char *job_page_after(fhx_job_page *page)',
  'fhx_job_summary *job_page_job(fhx_job_page *page, uint32_t position)',
  'void job_page_free(fhx_job_page *page)',
  'const char *job_summary_id(fhx_job_summary *job)',
  'const char *job_summary_client(fhx_job_summary *job)',
  'const char *error_message(fhx_error *error)',
  'void error_free(fhx_error *error)',
  'const char *query_resource_type(fhx_query *query)',
  'void *query_shard(fhx_query *query, _Out_ size_t *len)',
  'void *query_token(fhx_query *query, _Out_ size_t *len)',
  'void *query_host_context(fhx_query *query, _Out_ size_t *len)',
  'int64_t query_as_of_us(fhx_query *query)',
  'const char *query_tenant(fhx_query *query)',
  'int64_t reply_patience_us(fhx_reply *reply)',
  'int32_t reply_done(fhx_reply *reply)',
  'int32_t reply_end(fhx_reply *reply)',
  'int32_t reply_wait(fhx_reply *reply, int64_t after_us)',
  'int32_t reply_fail(fhx_reply *reply, int32_t status, uint32_t retryable, const char *message)',
  'int32_t reply_handle(fhx_reply *reply, uintptr_t handle, uint32_t applied)',
  'int32_t reply_rows(fhx_reply *reply, void *data, size_t len, uint64_t count, void *ends, void *updated,' +
    ' void *token, size_t token_len)',
  'int32_t reply_item(fhx_reply *reply, void *data, size_t len)',
  'int32_t reply_estimate(fhx_reply *reply, uint64_t count, uint64_t bytes)',
];

const structures = {};
for (const [name, members] of Object.entries(STRUCTURES)) {
  const fields = {};
  for (const member of members.split(/\s+/)) {
    const [field, kind = 'pointer'] = member.split(':');
    fields[field] = KINDS[kind];
  }
  structures[name] = koffi.struct(name, fields);
}

const prototypes = {};
for (const [name, prototype] of Object.entries(CALLBACKS)) {
  prototypes[name] = koffi.pointer(koffi.proto(prototype.replace(`${name}(`, `fhx_${name}_callback(`)));
}

/** A structure's members with its size; what is undefined or null is left 0. */
function sized(name, members) {
  const given = Object.entries(members).filter(([, value]) => value !== undefined && value !== null);
  return { size: koffi.sizeof(structures[name]), ...Object.fromEntries(given) };
}

class Library {
  /** @param {string} path - where the shared library is, or its name for the loader */
  constructor(path) {
    const library = koffi.load(path);
    for (const prototype of FUNCTIONS) {
      const [, name] = /(\w+)\(/.exec(prototype);
      this[name] = library.func(prototype.replace(`${name}(`, `fhx_${name}(`));
    }
  }

  /** Throws the error that a call has stored in `place`, and frees it. */
  fail(place) {
    const message = this.error_message(place[0]);
    this.error_free(place[0]);
    throw new Error(message);
  }

  /** What a `..._new(options, made, error)` makes. */
  make(name, ...values) {
    const made = [null];
    const error = [null];
    if (this[name](...values, made, error) !== OK) this.fail(error);
    return made[0];
  }

  /** The same on a thread of Node's pool, for calls that may wait. */
  async makeAside(name, ...values) {
    const made = [null];
    const error = [null];
    if (await this.aside(name, ...values, made, error) !== OK) this.fail(error);
    return made[0];
  }

  aside(name, ...values) {
    return promisify(this[name].async)(...values);
  }

  /** The bytes that a function of (object, length) gives, as text; null: none. */
  textOf(name, object) {
    const len = [0];
    const data = this[name](object, len);
    return data === null ? null : Buffer.from(koffi.view(data, Number(len[0]))).toString();
  }
}

module.exports = {
  koffi, structures, prototypes, sized, Library, OK, END, ERR_NOT_FOUND, ERR_SOURCE, APPLIED_TYPE,
};
