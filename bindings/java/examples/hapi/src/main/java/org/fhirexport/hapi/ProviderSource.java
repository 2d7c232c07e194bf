package org.fhirexport.hapi;

import ca.uhn.fhir.context.FhirContext;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.fhirexport.Applied;
import org.fhirexport.Cursor;
import org.fhirexport.Query;
import org.fhirexport.Rows;
import org.fhirexport.Source;
import org.hl7.fhir.instance.model.api.IBaseResource;

/** What the server's providers hold, type by type in the order of ids. A token is the last id that was given. */
public final class ProviderSource implements Source {
  private final FhirContext context;
  private final Map<String, MemoryProvider<?>> providers;

  /** Of providers by the names of their types. */
  public ProviderSource(FhirContext context, Map<String, MemoryProvider<?>> providers) {
    this.context = context;
    this.providers = Map.copyOf(providers);
  }

  @Override
  public List<String> listTypes() {
    return List.copyOf(providers.keySet());
  }

  private ConcurrentNavigableMap<String, ? extends IBaseResource> all(String type) {
    MemoryProvider<?> provider = providers.get(type);
    return provider == null ? new ConcurrentSkipListMap<String, IBaseResource>() : provider.resources();
  }

  private byte[] text(IBaseResource resource) {
    return context.newJsonParser().encodeResourceToString(resource).getBytes(StandardCharsets.UTF_8);
  }

  /** The library reads Groups by it, and looks whether there is a patient that an export names. */
  @Override
  public byte[] readResource(Query query, String reference) {
    String[] parts = reference.split("/");
    IBaseResource found = all(parts[0]).get(parts[1]);
    return found == null ? null : text(found);
  }

  @Override
  public Cursor openCursor(Query query) {
    String after = query.token().map(token -> new String(token, StandardCharsets.UTF_8)).orElse("");
    Iterator<? extends IBaseResource> left = all(query.resourceType()).tailMap(after, false).values().iterator();
    return new Cursor() {
      @Override
      public Rows next(long wantBytes) {
        List<byte[]> rows = new ArrayList<>();
        String last = null;
        for (long size = 0; size < wantBytes && rows.size() < 50 && left.hasNext(); ) {
          IBaseResource one = left.next();
          byte[] row = text(one);
          rows.add(row);
          size += row.length;
          last = one.getIdElement().getIdPart();
        }
        return last == null ? null : Rows.of(rows, last.getBytes(StandardCharsets.UTF_8));
      }

      @Override
      public Set<Applied> applied() {
        return Set.of(Applied.TYPE, Applied.ASCENDING_IDS);
      }
    };
  }
}
