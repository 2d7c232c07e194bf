/* The destinations of clients that are open in this process, and the secrets that the host keeps.
 */
#include "protocol/clients.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/encode.h"
#include "core/host_clock.h"
#include "core/structs.h"
#include "destination/destination.h"

/* A hold is renewed so often within its time. */
#define RENEWALS 4

typedef struct client_job {
  char job_id[FHX__JOB_ID_LEN + 1];
  fhx_destination *destination;
  bool is_stored;
  /* Before that time it has no task to give. */
  int64_t rests_until_us;
  struct client_job *next;
} client_job;

struct fhx__clients {
  fhx__client_settings settings;
  /* The callbacks and user_data; nothing else of it is used. */
  fhx_client_destinations host;
  fhx_store *store;
  int64_t hold_us;
  fhx_clock clock;
  pthread_mutex_t mutex;
  /* Under the mutex. The first that does not rest is the next to be worked on. */
  client_job *jobs;
  int64_t renewed_us;
};

static bool keeps_secrets(const fhx__clients *clients) {
  return clients->host.secret_put != NULL;
}

/* --- making and freeing --- */

static int32_t check_secrets(const fhx_client_destinations *given, fhx_error **error) {
  bool has_put = given->secret_put != NULL;
  if (has_put == (given->secret_get != NULL) && has_put == (given->secret_delete != NULL)) {
    return FHX_OK;
  }
  return fhx__fail(error, FHX_ERR_ARGUMENT,
                   "client_destinations has all of secret_put, secret_get and secret_delete, or "
                   "none");
}

static int32_t make(const fhx_client_destinations *given, fhx__clients **made, fhx_error **error) {
  int32_t status = check_secrets(given, error);
  if (status != FHX_OK) return status;
  fhx__clients *clients = fhx__alloc_zeroed(1, sizeof *clients);
  if (clients == NULL) return fhx__no_memory(error);
  status = fhx__client_settings_init(&clients->settings, given, error);
  if (status == FHX_OK && pthread_mutex_init(&clients->mutex, NULL) != 0) {
    status = fhx__no_memory(error);
  }
  if (status != FHX_OK) {
    fhx__client_settings_free(&clients->settings);
    fhx__free(clients);
    return status;
  }
  clients->host = *given;
  *made = clients;
  return FHX_OK;
}

int32_t fhx__clients_new(const fhx_client_destinations *given, fhx__clients **clients,
                         fhx_error **error) {
  fhx_client_destinations copy;
  *clients = NULL;
  if (given == NULL) return FHX_OK;
  int32_t status = fhx__struct_in(&copy, sizeof copy, given, "fhx_client_destinations", error);
  if (status != FHX_OK) return status;
  status = make(&copy, clients, error);
  if (status != FHX_OK && copy.destroy != NULL) copy.destroy(copy.user_data);
  return status;
}

int32_t fhx__clients_use_store(fhx__clients *clients, fhx_store *store, int64_t hold_us,
                               const fhx_clock *clock, fhx_error **error) {
  if (!keeps_secrets(clients) && !fhx__store_has_holds(store)) {
    return fhx__fail(error, FHX_ERR_ARGUMENT,
                     "client_destinations needs secret_put, secret_get and secret_delete with a "
                     "store that has no hold_job");
  }
  clients->store = fhx__store_ref(store);
  clients->hold_us = hold_us;
  clients->clock = *clock;
  return FHX_OK;
}

void fhx__clients_free(fhx__clients *clients) {
  if (clients == NULL) return;
  int32_t status = FHX_OK;
  while (clients->jobs != NULL) {
    client_job *at = clients->jobs;
    clients->jobs = at->next;
    /* Whoever looks next at such a job fails it at once, and its client need not wait. A store that
       cannot be had now is not asked again: holds lapse. */
    if (!keeps_secrets(clients) &&
        (status == FHX_OK || status == FHX_ERR_REFUSED || status == FHX_ERR_NOT_FOUND)) {
      status = fhx__store_hold_job(clients->store, at->job_id, 0, NULL);
    }
    fhx_destination_free(at->destination);
    fhx__free(at);
  }
  if (clients->host.destroy != NULL) clients->host.destroy(clients->host.user_data);
  fhx_store_free(clients->store);
  fhx__client_settings_free(&clients->settings);
  pthread_mutex_destroy(&clients->mutex);
  fhx__free(clients);
}

