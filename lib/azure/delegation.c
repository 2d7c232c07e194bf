/* The user delegation key: asked for with a token, answered in XML. */
#include "azure/delegation.h"

#include <stdio.h>
#include <string.h>

#include "azure/request.h"
#include "core/clock.h"
#include "core/encode.h"
#include "core/error.h"
#include "core/instant.h"
#include "transport/xml.h"

#define US_PER_SECOND INT64_C(1000000)
/* A key is good for at most seven days from now by the service's clock, which may be behind ours;
   and from a little before now, since it may be ahead. */
#define LIFE_US (INT64_C(7) * 24 * 3600 * US_PER_SECOND)
#define CLOCKS_DIFFER_US (INT64_C(15) * 60 * US_PER_SECOND)

bool fhx__azure_delegations_init(fhx__azure_delegations *delegations) {
  *delegations = (fhx__azure_delegations){.present = {.value_len = 0}};
  return fhx__azure_renewal_init(&delegations->renewal);
}

void fhx__azure_delegations_free(fhx__azure_delegations *delegations) {
  fhx__azure_renewal_free(&delegations->renewal);
  fhx__wipe(&delegations->present, sizeof delegations->present);
}

/* --- the answer --- */

static bool is_plain(const char *text) {
  for (; *text != '\0'; text++) {
    if ((*text < '0' || *text > '9') && (*text < 'a' || *text > 'z') &&
        (*text < 'A' || *text > 'Z') && strchr("-:.", *text) == NULL) {
      return false;
    }
  }
  return true;
}

/* Texts that go into URLs: short, and of letters that stand for themselves. */
static bool take_text(char *place, size_t capacity, const char *text) {
  if (*text == '\0' || strlen(text) >= capacity || !is_plain(text) || *place != '\0') return false;
  snprintf(place, capacity, "%s", text);
  return true;
}

static bool take_time(char *place, size_t capacity, const char *text, int64_t *time_us) {
  fhx__instant instant = {0, 0};
  if (!take_text(place, capacity, text)) return false;
  if (!fhx__instant_parse(text, strlen(text), &instant)) return false;
  *time_us = instant.us;
  return true;
}

static bool take_value(fhx__azure_delegation *delegation, const char *text) {
  fhx__buffer value = {NULL, 0, 0};
  bool good = delegation->value_len == 0 && strlen(text) <= sizeof delegation->value &&
              fhx__buffer_reserve(&value, sizeof delegation->value) == FHX_OK &&
              fhx__append_decoded_base64(&value, text, strlen(text)) == FHX_OK && value.len > 0;
  if (good) {
    memcpy(delegation->value, value.data, value.len);
    delegation->value_len = value.len;
  }
  fhx__wipe_buffer(&value);
  return good;
}

static int32_t take_element(void *context, const char *path, const char *text) {
  static const char root[] = "UserDelegationKey/";
  fhx__azure_delegation *to = context;
  if (strncmp(path, root, sizeof root - 1) != 0) return FHX_OK;
  const char *name = path + sizeof root - 1;
  bool good = true;
  if (strcmp(name, "SignedOid") == 0) {
    good = take_text(to->object_id, sizeof to->object_id, text);
  } else if (strcmp(name, "SignedTid") == 0) {
    good = take_text(to->tenant_id, sizeof to->tenant_id, text);
  } else if (strcmp(name, "SignedStart") == 0) {
    good = take_time(to->start, sizeof to->start, text, &to->start_us);
  } else if (strcmp(name, "SignedExpiry") == 0) {
    good = take_time(to->expiry, sizeof to->expiry, text, &to->expiry_us);
  } else if (strcmp(name, "SignedService") == 0) {
    good = take_text(to->service, sizeof to->service, text);
  } else if (strcmp(name, "SignedVersion") == 0) {
    good = take_text(to->version, sizeof to->version, text);
  } else if (strcmp(name, "Value") == 0) {
    good = take_value(to, text);
  }
  return good ? FHX_OK : FHX_ERR_ARGUMENT;
}

