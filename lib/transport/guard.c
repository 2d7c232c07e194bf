/*
 * The guard. URLs are taken apart by libcurl alone, which connects by the same reading of them;
 * what a name resolves to is looked at when the socket is opened, so that it cannot change in
 * between.
 */
#include "transport/guard.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/error.h"

#define ENTRY_MAX 300

/* The parts of a URL that are compared; libcurl's memory. */
typedef struct place {
  char *scheme;
  char *user;
  char *password;
  char *host;
  char *port;
} place;

static void free_place(place *of) {
  curl_free(of->scheme);
  curl_free(of->user);
  curl_free(of->password);
  curl_free(of->host);
  curl_free(of->port);
}

/* CURLUE_OK, or why there is no such part; one that is absent is NULL. */
static CURLUcode get_part(CURLU *url, CURLUPart part, CURLUcode absent, char **text) {
  CURLUcode code = curl_url_get(url, part, text, CURLU_DEFAULT_PORT);
  if (code == absent) {
    *text = NULL;
    return CURLUE_OK;
  }
  return code;
}

static CURLUcode take_apart(const char *text, place *into) {
  memset(into, 0, sizeof *into);
  CURLU *url = curl_url();
  if (url == NULL) return CURLUE_OUT_OF_MEMORY;
  CURLUcode code = curl_url_set(url, CURLUPART_URL, text, 0);
  if (code == CURLUE_OK) code = curl_url_get(url, CURLUPART_SCHEME, &into->scheme, 0);
  if (code == CURLUE_OK) code = get_part(url, CURLUPART_USER, CURLUE_NO_USER, &into->user);
  if (code == CURLUE_OK) {
    code = get_part(url, CURLUPART_PASSWORD, CURLUE_NO_PASSWORD, &into->password);
  }
  if (code == CURLUE_OK) code = curl_url_get(url, CURLUPART_HOST, &into->host, 0);
  if (code == CURLUE_OK) code = get_part(url, CURLUPART_PORT, CURLUE_NO_PORT, &into->port);
  curl_url_cleanup(url);
  return code;
}

/* --- the entries --- */

/* The host as an address, if it is one. */
static bool read_address(const char *host, const char *port, struct sockaddr_storage *into) {
  char bare[INET6_ADDRSTRLEN + 1];
  size_t len = strlen(host);
  uint32_t number = 0;
  for (const char *at = port; *at >= '0' && *at <= '9'; at++) {
    number = number * 10 + (uint32_t)(*at - '0');
  }
  memset(into, 0, sizeof *into);
  if (host[0] == '[' && len > 2 && len - 2 < sizeof bare) {
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)into;
    memcpy(bare, host + 1, len - 2);
    bare[len - 2] = '\0';
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)number);
    return inet_pton(AF_INET6, bare, &six->sin6_addr) == 1;
  }
  struct sockaddr_in *four = (struct sockaddr_in *)into;
  four->sin_family = AF_INET;
  four->sin_port = htons((uint16_t)number);
  return inet_pton(AF_INET, host, &four->sin_addr) == 1;
}

static int32_t read_entry(fhx__guard_entry *entry, const char *text, fhx_error **error) {
  char url[ENTRY_MAX + 16];
  place of;
  if (text == NULL || strlen(text) > ENTRY_MAX || strpbrk(text, "/?#@\\% \t\r\n") != NULL) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "an entry of allowed_hosts is not \"host[:port]\"");
  }
  snprintf(url, sizeof url, "https://%s", text);
  CURLUcode code = take_apart(url, &of);
  if (code == CURLUE_OK && of.port != NULL) {
    entry->host = fhx__copy_text(of.host);
    entry->port = fhx__copy_text(of.port);
  }
  bool is_whole = code == CURLUE_OK && of.port != NULL;
  free_place(&of);
  if (code == CURLUE_OUT_OF_MEMORY) return fhx__no_memory(error);
  if (!is_whole) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "an entry of allowed_hosts is not \"host[:port]\"");
  }
  if (entry->host == NULL || entry->port == NULL) return fhx__no_memory(error);
  entry->is_address = read_address(entry->host, entry->port, &entry->address);
  return FHX_OK;
}

int32_t fhx__guard_init(fhx__guard *guard, const char *const *hosts, uint64_t count,
                        fhx_error **error) {
  *guard = (fhx__guard){NULL, 0};
  if (count == 0) return FHX_OK;
  if (hosts == NULL || count > UINT32_MAX) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "allowed_hosts does not fit allowed_host_count");
  }
  guard->entries = fhx__alloc_zeroed((size_t)count, sizeof *guard->entries);
  if (guard->entries == NULL) return fhx__no_memory(error);
  guard->count = count;
  int32_t status = FHX_OK;
  for (uint64_t i = 0; status == FHX_OK && i < count; i++) {
    status = read_entry(&guard->entries[i], hosts[i], error);
  }
  return status;
}

void fhx__guard_free(fhx__guard *guard) {
  for (uint64_t i = 0; i < guard->count; i++) {
    fhx__free(guard->entries[i].host);
    fhx__free(guard->entries[i].port);
  }
  fhx__free(guard->entries);
  *guard = (fhx__guard){NULL, 0};
}

bool fhx__guard_is_on(const fhx__guard *guard) {
  return guard->count > 0;
}

/* --- URLs --- */

static bool is_entry(const fhx__guard *guard, const place *of) {
  for (uint64_t i = 0; of->port != NULL && i < guard->count; i++) {
    const fhx__guard_entry *entry = &guard->entries[i];
    if (curl_strequal(entry->host, of->host) && strcmp(entry->port, of->port) == 0) return true;
  }
  return false;
}

