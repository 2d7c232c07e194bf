/*
 * Registers a client with a new key pair. A new file of clients is written beside the old one and
 * then takes its place; its name while it is written keeps a second one that does the same away.
 */
#include "client_add.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jose/jwk.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "smart_clients.h"

enum { DONE_CODE = 0, FAILED_CODE = 1, USAGE_CODE = 2 };

#define PATH_BYTES 4096

static const char usage[] =
    "Usage: fhirexport-server client add NAME --clients FILE [options]\n"
    "\n"
    "Makes a key pair (ES384), and an entry in the file of clients, which is made if it is "
    "missing.\n"
    "\n"
    "  --scope SCOPES   what the client may do; system/*.read if not given\n"
    "  --tenant NAME    whose it is\n"
    "  --group ID       binds it to this Group; more than one may be given\n"
    "  --key FILE       where its private key goes, as a JWK; NAME.private.json if not given\n";

struct wanted {
  const char *clients_file;
  const char *key_file;
  json_t *entry;
};

static int complain(const char *about, const char *problem) {
  log_problem(about, problem);
  return FAILED_CODE;
}

/* --- the command line --- */

static bool set_text(json_t *entry, const char *name, const char *text) {
  return json_object_set_new(entry, name, json_string(text)) == 0;
}

static bool read_options(int argc, char **argv, struct wanted *wanted) {
  static const struct option table[] = {
      {"clients", required_argument, NULL, 'c'}, {"scope", required_argument, NULL, 's'},
      {"tenant", required_argument, NULL, 't'},  {"group", required_argument, NULL, 'g'},
      {"key", required_argument, NULL, 'k'},     {NULL, 0, NULL, 0}};
  json_t *groups = json_array();
  bool done = groups != NULL && json_object_set_new(wanted->entry, "groups", groups) == 0;
  int option = 0;
  while (done && (option = getopt_long(argc, argv, "", table, NULL)) != -1) {
    if (option == 'c') wanted->clients_file = optarg;
    if (option == 'k') wanted->key_file = optarg;
    if (option == 's') done = set_text(wanted->entry, "scope", optarg);
    if (option == 't') done = set_text(wanted->entry, "tenant", optarg);
    if (option == 'g') done = json_array_append_new(groups, json_string(optarg)) == 0;
    if (option == '?') done = false;
  }
  return done && optind == argc && wanted->clients_file != NULL;
}

/* --- files --- */

/* A new file with JSON in it, which its owner alone can read; it is on the disk. */
static bool write_new(const char *path, const json_t *content, size_t indent) {
  int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) {
    log_problem(path,
                errno == EEXIST ? "it is there already, and is not overwritten" : strerror(errno));
    return false;
  }
  bool done = json_dumpfd(content, file, JSON_INDENT(indent)) == 0 && write(file, "\n", 1) == 1 &&
              fsync(file) == 0;
  if (close(file) != 0) done = false;
  if (done) return true;
  log_problem(path, "it cannot be written");
  unlink(path);
  return false;
}

static json_t *load_clients(const char *path) {
  struct smart_clients known;
  if (access(path, F_OK) != 0 && errno == ENOENT) return json_pack("{s:[]}", "clients");
  if (!smart_clients_read(path, NULL, &known)) {
    smart_clients_free(&known);
    return NULL;
  }
  json_t *file = json_incref(known.file);
  smart_clients_free(&known);
  return file;
}

static bool is_known(const json_t *clients, const char *name) {
  const json_t *list = json_object_get(clients, "clients");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *id = smart_json_text(json_array_get(list, i), "client_id");
    if (id != NULL && strcmp(id, name) == 0) return true;
  }
  return false;
}

/* --- the key and the entry --- */

/* The private key, and its public half in the entry. NULL: no memory, or nothing random. */
static json_t *make_key(json_t *entry) {
  json_t *key = json_pack("{s:s}", "alg", "ES384");
  json_t *public = NULL;
  if (key != NULL && jose_jwk_gen(NULL, key) &&
      json_object_set_new(key, "kid", jose_jwk_thp(NULL, key, "S256")) == 0) {
    public = json_deep_copy(key);
  }
  if (public != NULL && jose_jwk_pub(NULL, public) &&
      json_object_set_new(entry, "jwks", json_pack("{s:[O]}", "keys", public)) == 0) {
    json_decref(public);
    return key;
  }
  json_decref(public);
  json_decref(key);
  return NULL;
}

/* The file with the new entry takes the place of the old one. Between, the key is written: an entry
   without a key is of no use, and a key without an entry does no harm. */
static int write_both(const struct wanted *wanted, const json_t *clients, const json_t *key,
                      const char *key_file) {
  char beside[PATH_BYTES];
  struct stat old;
  snprintf(beside, sizeof beside, "%s.new", wanted->clients_file);
  if (!write_new(beside, clients, 2)) return FAILED_CODE;
  bool done = write_new(key_file, key, 0);
  /* The server may run as another user than the one who registers. */
  if (done && stat(wanted->clients_file, &old) == 0) {
    done = chmod(beside, old.st_mode & 07777) == 0;
    if (!done) log_problem(beside, strerror(errno));
  }
  if (done && rename(beside, wanted->clients_file) != 0) {
    log_problem(wanted->clients_file, strerror(errno));
    unlink(key_file);
    done = false;
  }
  if (!done) unlink(beside);
  return done ? DONE_CODE : FAILED_CODE;
}

static int add(const char *name, struct wanted *wanted) {
  char key_file[PATH_BYTES];
  json_t *clients = NULL;
  json_t *key = make_key(wanted->entry);
  if (key == NULL) return complain("the key", "it cannot be made");
  const char *problem = smart_client_problem(wanted->entry);
  int code = FAILED_CODE;
  snprintf(key_file, sizeof key_file, "%s.private.json", name);
  if (wanted->key_file != NULL) snprintf(key_file, sizeof key_file, "%s", wanted->key_file);
  if (problem != NULL) {
    complain("the new client", problem);
  } else if (strlen(wanted->clients_file) + 8 > PATH_BYTES || strlen(name) + 16 > PATH_BYTES ||
             (wanted->key_file == NULL && strchr(name, '/') != NULL)) {
    complain("--key", "say where the key goes: the name cannot be that of a file");
  } else if ((clients = load_clients(wanted->clients_file)) != NULL) {
    if (is_known(clients, name)) {
      complain(wanted->clients_file, "it has a client of this name already");
    } else if (json_array_append(json_object_get(clients, "clients"), wanted->entry) == 0) {
      code = write_both(wanted, clients, key, key_file);
    }
  }
  if (code == DONE_CODE) {
    printf("%s is registered in %s; its private key is in %s\n", name, wanted->clients_file,
           key_file);
  }
  json_decref(clients);
  json_decref(key);
  return code;
}

int client_add(int argc, char **argv) {
  struct wanted wanted = {NULL, NULL,
                          json_pack("{s:s,s:s,s:s}", "client_id", argc > 0 ? argv[0] : "", "scope",
                                    "system/*.read", "tenant", "")};
  int code = USAGE_CODE;
  if (argc < 1 || argv[0][0] == '-' || wanted.entry == NULL || !read_options(argc, argv, &wanted)) {
    fputs(usage, stderr);
  } else {
    code = add(argv[0], &wanted);
  }
  json_decref(wanted.entry);
  return code;
}