int32_t fhx__azure_delegation_read(fhx__azure_delegation *delegation, const void *data, size_t len,
                                   fhx_error **error) {
  *delegation = (fhx__azure_delegation){.value_len = 0};
  int32_t status = fhx__xml_read(data, len, take_element, delegation, NULL);
  if (status == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  if (status == FHX_OK && delegation->object_id[0] != '\0' && delegation->tenant_id[0] != '\0' &&
      delegation->start[0] != '\0' && delegation->expiry[0] != '\0' &&
      delegation->service[0] != '\0' && delegation->version[0] != '\0' &&
      delegation->value_len > 0) {
    return FHX_OK;
  }
  fhx__wipe(delegation, sizeof *delegation);
  return fhx__fail_with(error, FHX_ERR_DESTINATION, 1,
                        "what the store answered is not a user delegation key");
}

/* --- the request --- */

static int32_t append_key_info(fhx__buffer *body, int64_t now_us) {
  char start[FHX__INSTANT_TEXT_MAX], expiry[FHX__INSTANT_TEXT_MAX];
  fhx__instant_format(start, fhx__instant_floor(now_us - CLOCKS_DIFFER_US, US_PER_SECOND),
                      US_PER_SECOND);
  fhx__instant_format(expiry,
                      fhx__instant_floor(now_us + LIFE_US - CLOCKS_DIFFER_US, US_PER_SECOND),
                      US_PER_SECOND);
  const char *const texts[] = {"<?xml version=\"1.0\" encoding=\"utf-8\"?><KeyInfo><Start>", start,
                               "</Start><Expiry>", expiry, "</Expiry></KeyInfo>"};
  int32_t status = FHX_OK;
  for (size_t i = 0; status == FHX_OK && i < sizeof texts / sizeof *texts; i++) {
    status = fhx__buffer_append_text(body, texts[i]);
  }
  return status;
}

static int32_t fetch(fhx__azure *azure, int64_t until_us, fhx__azure_delegation *delegation,
                     fhx_error **error) {
  fhx__azure_request request;
  fhx__buffer body = {NULL, 0, 0};
  fhx__azure_request_init(&request, azure, "POST", NULL, "the store gave no user delegation key");
  fhx__azure_request_ask(&request, "comp", "userdelegationkey");
  fhx__azure_request_ask(&request, "restype", "service");
  int32_t status = append_key_info(&body, fhx__clock_now_us());
  if (status != FHX_OK) fhx__no_memory(error);
  if (status == FHX_OK) {
    status = fhx__azure_request_body(&request, body.data, body.len, "application/xml", error);
  }
  if (status == FHX_OK) status = fhx__azure_request_run(&request, until_us, error);
  if (status == FHX_OK) {
    status = fhx__azure_request_is_done(&request)
                 ? fhx__azure_delegation_read(delegation, request.transfer.answer.data,
                                              request.transfer.answer.len, error)
                 : fhx__azure_request_fail(&request, error);
  }
  fhx__azure_request_end(&request);
  fhx__buffer_free(&body);
  return status;
}

int32_t fhx__azure_delegation_get(fhx__azure *azure, int64_t until_us,
                                  fhx__azure_delegation *delegation, fhx_error **error) {
  fhx__azure_delegations *delegations = &azure->delegations;
  fhx__azure_delegation fetched = {.value_len = 0};
  fhx_error *fault = NULL;
  bool mine = false, is_good = true;
  int32_t status = fhx__azure_renewal_begin(&delegations->renewal, &mine, until_us, error);
  if (status != FHX_OK) return status;
  if (mine) status = fetch(azure, until_us, &fetched, &fault);
  pthread_mutex_lock(&delegations->renewal.mutex);
  if (mine && status == FHX_OK) {
    int64_t now_us = fhx__clock_now_us();
    delegations->present = fetched;
    is_good = fhx__azure_renewal_end(&delegations->renewal,
                                     now_us + (fetched.expiry_us - now_us) / 2, fetched.expiry_us);
  } else if (mine) {
    is_good = fhx__azure_renewal_end(&delegations->renewal, 0, 0);
  }
  *delegation = delegations->present;
  pthread_mutex_unlock(&delegations->renewal.mutex);
  fhx__wipe(&fetched, sizeof fetched);
  if (is_good) {
    fhx_error_free(fault);
    return FHX_OK;
  }
  fhx__wipe(delegation, sizeof *delegation);
  if (status == FHX_OK) {
    return fhx__fail_with(error, FHX_ERR_DESTINATION, 1,
                          "the store gave a user delegation key whose time is over");
  }
  return fhx__azure_hand_over(status, fault, error);
}
