/* The texts of the PostgreSQL store's statements. States and phases are those of
   fhirexport/store.h; every number is a bigint, and what begins with $ a parameter. The tables are
   in postgres_schema.c. */
#include "store/postgres_store.h"

/* The class of this store's advisory locks: "FHXE". */
#define LOCK_CLASS "1179146309"
#define JOB_FIND "SELECT job_key, state, cleanup_due FROM job WHERE job_id = $1"
#define JOB_RUNNING "SELECT 1 FROM job WHERE job_key = $1 AND state = 1 AND held_until_us <= $2"
/* A job as it is read. Parameter $2 is the time. */
#define READ_JOB(request, definition, host_context, part_count, found)                       \
  "SELECT state, job_id, tenant, client, " request ", " definition ", " host_context         \
  ","                                                                                        \
  " transaction_time_us, resolution_us, reason, reason_status, cleanup_due, created_us,"     \
  " ended_us, held_until_us, sums.*,"                                                        \
  " (SELECT coalesce(max(page), 0) FROM page WHERE page.job_key = job.job_key), parameters," \
  " " part_count " FROM " found                                                              \
  " CROSS JOIN LATERAL (SELECT count(*),"                                                    \
  " count(*) FILTER (WHERE task.state = 3),"                                                 \
  " coalesce(sum(resource_count), 0)::int8, coalesce(sum(byte_count), 0)::int8,"             \
  " coalesce(sum(error_count), 0)::int8, coalesce(sum(estimated_resources), 0)::int8,"       \
  " coalesce(sum(resource_mark), 0)::int8, coalesce(sum(fence), 0)::int8,"                   \
  " count(*) FILTER (WHERE task.state = 2 AND task.lease_until_us > $2),"                    \
  " coalesce(sum(greatest(fence - 1, 0)), 0)::int8"                                          \
  " FROM task WHERE task.job_key = job.job_key) AS sums"

/* Up to $5 jobs of a state, if its bit is among $1, behind the place ($3, $4). */
#define LISTED(state, bit, whose)                                  \
  "(SELECT * FROM job WHERE state = " state " AND $1::int8 & " bit \
  " <> 0"                                                          \
  " AND (created_us, job_id) > ($3, $4)" whose " ORDER BY created_us, job_id LIMIT $5)"
#define LIST(whose)                                                                       \
  READ_JOB("''", "''", "NULL::bytea",                                                   \
           "(SELECT count(*) FROM part WHERE part.job_key = job.job_key)",              \
           "(SELECT * FROM (" LISTED("1", "1", whose) " UNION ALL " LISTED("2", "2", whose) \
           " UNION ALL " LISTED("3", "4", whose) " UNION ALL " LISTED("4", "8", whose)      \
           ") AS each ORDER BY created_us, job_id LIMIT $5) AS job") \
  " ORDER BY created_us, job_id"

/* The turn that was served last, and the last turn of a client. */
#define SERVED "coalesce((SELECT max(last.served) FROM turn AS last), 0)"
#define LAST_OF(tenant_is, client_is)                                                \
  "coalesce((SELECT max(mine.turn) FROM turn AS mine WHERE mine.tenant = " tenant_is \
  " AND mine.client = " client_is "), 0)"

/* A piece of what one job has in a table. */
#define DELETE_PIECE(table)                                               \
  "DELETE FROM " table " WHERE ctid = ANY (ARRAY(SELECT ctid FROM " table \
  " WHERE job_key = $1"                                                   \
  " LIMIT $2))"

