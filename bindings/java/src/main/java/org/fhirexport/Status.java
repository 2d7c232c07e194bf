package org.fhirexport;

/** What functions of the library return; status.h says when. */
public enum Status {
  OK(0),
  END(1),
  WAIT(2),
  ARGUMENT(-1),
  MISUSE(-2),
  REENTRANT(-3),
  NO_MEMORY(-4),
  STRUCT_SIZE(-5),
  UNSUPPORTED(-6),
  NOT_FOUND(-7),
  EXISTS(-8),
  REFUSED(-9),
  UNKNOWN_OUTCOME(-10),
  CANCELLED(-11),
  JOB_FAILED(-12),
  RESOURCE(-13),
  SOURCE(-14),
  DESTINATION(-15),
  STORE(-16),
  IO(-17),
  NO_SPACE(-18),
  DENIED(-19),
  LIMIT(-20),
  NO_ANSWER(-21),
  INTERNAL(-22),
  /** A status of a newer library. */
  UNKNOWN(Integer.MIN_VALUE);

  private final int code;

  Status(int code) {
    this.code = code;
  }

  /** The library's number for it. */
  public int code() {
    return code;
  }

  static Status of(int code) {
    for (Status one : values()) {
      if (one.code == code) {
        return one;
      }
    }
    return UNKNOWN;
  }
}
