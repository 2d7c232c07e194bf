package org.fhirexport;

/**
 * A call of the library failed; or, thrown by a {@link Source}, what its callback fails with.
 *
 * <p>The message of one that a source throws is kept with the job and shown to clients: a sentence without resource
 * content, ids of patients or secrets.
 */
public final class FhirExportException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final Status status;
  private final boolean retryable;

  /** An error that stays. */
  public FhirExportException(Status status, String message) {
    this(status, message, false);
  }

  /** With {@code retryable} the same may succeed later: of a source the task is tried again, a few times. */
  public FhirExportException(Status status, String message, boolean retryable) {
    super(message);
    this.status = status;
    this.retryable = retryable;
  }

  /** What kind of error it is. */
  public Status status() {
    return status;
  }

  /** Whether the same call may succeed later without a change. */
  public boolean retryable() {
    return retryable;
  }
}