const fhx__client_settings *fhx__clients_settings(const fhx__clients *clients) {
  return &clients->settings;
}

int64_t fhx__clients_hold_us(const fhx__clients *clients) {
  return keeps_secrets(clients) ? 0 : clients->hold_us;
}

/* --- the list --- */

/* Under the mutex. */
static client_job **place_of(fhx__clients *clients, const char *job_id) {
  client_job **at = &clients->jobs;
  while (*at != NULL && strcmp((*at)->job_id, job_id) != 0) at = &(*at)->next;
  return at;
}

static fhx_destination *known(fhx__clients *clients, const char *job_id) {
  fhx_destination *found = NULL;
  pthread_mutex_lock(&clients->mutex);
  client_job *at = *place_of(clients, job_id);
  if (at != NULL) found = fhx__destination_ref(at->destination);
  pthread_mutex_unlock(&clients->mutex);
  return found;
}

static int32_t insert(fhx__clients *clients, const char *job_id, fhx_destination *destination,
                      bool is_stored, fhx_error **error) {
  client_job *made = fhx__alloc_zeroed(1, sizeof *made);
  if (made == NULL) return fhx__no_memory(error);
  memcpy(made->job_id, job_id, FHX__JOB_ID_LEN);
  pthread_mutex_lock(&clients->mutex);
  client_job **end = place_of(clients, job_id);
  /* Another thread may have asked for the same secret meanwhile. */
  if (*end == NULL) {
    made->destination = fhx__destination_ref(destination);
    made->is_stored = is_stored;
    *end = made;
    made = NULL;
  }
  pthread_mutex_unlock(&clients->mutex);
  fhx__free(made);
  return FHX_OK;
}

static void drop(fhx__clients *clients, const char *job_id) {
  pthread_mutex_lock(&clients->mutex);
  client_job **at = place_of(clients, job_id);
  client_job *found = *at;
  if (found != NULL) *at = found->next;
  pthread_mutex_unlock(&clients->mutex);
  if (found == NULL) return;
  fhx_destination_free(found->destination);
  fhx__free(found);
}

/* Under the mutex: takes it out, to be put at the end. */
static client_job *take_awake(fhx__clients *clients, int64_t now_us) {
  client_job **at = &clients->jobs;
  while (*at != NULL && (*at)->rests_until_us > now_us) at = &(*at)->next;
  client_job *found = *at;
  if (found != NULL) *at = found->next;
  return found;
}

bool fhx__clients_next_held(fhx__clients *clients, char job_id[FHX__JOB_ID_LEN + 1]) {
  if (clients == NULL || keeps_secrets(clients)) return false;
  int64_t now_us = fhx__host_monotonic_us(&clients->clock);
  pthread_mutex_lock(&clients->mutex);
  client_job *found = take_awake(clients, now_us);
  if (found != NULL) {
    client_job **end = &clients->jobs;
    while (*end != NULL) end = &(*end)->next;
    memcpy(job_id, found->job_id, FHX__JOB_ID_LEN + 1);
    found->next = NULL;
    *end = found;
  }
  pthread_mutex_unlock(&clients->mutex);
  return found != NULL;
}

void fhx__clients_rest(fhx__clients *clients, const char *job_id, int64_t wait_us) {
  if (clients == NULL) return;
  int64_t until_us = wait_us == 0 ? 0 : fhx__host_monotonic_us(&clients->clock) + wait_us;
  pthread_mutex_lock(&clients->mutex);
  client_job *at = *place_of(clients, job_id);
  if (at != NULL) at->rests_until_us = until_us;
  pthread_mutex_unlock(&clients->mutex);
}

/* --- secrets that the host keeps: the container, a line feed, the connection string --- */

