package org.fhirexport;

import java.util.List;

/**
 * Where resources come from. Only {@link #openCursor} is needed; what a class does not override, the library does
 * itself, or does without: source.h says what.
 *
 * <p>Methods run on threads of the {@link Engine}, several at once, each cursor on one. {@link #listTypes},
 * {@link #readResource} and {@link #groupMembers} also run inside {@link Engine#handle}, while a client waits. A
 * {@link FhirExportException} is an answer: a retryable one has the task tried again, any other fails the job with its
 * message. Of anything else that is thrown the job has the name of the class alone, and the engine's
 * {@code onException} is told.
 */
@FunctionalInterface
public interface Source {
  /**
   * A cursor over the resources of the query, in the order of a key that never changes. A query with a shard or a
   * token has to be obeyed in these.
   */
  Cursor openCursor(Query query) throws Exception;

  /** The types this source has; needed for an export that names none. */
  default List<String> listTypes() throws Exception {
    throw absent();
  }

  /**
   * The resource {@code Type/id} as of the query's time, for the Groups and patients that exports name; null: there is
   * none. With {@link Status#DENIED}: not for this client.
   */
  default byte[] readResource(Query query, String reference) throws Exception {
    throw absent();
  }

  /**
   * The next active members ({@code Type/id}) of a Group behind {@code after}, in ascending order of bytes; an empty
   * list: there are no more; null: there is no such Group.
   */
  default List<String> groupMembers(Query query, String groupId, String after) throws Exception {
    throw absent();
  }

  /** About how many resources, and how many bytes of JSON; 0: unknown. */
  record Estimate(long resources, long bytes) {}

  /** About how much a query will deliver. Progress is told by it, and large types are divided into shards. */
  default Estimate countEstimate(Query query) throws Exception {
    return new Estimate(0, 0);
  }

  /**
   * Divides the query's type into at most so many parts that together hold all of it, now and later. Asked only where
   * {@link #countEstimate} tells so many bytes that it is worth it.
   */
  default List<byte[]> listShards(Query query, int countMax) throws Exception {
    throw absent();
  }

  /** A cursor over what is in the compartment of one patient, for exports that are organised by patients. */
  default Cursor openPatient(Query query, String patientId) throws Exception {
    throw absent();
  }

  private static FhirExportException absent() {
    return new FhirExportException(Status.UNSUPPORTED, "this source does not have it");
  }
}
