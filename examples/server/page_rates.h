/* What this server has exported, looked at every other second and kept for ten minutes. */
#ifndef SERVER_PAGE_RATES_H
#define SERVER_PAGE_RATES_H

#include "answer.h"

struct page_rates;

/* NULL: no memory. */
struct page_rates *page_rates_new(void);
void page_rates_free(struct page_rates *rates);
/* Call it every second. */
void page_rates_tick(struct page_rates *rates, fhx_engine *engine);
/* {"now_us":0,"samples":[[time_us,bytes,resources],...]}, the oldest first; both count from the
   server's start. */
void page_rates_write(struct page_rates *rates, struct text *body);

#endif
