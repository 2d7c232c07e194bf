/*
 * A Group's resource as a list of members (Bulk Data IG, "Group of Patients"; FHIR Group). One pass
 * over a compact line of any length, nothing is kept.
 */
#ifndef FHX__SELECT_GROUP_H
#define FHX__SELECT_GROUP_H

#include "select/reference.h"

/* What the Group says of itself. */
typedef struct fhx__group_head {
  /* Its members are listed: `actual` true (R4, R4B), or `membership` enumerated (R5); also when it
     says neither and lists members. */
  bool lists_members;
  /* It has the Bulk Cohort extension member-filter. */
  bool has_member_filter;
  /* It, or one of its members, has another modifier extension, which nobody here knows. */
  bool has_unknown_modifier;
} fhx__group_head;

/* Reads the head; false when the line is not a Group. */
bool fhx__group_read_head(const char *line, size_t len, fhx__group_head *head);

typedef enum fhx__member_kind {
  /* type and id are set. */
  FHX__MEMBER_REFERENCE,
  /* Not a member now: inactive, or outside its period. */
  FHX__MEMBER_OVER,
  /* An identifier, a display, or nothing at all (FILTER-35). */
  FHX__MEMBER_UNRESOLVED,
  /* Contained, urn:, of another server, or malformed (FILTER-34). */
  FHX__MEMBER_ELSEWHERE
} fhx__member_kind;

typedef struct fhx__member {
  fhx__member_kind kind;
  char type[FHX__TYPE_MAX + 1];
  char id[FHX__ID_MAX + 1];
  /* The period could not be read and counts as absent (FILTER-32). */
  bool has_bad_period;
  /* When it began, at the latest: of a coarse date the last microsecond, so that nobody who may be
     new counts as known. FHX_TIME_NONE if it does not say. */
  int64_t joined_us;
} fhx__member;

/* Gives each member in turn; false ends the walk. */
typedef bool (*fhx__member_callback)(void *context, const fhx__member *member);

/*
 * Gives the members as of `as_of_us`: `inactive` is not one (FILTER-31); a period counts from the
 * beginning of its first to the end of its last year, month, day, second or instant (FILTER-32); a
 * date without a zone is one of any zone, so that its bounds are widest. Relative and absolute
 * references below `base_url` ("": any), with or without version (FILTER-34). False when the
 * callback ended it.
 */
bool fhx__group_walk(const char *line, size_t len, int64_t as_of_us, const char *base_url,
                     fhx__member_callback callback, void *context);

/* Whether Group.member.entity may refer to this type, which is neither Patient nor Group. */
bool fhx__group_may_have(uint32_t fhir_version, const char *resource_type);

/* The first and the last microsecond of a FHIR date or dateTime of any precision; false: it is
   none. */
bool fhx__partial_date_read(const char *text, size_t len, int64_t *first_us, int64_t *last_us);

#endif
