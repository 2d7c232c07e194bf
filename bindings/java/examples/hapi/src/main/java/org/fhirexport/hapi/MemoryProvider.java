package org.fhirexport.hapi;

import ca.uhn.fhir.rest.annotation.IdParam;
import ca.uhn.fhir.rest.annotation.Read;
import ca.uhn.fhir.rest.annotation.Search;
import ca.uhn.fhir.rest.server.IResourceProvider;
import ca.uhn.fhir.rest.server.exceptions.ResourceNotFoundException;
import java.util.List;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.instance.model.api.IIdType;

/** The resources of one type, in memory, in the order of their ids. */
public final class MemoryProvider<T extends IBaseResource> implements IResourceProvider {
  private final Class<T> type;
  private final ConcurrentNavigableMap<String, T> resources = new ConcurrentSkipListMap<>();

  /** An empty one. */
  public MemoryProvider(Class<T> type) {
    this.type = type;
  }

  @Override
  public Class<T> getResourceType() {
    return type;
  }

  /** Puts a resource in place of the one that had its id. */
  public void put(T resource) {
    resources.put(resource.getIdElement().getIdPart(), resource);
  }

  /** What there is, also while others put more. */
  public ConcurrentNavigableMap<String, T> resources() {
    return resources;
  }

  /** GET [base]/Type/id. */
  @Read
  public T read(@IdParam IIdType id) {
    T found = resources.get(id.getIdPart());
    if (found == null) {
      throw new ResourceNotFoundException(id);
    }
    return found;
  }

  /** GET [base]/Type. */
  @Search
  public List<T> search() {
    return List.copyOf(resources.values());
  }
}
