/* File systems of a test's own. */
#include "support/mount.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "support/folder.h"

/* "" when this process may mount, else why not. */
static char mount_fault[256] = "";

static bool write_text(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  if (file == NULL) return false;
  bool written = fputs(text, file) >= 0;
  return fclose(file) == 0 && written;
}

void test_mount_prepare(void) {
  unsigned uid = geteuid(), gid = getegid();
  char map[64];
  int flags = uid == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;
  const char *step = uid == 0 ? "unshare(CLONE_NEWNS)" : "unshare(CLONE_NEWNS | CLONE_NEWUSER)";
  bool ready = unshare(flags) == 0;
  if (ready && uid != 0) {
    step = "writing the user namespace's maps";
    ready = write_text("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", uid);
    ready = ready && write_text("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "0 %u 1", gid);
    ready = ready && write_text("/proc/self/gid_map", map);
  }
  if (ready) {
    step = "mount(MS_PRIVATE)";
    ready = mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) == 0;
  }
  if (ready) return;
  snprintf(mount_fault, sizeof mount_fault, "%s: %s", step, strerror(errno));
}

void test_mount_new(const char *folder, const char *options) {
  if (test_is_without("mount")) {
    print_message("FHX_WITHOUT lists mount\n");
    skip();
  }
  if (mount_fault[0] != '\0') {
    fail_msg("no file system can be mounted (%s); FHX_WITHOUT=mount skips this test", mount_fault);
  }
  assert_int_equal(mount("tmpfs", folder, "tmpfs", 0, options), 0);
  print_message("tmpfs with %s\n", options);
}

bool test_mount_set_read_only(const char *folder, bool is_read_only) {
  const unsigned long flags = MS_REMOUNT | (is_read_only ? MS_RDONLY : 0UL);
  return mount("tmpfs", folder, "tmpfs", flags, NULL) == 0;
}

void test_mount_end(const char *folder) {
  umount2(folder, MNT_DETACH);
}
