/**
 * $export of a FHIR server by libfhirexport.
 *
 * <p>A host has a {@link org.fhirexport.Source} over its data, a {@link org.fhirexport.Destination} and mostly a
 * {@link org.fhirexport.Store}; it makes one {@link org.fhirexport.Engine} of them, and hands it each HTTP request
 * under its $export paths as a {@link org.fhirexport.Request}.
 *
 * <p>The library is found by the system property {@code fhirexport.library}, else by the environment variable
 * {@code FHIREXPORT_LIBRARY}, else by the system's loader as {@code libfhirexport.so.0}.
 */
package org.fhirexport;
