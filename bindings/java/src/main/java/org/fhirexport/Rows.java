package org.fhirexport;

import java.time.Duration;
import java.util.List;

/** What a cursor gives at a time: resources, each as JSON in UTF-8, or "not yet". */
public final class Rows {
  final List<byte[]> resources;
  final byte[] token;
  final Duration pause;

  private Rows(List<byte[]> resources, byte[] token, Duration pause) {
    this.resources = resources;
    this.token = token;
    this.pause = pause;
  }

  /** Resources. The list is read before the cursor is asked again. */
  public static Rows of(List<byte[]> resources) {
    return new Rows(resources, null, null);
  }

  /**
   * Resources, and a token (1 to 4,096 bytes) that means "behind the last of these": a cursor whose query has it goes
   * on there, after a crash, a pause or a failure that passes.
   */
  public static Rows of(List<byte[]> resources, byte[] token) {
    return new Rows(resources, token, null);
  }

  /** There is nothing yet: ask again after this time. */
  public static Rows later(Duration pause) {
    return new Rows(List.of(), null, pause);
  }
}
