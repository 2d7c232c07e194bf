/* The connections to one PostgreSQL database. */
#include "postgres/pool.h"

#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/condition.h"
#include "core/encode.h"

static void close_link(fhx__libpq_link *link) {
  PQfinish(link->connection);
  fhx__free(link);
}

int32_t fhx__libpq_pool_init(fhx__libpq_pool *pool, const char *conninfo, uint32_t links_max) {
  memset(pool, 0, sizeof *pool);
  pool->links_max = links_max;
  pool->conninfo = fhx__copy_text(conninfo);
  if (pool->conninfo == NULL) return FHX_ERR_NO_MEMORY;
  pool->conninfo_len = strlen(conninfo);
  if (pthread_mutex_init(&pool->lock, NULL) == 0) {
    if (fhx__condition_init(&pool->returned) == 0) return FHX_OK;
    pthread_mutex_destroy(&pool->lock);
  }
  fhx__wipe_text(pool->conninfo);
  return FHX_ERR_IO;
}

void fhx__libpq_pool_end(fhx__libpq_pool *pool) {
  fhx__libpq_pool_close_idle(pool);
  pthread_cond_destroy(&pool->returned);
  pthread_mutex_destroy(&pool->lock);
  fhx__wipe_text(pool->conninfo);
}

/* An idle connection, or leave to make one (*link stays NULL); false when the time is over. */
static bool wait_for_room(fhx__libpq_pool *pool, int64_t patient_until_us, fhx__libpq_link **link) {
  bool has_room = true;
  *link = NULL;
  pthread_mutex_lock(&pool->lock);
  while (pool->idle == NULL && pool->link_count >= pool->links_max && has_room) {
    const int64_t left_us = patient_until_us - fhx__clock_monotonic_us();
    has_room = left_us > 0;
    if (has_room) fhx__condition_wait(&pool->returned, &pool->lock, left_us);
  }
  if (has_room && pool->idle != NULL) {
    *link = pool->idle;
    pool->idle = (*link)->next;
  } else if (has_room) {
    pool->link_count++;
  }
  pthread_mutex_unlock(&pool->lock);
  return has_room;
}

static void give_room(fhx__libpq_pool *pool, fhx__libpq_link *usable) {
  pthread_mutex_lock(&pool->lock);
  if (usable != NULL) {
    usable->next = pool->idle;
    pool->idle = usable;
  } else {
    pool->link_count--;
  }
  pthread_cond_signal(&pool->returned);
  pthread_mutex_unlock(&pool->lock);
}

fhx__libpq_taken fhx__libpq_pool_take(fhx__libpq_pool *pool, int64_t patient_until_us,
                                      int64_t until_us, fhx__libpq_link **link,
                                      char sqlstate[FHX__SQLSTATE_LEN + 1]) {
  *sqlstate = '\0';
  if (!wait_for_room(pool, patient_until_us, link)) return FHX__LIBPQ_CROWDED;
  if (*link != NULL) return FHX__LIBPQ_IDLE;
  fhx__libpq_link *made = fhx__alloc_zeroed(1, sizeof *made);
  fhx__libpq_made how = FHX__LIBPQ_NO_MEMORY;
  if (made != NULL) how = fhx__libpq_connect(pool->conninfo, until_us, &made->connection, sqlstate);
  if (how == FHX__LIBPQ_MADE) {
    *link = made;
    return FHX__LIBPQ_NEW;
  }
  if (made != NULL) close_link(made);
  give_room(pool, NULL);
  return how == FHX__LIBPQ_NO_MEMORY ? FHX__LIBPQ_OUT_OF_MEMORY : FHX__LIBPQ_UNCONNECTED;
}

void fhx__libpq_pool_return(fhx__libpq_pool *pool, fhx__libpq_link *link, bool is_usable) {
  if (!is_usable) {
    close_link(link);
    link = NULL;
  }
  give_room(pool, link);
}

void fhx__libpq_pool_close_idle(fhx__libpq_pool *pool) {
  pthread_mutex_lock(&pool->lock);
  fhx__libpq_link *next = pool->idle;
  pool->idle = NULL;
  for (const fhx__libpq_link *link = next; link != NULL; link = link->next) pool->link_count--;
  pthread_cond_broadcast(&pool->returned);
  pthread_mutex_unlock(&pool->lock);
  while (next != NULL) {
    fhx__libpq_link *link = next;
    next = link->next;
    close_link(link);
  }
}
