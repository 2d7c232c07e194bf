/* PostgreSQL's programs, run as children. */
#include "support/postgres_server.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#define START_SECONDS 120

/* --- children --- */

static void drop_rights(const test_postgres *server) {
  if (geteuid() != 0) return;
  if (setgroups(0, NULL) != 0 || setgid(server->group) != 0 || setuid(server->user) != 0) {
    _exit(126);
  }
}

/* Starts a program of PostgreSQL; what it says goes to the file `log`. */
static pid_t spawn(const test_postgres *server, const char *program, char *const arguments[]) {
  char path[2 * TEST_PATH_MAX], log[128];
  snprintf(path, sizeof path, "%s/%s", server->programs, program);
  snprintf(log, sizeof log, "%s/log", server->folder);
  const pid_t parent = getpid();
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child != 0) return child;
  drop_rights(server);
  /* The server ends at once when the test program does. */
  prctl(PR_SET_PDEATHSIG, SIGQUIT);
  if (getppid() != parent) _exit(125);
  const int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int in = open("/dev/null", O_RDONLY);
  if (out < 0 || in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0) _exit(124);
  if (chdir(server->folder) != 0) _exit(123);
  setenv("LC_ALL", "C", 1);
  execv(path, arguments);
  _exit(127);
}

static bool is_ready(const test_postgres *server) {
  char path[128], line[256];
  bool ready = false;
  snprintf(path, sizeof path, "%s/data/postmaster.pid", server->folder);
  FILE *file = fopen(path, "r");
  if (file == NULL) return false;
  for (int i = 1; fgets(line, sizeof line, file) != NULL; i++) {
    if (i == 8) ready = strncmp(line, "ready", 5) == 0;
  }
  fclose(file);
  return ready;
}

static void show_log(const test_postgres *server) {
  char path[128], line[512];
  snprintf(path, sizeof path, "%s/log", server->folder);
  FILE *file = fopen(path, "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) fputs(line, stderr);
  if (file != NULL) fclose(file);
}

/* --- the server --- */

/* Where `pg_config` says that the programs are, or where the first `initdb` of PATH is. */
static void find_programs(test_postgres *server) {
  FILE *said = popen("pg_config --bindir 2>/dev/null || dirname \"$(command -v initdb)\"", "r");
  assert_true(said != NULL);
  if (fgets(server->programs, sizeof server->programs, said) == NULL) *server->programs = '\0';
  pclose(said);
  server->programs[strcspn(server->programs, "\n")] = '\0';
  char path[2 * TEST_PATH_MAX];
  snprintf(path, sizeof path, "%s/initdb", server->programs);
  if (access(path, X_OK) != 0) {
    fail_msg("this test needs PostgreSQL: install it, or say --without postgres");
  }
}

static void make_folder(test_postgres *server) {
  snprintf(server->folder, sizeof server->folder, "/tmp/fhx-pg-XXXXXX");
  assert_true(mkdtemp(server->folder) != NULL);
  server->user = geteuid();
  server->group = getegid();
  if (geteuid() != 0) return;
  const struct passwd *other = getpwnam("postgres");
  if (other == NULL) other = getpwnam("nobody");
  assert_true(other != NULL);
  server->user = other->pw_uid;
  server->group = other->pw_gid;
  assert_true(chown(server->folder, server->user, server->group) == 0);
}

void test_postgres_new(test_postgres *server) {
  char data[128];
  memset(server, 0, sizeof *server);
  find_programs(server);
  make_folder(server);
  snprintf(data, sizeof data, "%s/data", server->folder);
  char *const arguments[] = {"initdb", "-D", data,   "-U",        "fhx",         "-A",
                             "trust",  "-E", "UTF8", "--no-sync", "--no-locale", NULL};
  const pid_t child = spawn(server, "initdb", arguments);
  int how = 0;
  assert_true(waitpid(child, &how, 0) == child);
  if (how != 0) show_log(server);
  assert_true(how == 0);
  test_postgres_start(server);
}

void test_postgres_start(test_postgres *server) {
  char data[128];
  snprintf(data, sizeof data, "%s/data", server->folder);
  char *const arguments[] = {"postgres",
                             "-D",
                             data,
                             "-k",
                             server->folder,
                             "-c",
                             "listen_addresses=",
                             "-c",
                             "fsync=off",
                             "-c",
                             "synchronous_commit=on",
                             "-c",
                             "shared_buffers=32MB",
                             "-c",
                             "max_connections=120",
                             NULL};
  server->pid = spawn(server, "postgres", arguments);
  for (int i = 0; i < START_SECONDS * 50; i++) {
    const struct timespec pause = {0, 20000000};
    if (is_ready(server)) return;
    if (waitpid(server->pid, NULL, WNOHANG) == server->pid) break;
    nanosleep(&pause, NULL);
  }
  show_log(server);
  fail_msg("PostgreSQL did not come up");
}

void test_postgres_kill(test_postgres *server) {
  char path[128];
  if (server->pid == 0) return;
  assert_true(kill(server->pid, SIGQUIT) == 0);
  assert_true(waitpid(server->pid, NULL, 0) == server->pid);
  server->pid = 0;
  /* What it leaves says that it is ready. */
  snprintf(path, sizeof path, "%s/data/postmaster.pid", server->folder);
  unlink(path);
}

void test_postgres_let_in(test_postgres *server, const char *line) {
  static char text[65536];
  char path[128];
  snprintf(path, sizeof path, "%s/data/pg_hba.conf", server->folder);
  FILE *file = fopen(path, "r+");
  assert_true(file != NULL);
  const size_t len = fread(text, 1, sizeof text, file);
  assert_true(len < sizeof text);
  rewind(file);
  fprintf(file, "%s\n", line);
  assert_true(fwrite(text, 1, len, file) == len);
  assert_true(fclose(file) == 0);
  assert_true(kill(server->pid, SIGHUP) == 0);
}

void test_postgres_free(test_postgres *server) {
  test_postgres_kill(server);
  test_folder_remove(server->folder);
}
