/*
 * Folders below a base folder, reached by descriptors and one segment at a time: no link is
 * followed, and nothing outside the base can be named. Every `name` is a part's name that has
 * passed fhx__is_part_name, so that it has no empty segment and none that begins with a dot.
 */
#ifndef FHX__DESTINATION_FOLDER_H
#define FHX__DESTINATION_FOLDER_H

#include <fhirexport/error.h>
#include <stdbool.h>

/*
 * Opens the folder that holds the last segment of `name`; without a slash in it, the base. With
 * `make` not 0, missing folders are made, with this mode whatever the umask says, and all of them
 * are durable in their parents on return. The descriptor, or -1 and errno.
 */
int fhx__folder_open(int base, const char *name, uint32_t make);

/* The modes of folders and files that are made. */
#define FHX__FOLDER_OWN 0700u
#define FHX__FOLDER_READABLE 0755u
#define FHX__FILE_OWN 0600u
#define FHX__FILE_READABLE 0644u

/* The last segment of `name`. */
const char *fhx__folder_leaf(const char *name);

/* Makes the entries of a folder durable. 0 or an errno value. */
int fhx__folder_sync(int folder);

/*
 * Removes the folders of `name`, the deepest first, as far as they are empty; never the base. What
 * cannot be removed stays: an empty folder harms nobody.
 */
void fhx__folder_prune(int base, const char *name);

/* fsync that goes on after a signal. 0 or an errno value. */
int fhx__sync(int descriptor);

/* Gives a file or folder that was just made exactly these permissions. 0 or an errno value. */
int fhx__set_permissions(int descriptor, uint32_t permissions);

/*
 * "<sentence> (<what errno value `code` means>)", with the status that fits. No path is in it: a
 * message may reach the client, whom the machine's layout does not concern.
 */
int32_t fhx__folder_fail(fhx_error **error, int code, const char *sentence);

/* Whether the step that failed with errno value `code` may succeed later without a change. */
uint32_t fhx__folder_retryable(int code);

#endif
