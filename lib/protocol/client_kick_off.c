/* Destinations that clients name, at the kick-off. What is wrong with them is the client's to put
   right, unless it passes by itself. */
#include "protocol/client_kick_off.h"

#include <string.h>

#include "core/clock.h"
#include "core/encode.h"
#include "core/error.h"
#include "protocol/response.h"

#define RETRY_SECONDS 30

static int32_t refuse(const fhx__problem *problem, fhx_response **response, fhx_error **error) {
  int32_t status = fhx__response_problem(problem, response, error);
  return status == FHX_OK ? FHX_END : status;
}

static int32_t refuse_settings(const char *code, const char *why, fhx_response **response,
                               fhx_error **error) {
  fhx__problem problem;
  fhx__refuse(&problem, 400, code, FHX__DESTINATION_SETTINGS ": %s", why);
  return refuse(&problem, response, error);
}

static int32_t refuse_container(const char *code, const char *why, fhx_response **response,
                                fhx_error **error) {
  fhx__problem problem;
  fhx__refuse(&problem, 400, code, FHX__DESTINATION_CONTAINER ": %s", why);
  return refuse(&problem, response, error);
}

/* What a failure to make the destination means; no message of it repeats anything. */
static int32_t judge_settings(const fhx_error *fault, fhx_response **response, fhx_error **error) {
  switch (fhx_error_status(fault)) {
    case FHX_ERR_ARGUMENT:
      return refuse_settings("value", fhx_error_message(fault), response, error);
    case FHX_ERR_DENIED:
      return refuse_settings("forbidden",
                             "this server writes only to hosts that it allows, by https", response,
                             error);
    default: {
      int32_t status = fhx__response_fault(fault, response, error);
      return status == FHX_OK ? FHX_END : status;
    }
  }
}

/* The same of what the storage has said, or not. */
static int32_t judge_storage(const fhx_error *fault, fhx_response **response, fhx_error **error) {
  int32_t status = FHX_OK;
  switch (fhx_error_status(fault)) {
    case FHX_ERR_DENIED:
      return refuse_settings("forbidden", "the storage does not let this server write with them",
                             response, error);
    case FHX_ERR_NOT_FOUND:
      return refuse_container(
          "not-found", "there is no such container in the storage; make it before the export",
          response, error);
    case FHX_ERR_IO:
      return refuse_settings("processing", "the storage that they name cannot be reached", response,
                             error);
    case FHX_ERR_NO_MEMORY:
      return fhx__no_memory(error);
    default:
      if (fhx_error_retryable(fault) == 0) {
        return refuse_settings("processing", "the storage that they name takes no files", response,
                               error);
      }
      status = fhx__response_later(503, "transient",
                                   "the storage that the client has named cannot be written to at "
                                   "present; try again later",
                                   RETRY_SECONDS, response, error);
      return status == FHX_OK ? FHX_END : status;
  }
}

/* The time that the storage has taken to answer is not the store's. */
static int32_t check(fhx__call *call, const fhx__client_place *place, fhx_error **error) {
  int64_t began_us = fhx__clock_monotonic_us();
  int32_t status = fhx__destination_check(place->destination, began_us + FHX__PREFLIGHT_US, error);
  call->until_us += fhx__clock_monotonic_us() - began_us;
  return status;
}

static int32_t open_destination(fhx__call *call, fhx__client_place *place, fhx_response **response,
                                fhx_error **error) {
  fhx_error *fault = NULL;
  int32_t status =
      fhx__client_destination_open(fhx__clients_settings(call->service->clients), place->container,
                                   place->connection_string.data, &place->destination, &fault);
  if (status != FHX_OK) {
    status = judge_settings(fault, response, error);
  } else if (check(call, place, &fault) != FHX_OK) {
    status = judge_storage(fault, response, error);
  } else {
    status = fhx__client_destination_url(place->destination, &place->url, error);
  }
  fhx_error_free(fault);
  return status;
}

int32_t fhx__client_place_open(fhx__call *call, const fhx__wanted_destination *wanted,
                               fhx__client_place *place, fhx_response **response,
                               fhx_error **error) {
  fhx__problem problem;
  if (wanted->type == NULL) return FHX_OK;
  int32_t status = fhx__connection_string(wanted->settings, &place->connection_string, &problem);
  if (status == FHX_ERR_NO_MEMORY) return fhx__no_memory(error);
  if (status != FHX_OK) return refuse(&problem, response, error);
  place->container = wanted->container;
  if (place->container == NULL) {
    place->container = fhx__clients_settings(call->service->clients)->container;
  }
  if (place->container == NULL) {
    return refuse_container("required", "missing; name a container of the storage", response,
                            error);
  }
  return open_destination(call, place, response, error);
}

void fhx__client_place_free(fhx__client_place *place) {
  fhx_destination_free(place->destination);
  fhx__wipe_buffer(&place->connection_string);
  fhx__buffer_free(&place->url);
}