static int32_t put_secret(fhx__clients *clients, const char *job_id, const char *container,
                          const char *connection_string, int64_t until_us, fhx_error **error) {
  size_t container_len = strlen(container), len = strlen(connection_string);
  fhx__buffer secret = {NULL, 0, 0};
  int32_t status = fhx__buffer_reserve(&secret, container_len + len + 1);
  if (status == FHX_OK) status = fhx__buffer_append(&secret, container, container_len);
  if (status == FHX_OK) status = fhx__buffer_append(&secret, "\n", 1);
  if (status == FHX_OK) status = fhx__buffer_append(&secret, connection_string, len);
  if (status == FHX_OK) {
    fhx_reply reply;
    fhx__reply_begin(&reply, FHX__ACCEPT_DONE, "it");
    reply.retryable = 1;
    reply.until_us = until_us;
    clients->host.secret_put(clients->host.user_data, job_id, secret.data, secret.len, &reply);
    status = fhx__reply_status(&reply, "secret_put of client_destinations", error);
    fhx__reply_end(&reply);
  } else {
    status = fhx__no_memory(error);
  }
  fhx__wipe_buffer(&secret);
  return status;
}

static void delete_secret(fhx__clients *clients, const char *job_id) {
  fhx_reply reply;
  fhx__reply_begin(&reply, FHX__ACCEPT_DONE, "it");
  clients->host.secret_delete(clients->host.user_data, job_id, &reply);
  fhx__reply_end(&reply);
}

static int32_t open_secret(fhx__clients *clients, const fhx_reply *reply,
                           fhx_destination **destination, fhx_error **error) {
  size_t len = 0;
  char container[FHX__JOB_ID_LEN * 4];
  fhx__buffer text = {NULL, 0, 0};
  const char *secret = fhx__reply_item_count(reply) == 1 ? fhx__reply_item_at(reply, 0, &len) : "";
  const char *line = memchr(secret, '\n', len);
  size_t container_len = line == NULL ? sizeof container : (size_t)(line - secret);
  if (container_len >= sizeof container) {
    return fhx__fail(error, FHX_ERR_DENIED,
                     "secret_get of client_destinations gave something else than was put there");
  }
  memcpy(container, secret, container_len);
  container[container_len] = '\0';
  size_t left = len - container_len - 1;
  int32_t status = fhx__buffer_reserve(&text, left + 1);
  if (status == FHX_OK) status = fhx__buffer_append(&text, line + 1, left);
  if (status == FHX_OK) status = fhx__buffer_terminate(&text);
  status = status == FHX_OK ? fhx__client_destination_open(&clients->settings, container, text.data,
                                                           destination, error)
                            : fhx__no_memory(error);
  fhx__wipe_buffer(&text);
  return status;
}

static int32_t get_secret(fhx__clients *clients, const char *job_id, fhx_destination **destination,
                          fhx_error **error) {
  fhx_reply reply;
  fhx__reply_begin(&reply, FHX__ACCEPT_ITEMS | FHX__ACCEPT_DONE, "it");
  reply.retryable = 1;
  clients->host.secret_get(clients->host.user_data, job_id, &reply);
  int32_t status = fhx__reply_status(&reply, "secret_get of client_destinations", error);
  if (status == FHX_OK) status = open_secret(clients, &reply, destination, error);
  fhx__wipe_buffer(&reply.items);
  fhx__reply_end(&reply);
  return status;
}

/* --- jobs --- */

