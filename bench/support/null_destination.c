#include "support/null_destination.h"

#include <string.h>

static void open_part(void *user_data, const char *name, fhx_reply *reply) {
  (void)user_data;
  (void)name;
  fhx_reply_handle(reply, NULL, 0);
}

static void write_part(void *user_data, void *upload, const void *data, size_t len,
                       fhx_reply *reply) {
  (void)user_data;
  (void)upload;
  (void)data;
  (void)len;
  fhx_reply_done(reply);
}

static void commit_part(void *user_data, void *upload, const fhx_part *part, fhx_reply *reply) {
  (void)user_data;
  (void)upload;
  (void)part;
  fhx_reply_done(reply);
}

static void abort_part(void *user_data, void *upload) {
  (void)user_data;
  (void)upload;
}

static void part_url(void *user_data, const fhx_part *part, int64_t expires_us, fhx_reply *reply) {
  static const char url[] = "file:///dev/null";
  (void)user_data;
  (void)part;
  (void)expires_us;
  fhx_reply_item(reply, url, strlen(url));
  fhx_reply_done(reply);
}

static void remove_part(void *user_data, const char *name, fhx_reply *reply) {
  (void)user_data;
  (void)name;
  fhx_reply_done(reply);
}

static void part_file(void *user_data, const char *name, fhx_reply *reply) {
  (void)user_data;
  (void)name;
  fhx_reply_fail(reply, FHX_ERR_NOT_FOUND, 0, "nothing is kept");
}

int32_t null_destination_new(fhx_destination **destination, fhx_error **error) {
  fhx_destination_callbacks callbacks;
  FHX_INIT(&callbacks);
  callbacks.part_open = open_part;
  callbacks.part_write = write_part;
  callbacks.part_commit = commit_part;
  callbacks.part_abort = abort_part;
  callbacks.part_url = part_url;
  callbacks.part_remove = remove_part;
  callbacks.part_file = part_file;
  return fhx_destination_new(&callbacks, NULL, destination, error);
}