static int32_t check_place(const fhx__guard *guard, const place *of, fhx_error **error) {
  bool is_secure = curl_strequal(of->scheme, "https");
  if (!is_secure && !curl_strequal(of->scheme, "http")) {
    return fhx__fail(error, FHX_ERR_ARGUMENT, "a URL is neither https nor http");
  }
  if (!fhx__guard_is_on(guard)) return FHX_OK;
  if (!is_secure) {
    return fhx__fail(error, FHX_ERR_DENIED, "a URL is not https, which allowed_hosts asks for");
  }
  if (of->user != NULL || of->password != NULL) {
    return fhx__fail(error, FHX_ERR_DENIED, "a URL has a user name in it");
  }
  if (!is_entry(guard, of)) {
    return fhx__fail(error, FHX_ERR_DENIED, "the host of a URL is not one of allowed_hosts");
  }
  return FHX_OK;
}

int32_t fhx__guard_check_url(const fhx__guard *guard, const char *url, fhx_error **error) {
  place of;
  CURLUcode code = take_apart(url, &of);
  int32_t status = FHX_OK;
  if (code == CURLUE_OUT_OF_MEMORY) {
    status = fhx__no_memory(error);
  } else if (code != CURLUE_OK) {
    status = fhx__fail(error, FHX_ERR_ARGUMENT, "a URL cannot be read");
  } else {
    status = check_place(guard, &of, error);
  }
  free_place(&of);
  return status;
}

/* --- addresses --- */

typedef struct stretch4 {
  uint32_t prefix;
  uint32_t bits;
} stretch4;

/* What IANA's register of special addresses has as not globally reachable, multicast, and what is
   reserved; besides, the address at which Azure serves its machines' metadata. */
static const stretch4 special4[] = {
    {0x00000000, 8},  {0x0A000000, 8},  {0x64400000, 10}, {0x7F000000, 8},  {0xA9FE0000, 16},
    {0xAC100000, 12}, {0xC0000000, 24}, {0xC0000200, 24}, {0xC0586300, 24}, {0xC0A80000, 16},
    {0xC6120000, 15}, {0xC6336400, 24}, {0xCB007100, 24}, {0xE0000000, 3},  {0xA83F8110, 32},
};

static bool is_public4(const uint8_t bytes[4]) {
  uint32_t address = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
                     (uint32_t)bytes[3];
  for (size_t i = 0; i < sizeof special4 / sizeof *special4; i++) {
    if ((address ^ special4[i].prefix) >> (32 - special4[i].bits) == 0) return false;
  }
  return true;
}

/* Whether the address begins with these bytes. */
static bool begins(const uint8_t address[16], const char *prefix, size_t len) {
  return memcmp(address, prefix, len) == 0;
}

static bool is_public6(const uint8_t address[16]) {
  /* IPv4 in IPv6: mapped, and translated by NAT64 (RFC 6052). */
  if (begins(address, "\0\0\0\0\0\0\0\0\0\0\xFF\xFF", 12)) return is_public4(address + 12);
  if (begins(address, "\0\x64\xFF\x9B\0\0\0\0\0\0\0\0", 12)) return is_public4(address + 12);
  /* 6to4. */
  if (begins(address, "\x20\x02", 2)) return is_public4(address + 2);
  /* Only 2000::/3 is given out: no loopback, link-local, unique-local, multicast, IPv4-compatible,
     or NAT64 of a network's own. */
  if ((address[0] & 0xE0) != 0x20) return false;
  /* 2001::/23, of protocols: Teredo, benchmarks, ORCHID. Documentation, twice. */
  if (begins(address, "\x20\x01", 2) && address[2] < 2) return false;
  if (begins(address, "\x20\x01\x0D\xB8", 4)) return false;
  return !(begins(address, "\x3F\xFF", 2) && address[2] < 0x10);
}

bool fhx__address_is_public(const struct sockaddr *address) {
  uint8_t bytes[16];
  if (address->sa_family == AF_INET) {
    memcpy(bytes, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
    return is_public4(bytes);
  }
  if (address->sa_family != AF_INET6) return false;
  memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
  return is_public6(bytes);
}

static bool is_same(const struct sockaddr_storage *entry, const struct sockaddr *address) {
  if (entry->ss_family != address->sa_family) return false;
  if (address->sa_family == AF_INET) {
    const struct sockaddr_in *one = (const struct sockaddr_in *)entry;
    const struct sockaddr_in *other = (const struct sockaddr_in *)(const void *)address;
    return one->sin_port == other->sin_port && one->sin_addr.s_addr == other->sin_addr.s_addr;
  }
  const struct sockaddr_in6 *one = (const struct sockaddr_in6 *)entry;
  const struct sockaddr_in6 *other = (const struct sockaddr_in6 *)(const void *)address;
  return one->sin6_port == other->sin6_port &&
         memcmp(&one->sin6_addr, &other->sin6_addr, sizeof one->sin6_addr) == 0;
}

bool fhx__guard_lets_connect(const fhx__guard *guard, const struct sockaddr *address) {
  if (!fhx__guard_is_on(guard) || fhx__address_is_public(address)) return true;
  if (address->sa_family != AF_INET && address->sa_family != AF_INET6) return false;
  for (uint64_t i = 0; i < guard->count; i++) {
    const fhx__guard_entry *entry = &guard->entries[i];
    if (entry->is_address && is_same(&entry->address, address)) return true;
  }
  return false;
}
