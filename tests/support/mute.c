/* Never answers. */
#include "support/mute.h"

static void open_any(void *user_data, const fhx_query *query, fhx_reply *reply) {
  (void)user_data, (void)query, (void)reply;
}
static void next_any(void *user_data, void *cursor, uint64_t want_bytes, fhx_reply *reply) {
  (void)user_data, (void)cursor, (void)want_bytes, (void)reply;
}
static void close_any(void *user_data, void *any) {
  (void)user_data, (void)any;
}
static void name_any(void *user_data, const char *name, fhx_reply *reply) {
  (void)user_data, (void)name, (void)reply;
}
static void write_any(void *user_data, void *upload, const void *bytes, size_t len,
                      fhx_reply *reply) {
  (void)user_data, (void)upload, (void)bytes, (void)len, (void)reply;
}
static void commit_any(void *user_data, void *upload, const fhx_part *part, fhx_reply *reply) {
  (void)user_data, (void)upload, (void)part, (void)reply;
}
static void url_any(void *user_data, const fhx_part *part, int64_t expires_us, fhx_reply *reply) {
  (void)user_data, (void)part, (void)expires_us, (void)reply;
}

void test_mute_source(fhx_source_callbacks *callbacks) {
  callbacks->open_cursor = open_any;
  callbacks->next_rows = next_any;
  callbacks->close_cursor = close_any;
}

void test_mute_destination(fhx_destination_callbacks *callbacks) {
  callbacks->part_open = name_any;
  callbacks->part_write = write_any;
  callbacks->part_commit = commit_any;
  callbacks->part_abort = close_any;
  callbacks->part_url = url_any;
  callbacks->part_remove = name_any;
}