int32_t fhx__clients_add(fhx__clients *clients, const char *job_id, const char *container,
                         const char *connection_string, fhx_destination *destination,
                         int64_t until_us, fhx_error **error) {
  int32_t status = insert(clients, job_id, destination, false, error);
  if (status != FHX_OK || !keeps_secrets(clients)) return status;
  status = put_secret(clients, job_id, container, connection_string, until_us, NULL);
  if (status == FHX_OK) return FHX_OK;
  /* It may be there although the answer was lost. */
  delete_secret(clients, job_id);
  drop(clients, job_id);
  if (status == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  /* Whatever the host has said, it is no mistake of the client's. */
  return fhx__fail_with(error, FHX_ERR_DESTINATION, 1,
                        "the credentials of the client's destination could not be kept");
}

void fhx__clients_set_stored(fhx__clients *clients, const char *job_id) {
  pthread_mutex_lock(&clients->mutex);
  client_job *at = *place_of(clients, job_id);
  if (at != NULL) at->is_stored = true;
  pthread_mutex_unlock(&clients->mutex);
}

void fhx__clients_remove(fhx__clients *clients, const char *job_id) {
  if (clients == NULL) return;
  if (keeps_secrets(clients)) {
    delete_secret(clients, job_id);
  } else {
    fhx__store_hold_job(clients->store, job_id, 0, NULL);
  }
  drop(clients, job_id);
}

int32_t fhx__clients_find(fhx__clients *clients, const char *job_id, fhx_destination **destination,
                          fhx_error **error) {
  fhx_error *fault = NULL;
  int32_t status = FHX_ERR_NOT_FOUND;
  *destination = clients == NULL ? NULL : known(clients, job_id);
  if (*destination != NULL) return FHX_OK;
  if (clients != NULL && keeps_secrets(clients)) {
    status = get_secret(clients, job_id, destination, &fault);
    /* Without memory for it, it is asked for again the next time. */
    if (status == FHX_OK) insert(clients, job_id, *destination, true, NULL);
    if (status == FHX_OK) return FHX_OK;
  }
  bool may_pass = status != FHX_ERR_NOT_FOUND && fhx_error_retryable(fault) != 0;
  fhx_error_free(fault);
  if (status == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  if (may_pass) {
    return fhx__fail_with(error, FHX_ERR_DESTINATION, 1,
                          "the credentials of the client's destination cannot be had at present");
  }
  return fhx__fail(error, FHX_ERR_DENIED,
                   "the credentials of the client's destination were lost with the process that "
                   "held them; start the export again");
}

/* --- over the time --- */

/* Whether nothing of the job will ever be written or removed again. */
static bool is_over(fhx__clients *clients, const char *job_id) {
  fhx__job_entry entry;
  memset(&entry, 0, sizeof entry);
  int32_t status = fhx__store_read_job(clients->store, job_id, &entry, NULL);
  const uint32_t state = entry.record.state;
  const bool is_clean = entry.record.cleanup_due == 0;
  fhx__job_entry_free(&entry);
  if (status != FHX_OK) return status == FHX_ERR_NOT_FOUND;
  return state != FHX_JOB_RUNNING && is_clean;
}

static void renew(fhx__clients *clients, const char *job_id) {
  int32_t status = FHX_ERR_REFUSED;
  if (!keeps_secrets(clients)) {
    status = fhx__store_hold_job(clients->store, job_id, clients->hold_us, NULL);
  }
  bool may_be_over = status == FHX_ERR_REFUSED || status == FHX_ERR_NOT_FOUND;
  if (may_be_over && is_over(clients, job_id)) fhx__clients_remove(clients, job_id);
}

static bool is_due(fhx__clients *clients) {
  int64_t now_us = fhx__host_monotonic_us(&clients->clock);
  pthread_mutex_lock(&clients->mutex);
  bool due = clients->jobs != NULL && now_us - clients->renewed_us >= clients->hold_us / RENEWALS;
  if (due) clients->renewed_us = now_us;
  pthread_mutex_unlock(&clients->mutex);
  return due;
}

/* Those that there is no memory for come the next time. */
static void list_ids(fhx__clients *clients, fhx__buffer *ids) {
  int32_t status = FHX_OK;
  pthread_mutex_lock(&clients->mutex);
  for (const client_job *at = clients->jobs; status == FHX_OK && at != NULL; at = at->next) {
    if (at->is_stored) status = fhx__buffer_append(ids, at->job_id, sizeof at->job_id);
  }
  pthread_mutex_unlock(&clients->mutex);
}

void fhx__clients_renew(fhx__clients *clients) {
  fhx__buffer ids = {NULL, 0, 0};
  if (clients == NULL || !is_due(clients)) return;
  list_ids(clients, &ids);
  for (size_t at = 0; at < ids.len; at += FHX__JOB_ID_LEN + 1) renew(clients, ids.data + at);
  fhx__buffer_free(&ids);
}