const char *const fhx__pg_texts[FHX__PG_COUNT] = {
    /* Jobs come one at a time, so that those that run can be counted, and older ones have lower
       keys. */
    [FHX__PG_JOB_LOCK_CREATION] =
        "SELECT pg_advisory_xact_lock(" LOCK_CLASS ", hashtext('job ' || current_schema()))",
    [FHX__PG_JOB_INSERT] =
        "INSERT INTO job (job_id, state, created_us, transaction_time_us, resolution_us, tenant,"
        " client, request, host_context, definition, held_until_us, parameters, identity)"
        " VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        " ON CONFLICT DO NOTHING RETURNING job_key",
    [FHX__PG_JOB_IDENTICAL] =
        "SELECT job_id FROM job WHERE state = 1 AND tenant = $1 AND client = $2 AND identity = $3"
        " LIMIT 1",
    [FHX__PG_JOB_FIND] = JOB_FIND,
    [FHX__PG_JOB_SHARE] = JOB_FIND " FOR SHARE",
    [FHX__PG_JOB_CHANGE] = JOB_FIND " FOR NO KEY UPDATE",
    [FHX__PG_JOB_SHARE_KEY] = JOB_RUNNING " FOR SHARE",
    [FHX__PG_JOB_CHANGE_KEY] = JOB_RUNNING " FOR NO KEY UPDATE",
    [FHX__PG_JOB_SHARE_FREE] = JOB_RUNNING " FOR SHARE SKIP LOCKED",
    [FHX__PG_JOB_CHANGE_FREE] = JOB_RUNNING " FOR NO KEY UPDATE SKIP LOCKED",
    [FHX__PG_JOB_READ] =
        READ_JOB("request", "definition", "host_context", "0::int8", "job") " WHERE job_id = $1",
    /* The job whose turn comes behind turn $1 of job $3, of those with a task to give to anybody. */
    [FHX__PG_JOB_NEXT_FREE] =
        "SELECT turn.job_key, turn.turn FROM turn JOIN job ON job.job_key = turn.job_key"
        " WHERE (turn.turn, turn.job_key) > ($1, $3) AND job.state = 1 AND job.held_until_us <= $2"
        " AND EXISTS (SELECT 1 FROM task WHERE task.job_key = job.job_key AND task.state < 3"
        " AND task.phase = (SELECT min(opened.phase) FROM task AS opened"
        " WHERE opened.job_key = job.job_key AND opened.state < 3)"
        " AND (task.state = 1 OR task.lease_until_us <= $2))"
        " ORDER BY turn.turn, turn.job_key LIMIT 1",
    /* How many jobs run, and when the first of their leases lapses, or a hold. */
    [FHX__PG_JOB_RUNNING] =
        "SELECT count(*), min(greatest(held_until_us, coalesce("
        "(SELECT min(lease_until_us) FROM task WHERE task.job_key = job.job_key"
        " AND task.state < 3 AND task.state = 2), held_until_us)))"
        " FROM job WHERE state = 1 AND job_key > 0",
    [FHX__PG_JOB_FAIL] =
        "UPDATE job SET state = 3, cleanup_due = 1, ended_us = $2, reason_status = $3, reason = $4"
        " WHERE job_key = $1",
    [FHX__PG_JOB_COMPLETE] =
        "UPDATE job SET state = 2, ended_us = $2 WHERE job_key = $1"
        " AND NOT EXISTS (SELECT 1 FROM task WHERE task.job_key = $1 AND task.state < 3)",
    [FHX__PG_JOB_REMOVE] =
        "UPDATE job SET state = 4, cleanup_due = 1,"
        " ended_us = CASE WHEN state = 1 THEN $2 ELSE ended_us END WHERE job_key = $1",
    [FHX__PG_JOB_CLEANED] = "UPDATE job SET cleanup_due = 0 WHERE job_key = $1",
    [FHX__PG_JOB_HOLD] = "UPDATE job SET held_until_us = $2 WHERE job_key = $1",
    [FHX__PG_JOB_DELETE] = "DELETE FROM job WHERE job_key = $1",
    [FHX__PG_JOB_LEASES] =
        "SELECT min(lease_until_us) FROM task"
        " WHERE job_key = $1 AND state < 3 AND state = 2 AND lease_until_us > $2",
    /* A row if more than $1 jobs run: what is not counted need not be read. */
    [FHX__PG_JOB_LIMIT] =
        "SELECT 1 FROM job WHERE state = 1 AND job_key > 0 LIMIT 1 OFFSET $1::int8",
    [FHX__PG_JOB_CLIENT_LIMIT] =
        "SELECT 1 FROM job WHERE state = 1 AND tenant = $2 AND client = $3"
        " LIMIT 1 OFFSET $1::int8",
    /* Those that somebody else has at hand come another time. */
    [FHX__PG_JOB_EXPIRE] =
        "UPDATE job SET state = 4, cleanup_due = 1 WHERE job_key = ANY (ARRAY("
        "SELECT job_key FROM job WHERE state IN (2, 3) AND ended_us < $1"
        " ORDER BY ended_us LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED))",
    /* cleanup_due is 0 or 1. */
    [FHX__PG_JOB_NEXT_CLEANUP] =
        "SELECT job_id FROM job WHERE (cleanup_due, job_id) > (1, $1)"
        " ORDER BY cleanup_due, job_id LIMIT 1",
    [FHX__PG_JOB_LIST] = LIST(""),
    [FHX__PG_JOB_LIST_OF_TENANT] = LIST(" AND tenant = $6"),
    [FHX__PG_JOB_LIST_OF_CLIENT] = LIST(" AND tenant = $6 AND client = $7"),
    [FHX__PG_TURN_INSERT] =
        "INSERT INTO turn (job_key, turn, served, tenant, client)"
        " VALUES ($1, 1 + greatest(" SERVED ", " LAST_OF("$2", "$3") "), 0, $2, $3)",
    /* Where another claim is just taking the job's turn, that is enough for both. */
    [FHX__PG_TURN_TAKE] =
        "UPDATE turn SET served = greatest(turn, " SERVED "),"
        " turn = 1 + greatest(" SERVED ", " LAST_OF("turn.tenant", "turn.client") ")"
        " WHERE job_key = (SELECT taken.job_key FROM turn AS taken WHERE taken.job_key = $1"
        " FOR NO KEY UPDATE SKIP LOCKED)",
    [FHX__PG_TURN_END] =
        "DELETE FROM turn WHERE job_key = $1"
        " AND NOT EXISTS (SELECT 1 FROM job WHERE job.job_key = $1 AND job.state = 1)",
    /* Task 0 makes the plan. */
    [FHX__PG_TASK_INSERT_FIRST] =
        "INSERT INTO task (job_key, task_index, phase, resource_type, shard_index,"
        " estimated_resources) VALUES ($1, 0, 0, '', 0, 0)",
    [FHX__PG_TASK_INSERT] =
        "INSERT INTO task (job_key, task_index, phase, resource_type, shard_index, shard,"
        " estimated_resources) SELECT $1::int8, given.* FROM unnest($2::int8[], $3::int8[], "
        "$4::text[],"
        " $5::int8[], $6::bytea[], $7::int8[]) AS given",
    [FHX__PG_TASK_FIND] =
        "SELECT state, fence, next_seq, attempt_count FROM task"
        " WHERE job_key = $1 AND task_index = $2 FOR NO KEY UPDATE",
    [FHX__PG_TASK_READ] =
        "SELECT task.state, job.job_id, task.task_index, task.phase, task.resource_type,"
        " task.shard, task.shard_index, task.attempt_count, task.fence, task.next_seq,"
        " task.first_seq, task.token, task.last_id, task.resource_count, task.byte_count,"
        " task.error_count, task.estimated_resources"
        " FROM task JOIN job ON job.job_key = task.job_key"
        " WHERE task.job_key = $1 AND task.task_index = $2",
    /* A claim whose answer was lost may still be under way when it is made again. */
    [FHX__PG_TASK_LOCK_CLAIM] = "SELECT pg_advisory_xact_lock(" LOCK_CLASS
                                ", hashtext($1::text || ' ' || current_schema()))",
    [FHX__PG_TASK_HELD] =
        "SELECT task.job_key, task.task_index FROM task JOIN job ON job.job_key = task.job_key"
        " WHERE task.claim_id = $1 AND task.state = 2 AND job.state = 1"
        " AND ($2::int8 = 0 OR task.job_key = $2) ORDER BY task.claim_id LIMIT 1",
    [FHX__PG_TASK_KEEP] =
        "UPDATE task SET lease_until_us = $3"
        " WHERE job_key = $1 AND task_index = $2 AND state = 2 AND claim_id = $4",
    [FHX__PG_TASK_PHASE] =
        "SELECT phase FROM task WHERE job_key = $1 AND state < 3 ORDER BY phase LIMIT 1",
    /* One that another claim is just taking is passed over. */
    [FHX__PG_TASK_FREE] =
        "SELECT task_index, attempt_count, resource_type, paged_seq,"
        " CASE WHEN token IS NULL THEN 1::int8 ELSE 0 END FROM task"
        " WHERE job_key = $1 AND phase = $2 AND state < 3 AND (state = 1 OR lease_until_us <= $3)"
        " ORDER BY task_index LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED",
    [FHX__PG_TASK_LAPSE] =
        "SELECT min(lease_until_us) FROM task"
        " WHERE job_key = $1 AND phase = $2 AND state < 3 AND state = 2",
    [FHX__PG_TASK_CLAIM] =
        "UPDATE task SET state = 2, fence = fence + 1, attempt_count = attempt_count + 1,"
        " first_seq = next_seq, claim_id = $3, lease_until_us = $4"
        " WHERE job_key = $1 AND task_index = $2",
    [FHX__PG_TASK_EMPTY] =
        "UPDATE task SET resource_count = 0, byte_count = 0, error_count = 0, line_count = 0,"
        " part_seq = 0, last_id = '' WHERE job_key = $1 AND task_index = $2",
    [FHX__PG_TASK_RENEW] =
        "UPDATE task SET lease_until_us = $3, resource_mark = greatest(resource_mark, $4)"
        " WHERE job_key = $1 AND task_index = $2",
    [FHX__PG_TASK_CHECKPOINT] =
        "UPDATE task SET next_seq = $3, token = $4::bytea, last_id = $5,"
        " attempt_count = CASE WHEN $4::bytea IS NULL THEN attempt_count ELSE 0 END,"
        " resource_count = resource_count + $6, byte_count = byte_count + $7,"
        " resource_mark = greatest(resource_mark, resource_count + $6),"
        " error_count = error_count + $8, line_count = line_count + $9,"
        " part_seq = greatest(part_seq, $10)"
        " WHERE job_key = $1 AND task_index = $2",
    [FHX__PG_TASK_LINES] =
        "UPDATE task SET line_count = line_count + $3 WHERE job_key = $1 AND task_index = $2",
    [FHX__PG_TASK_END] =
        "UPDATE task SET state = 3, claim_id = NULL, lease_until_us = 0"
        " WHERE job_key = $1 AND task_index = $2",
    /* The first task behind $2 that has something for a page. */
    [FHX__PG_TASK_UNPAGED] =
        "SELECT task_index, paged_seq FROM task WHERE job_key = $1 AND task_index > $2"
        " AND part_seq > paged_seq AND (state = 3 OR token IS NOT NULL)"
        " ORDER BY task_index LIMIT 1",
    [FHX__PG_TASK_PAGED] = "UPDATE task SET paged_seq = $3 WHERE job_key = $1 AND task_index = $2",
    [FHX__PG_TASK_RELEASE] =
        "UPDATE task SET state = 1, claim_id = NULL, lease_until_us = 0, attempt_count = $3"
        " WHERE job_key = $1 AND task_index = $2",
    [FHX__PG_TASK_DELETE_ALL] = "DELETE FROM task WHERE job_key = $1",
    [FHX__PG_ATTEMPT_INSERT] =
        "INSERT INTO attempt (job_key, task_index, fence, first_seq, last_seq)"
        " SELECT job_key, task_index, fence, first_seq, first_seq - 1 FROM task"
        " WHERE job_key = $1 AND task_index = $2",
    [FHX__PG_ATTEMPT_ANNOUNCE] =
        "UPDATE attempt SET last_seq = greatest(last_seq, $4)"
        " WHERE job_key = $1 AND task_index = $2 AND fence = $3",
    [FHX__PG_ATTEMPT_FINISH] =
        "UPDATE attempt SET finished = 1 WHERE job_key = $1 AND task_index = $2 AND fence = $3",
    [FHX__PG_ATTEMPT_LIST] =
        "SELECT attempt.task_index, attempt.fence, attempt.first_seq, attempt.last_seq,"
        " attempt.finished, task.phase, task.shard_index, task.resource_type,"
        " CASE WHEN task.state = 2 AND task.fence = attempt.fence AND task.lease_until_us > $5"
        " THEN 1::int8 ELSE 0 END"
        " FROM attempt CROSS JOIN LATERAL (SELECT * FROM task"
        " WHERE task.job_key = attempt.job_key AND task.task_index = attempt.task_index LIMIT 1)"
        " AS task"
        " WHERE attempt.job_key = $1 AND (attempt.task_index, attempt.fence) > ($2, $3)"
        " ORDER BY attempt.task_index, attempt.fence LIMIT $4",
    [FHX__PG_ATTEMPT_DELETE_ALL] = "DELETE FROM attempt WHERE job_key = $1",
    [FHX__PG_PART_INSERT] =
        "INSERT INTO part (job_key, task_index, seq, fence, kind, name, resource_type,"
        " resource_count, byte_count, crc32c, sha256, stored_byte_count, encoding, flags,"
        " error_count, warning_count)"
        " SELECT $1::int8, $2::int8, given.* FROM unnest($3::int8[], $4::int8[], $5::int8[], "
        "$6::text[],"
        " $7::text[], $8::int8[], $9::int8[], $10::int8[], $11::bytea[], $12::int8[],"
        " $13::int8[], $14::int8[], $15::int8[], $16::int8[]) AS given",
    [FHX__PG_PART_LIST] =
        "SELECT task_index, seq, fence, kind, name, resource_type, resource_count, byte_count,"
        " crc32c, sha256, stored_byte_count, encoding, flags, error_count, warning_count"
        " FROM part WHERE job_key = $1 AND (task_index, seq) > ($2, $3)"
        " ORDER BY task_index, seq LIMIT $4",
    [FHX__PG_PART_DELETE] = "DELETE FROM part WHERE job_key = $1 AND task_index = $2",
    [FHX__PG_PART_DELETE_PIECE] = DELETE_PIECE("part"),
    [FHX__PG_LINE_INSERT] =
        "INSERT INTO error_line (job_key, task_index, position, line)"
        " SELECT job_key, task_index, line_count + given.number - 1, given.line FROM task"
        " CROSS JOIN unnest($3::bytea[]) WITH ORDINALITY AS given (line, number)"
        " WHERE job_key = $1 AND task_index = $2",
    /* Where the line with number $2 of all is: its task, and its position there. */
    [FHX__PG_LINE_PLACE] =
        "SELECT task_index, ($2::int8 - passed)::int8 FROM (SELECT task_index, line_count,"
        " sum(line_count) OVER (ORDER BY task_index) - line_count AS passed FROM task"
        " WHERE job_key = $1 AND line_count > 0) AS counted"
        " WHERE passed <= $2 AND passed + line_count > $2",
    [FHX__PG_LINE_LIST] =
        "SELECT line FROM error_line WHERE job_key = $1 AND (task_index, position) >= ($2, $3)"
        " ORDER BY task_index, position LIMIT $4",
    [FHX__PG_LINE_DELETE] = "DELETE FROM error_line WHERE job_key = $1 AND task_index = $2",
    [FHX__PG_LINE_DELETE_PIECE] = DELETE_PIECE("error_line"),
    /* They come in order, so that steps that add the same ones wait for each other, but not in a
       ring. */
    [FHX__PG_MEMBER_INSERT] =
        "INSERT INTO member (job_key, list, member)"
        " SELECT $1::int8, $2::int8, given FROM unnest($3::text[]) AS given ON CONFLICT DO NOTHING",
    [FHX__PG_MEMBER_LIST] =
        "SELECT member FROM member WHERE job_key = $1 AND list = $2 AND member > $3"
        " ORDER BY member LIMIT $4",
    [FHX__PG_MEMBER_DELETE_PIECE] = DELETE_PIECE("member"),
    [FHX__PG_PAGE_COUNT] = "SELECT coalesce(max(page), 0) FROM page WHERE job_key = $1",
    /* The next $4 parts of a task behind number $3. */
    [FHX__PG_PAGE_RANGE] =
        "SELECT seq FROM part WHERE job_key = $1 AND task_index = $2 AND seq > $3"
        " ORDER BY seq LIMIT $4",
    [FHX__PG_PAGE_INSERT] =
        "INSERT INTO page (job_key, page, task_index, first_seq, last_seq)"
        " VALUES ($1, $2, $3, $4, $5)",
    [FHX__PG_PAGE_LIST] =
        "SELECT part.task_index, part.seq, fence, kind, name, resource_type, resource_count,"
        " byte_count, crc32c, sha256, stored_byte_count, encoding, flags, error_count,"
        " warning_count"
        " FROM page CROSS JOIN LATERAL (SELECT * FROM part WHERE part.job_key = page.job_key"
        " AND part.task_index = page.task_index AND part.seq >= page.first_seq"
        " AND part.seq <= page.last_seq AND (page.task_index > $3 OR part.seq > $4)"
        " ORDER BY part.seq LIMIT $5) AS part"
        " WHERE page.job_key = $1 AND page.page = $2 AND page.task_index >= $3"
        " ORDER BY page.task_index, part.seq LIMIT $5",
    [FHX__PG_PAGE_DELETE_ALL] = "DELETE FROM page WHERE job_key = $1",
};
