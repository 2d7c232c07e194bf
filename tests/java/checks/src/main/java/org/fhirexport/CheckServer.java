package org.fhirexport;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.fhirexport.hapi.ExampleServer;

/**
 * The example server, whose source does as files in its folder say. For hapi.py.
 * No Group is for the client {@code carol}.
 *
 * <p>{@code hold}: it has nothing yet, and makes {@code held}. {@code busy}: it fails once, in a way that passes, and
 * removes the file. {@code fail}: it fails for good. {@code throw}: it throws what is no answer.
 */
public final class CheckServer {
  private CheckServer() {}

  private record Faulty(Source given, Path folder) implements Source {
    @Override
    public List<String> listTypes() throws Exception {
      return given.listTypes();
    }

    @Override
    public byte[] readResource(Query query, String reference) throws Exception {
      if (reference.startsWith("Group/") && new String(query.hostContext(), StandardCharsets.UTF_8).equals("carol")) {
        throw new FhirExportException(Status.DENIED, "this Group is not for this client");
      }
      return given.readResource(query, reference);
    }

    private boolean has(String name) {
      return Files.exists(folder.resolve(name));
    }

    private void fault() throws Exception {
      if (has("fail")) {
        throw new FhirExportException(Status.SOURCE, "the database is gone");
      }
      if (has("throw")) {
        throw new IllegalStateException("secret detail");
      }
      if (Files.deleteIfExists(folder.resolve("busy"))) {
        throw new FhirExportException(Status.SOURCE, "the database is busy", true);
      }
    }

    @Override
    public Cursor openCursor(Query query) throws Exception {
      Cursor cursor = given.openCursor(query);
      return new Cursor() {
        private boolean began;

        @Override
        public Rows next(long wantBytes) throws Exception {
          if (has("hold")) {
            Files.write(folder.resolve("held"), new byte[0]);
            return Rows.later(Duration.ofMillis(10));
          }
          if (began) {
            fault(); // behind the first rows
          }
          began = true;
          return cursor.next(wantBytes);
        }

        @Override
        public Set<Applied> applied() {
          return cursor.applied();
        }

        @Override
        public void close() throws Exception {
          cursor.close();
        }
      };
    }
  }

  /** Arguments: folder and port. */
  public static void main(String[] arguments) throws Exception {
    Path folder = Path.of(arguments[0]);
    ExampleServer.run(folder, Integer.parseInt(arguments[1]), given -> new Faulty(given, folder));
  }
}
