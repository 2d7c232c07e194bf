package org.fhirexport;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Set;

/** An open cursor of a {@link Source}. It is used by one thread at a time, and closed once. */
@FunctionalInterface
public interface Cursor extends AutoCloseable {
  /** The next rows, about {@code wantBytes} of them; null at the end. More or fewer do no harm. */
  Rows next(long wantBytes) throws Exception;

  /** What the rows obey already. Asked once, when the cursor is opened. */
  default Set<Applied> applied() {
    return Set.of();
  }

  /** The cursor is no longer needed. */
  @Override
  default void close() throws Exception {}

  /** A cursor over resources that come one by one, without tokens: a task that is tried again begins anew. */
  static Cursor over(Iterator<byte[]> resources, Applied... applied) {
    Set<Applied> known = Set.of(applied);
    return new Cursor() {
      @Override
      public Rows next(long wantBytes) {
        List<byte[]> rows = new ArrayList<>();
        for (long size = 0; size < wantBytes && rows.size() < 512 && resources.hasNext(); ) {
          byte[] row = resources.next();
          rows.add(row);
          size += row.length;
        }
        return rows.isEmpty() ? null : Rows.of(rows);
      }

      @Override
      public Set<Applied> applied() {
        return known;
      }
    };
  }
}
