/* Connections to one PostgreSQL database: made where none is idle, up to a number. */
#ifndef FHX__POSTGRES_POOL_H
#define FHX__POSTGRES_POOL_H

#include <pthread.h>

#include "postgres/connection.h"

/* How many statements a connection can have prepared. */
#define FHX__LIBPQ_PREPARED_MAX 96

/* One connection; what is prepared on it its user says. */
typedef struct fhx__libpq_link {
  PGconn *connection;
  struct fhx__libpq_link *next;
  bool prepared[FHX__LIBPQ_PREPARED_MAX];
} fhx__libpq_link;

typedef struct fhx__libpq_pool {
  char *conninfo;
  size_t conninfo_len;
  uint32_t links_max;
  /* For what follows; never held while something is waited for but `returned`. */
  pthread_mutex_t lock;
  pthread_cond_t returned;
  fhx__libpq_link *idle;
  /* With those in use and those being made. */
  uint32_t link_count;
} fhx__libpq_pool;

/* Copies the connection string. FHX_OK, FHX_ERR_NO_MEMORY, or another for a lock that cannot be
   made. */
int32_t fhx__libpq_pool_init(fhx__libpq_pool *pool, const char *conninfo, uint32_t links_max);
/* Closes the idle connections, which are all; wipes the string. */
void fhx__libpq_pool_end(fhx__libpq_pool *pool);

typedef enum fhx__libpq_taken {
  /* One that was idle, or a new one, which has to be made ready for what it is for. */
  FHX__LIBPQ_IDLE,
  FHX__LIBPQ_NEW,
  FHX__LIBPQ_OUT_OF_MEMORY,
  /* None came free in time. */
  FHX__LIBPQ_CROWDED,
  /* None could be made: the SQLSTATE says why, if the database answered. */
  FHX__LIBPQ_UNCONNECTED,
} fhx__libpq_taken;

/* Waits until `patient_until_us` for one that is in use, until `until_us` for the database. *link
   is set for the first two. */
fhx__libpq_taken fhx__libpq_pool_take(fhx__libpq_pool *pool, int64_t patient_until_us,
                                      int64_t until_us, fhx__libpq_link **link,
                                      char sqlstate[FHX__SQLSTATE_LEN + 1]);
/* Gives it back, or closes one that cannot be used again. */
void fhx__libpq_pool_return(fhx__libpq_pool *pool, fhx__libpq_link *link, bool is_usable);
/* Closes those that are idle: after one was lost, they are as old. */
void fhx__libpq_pool_close_idle(fhx__libpq_pool *pool);

#endif
