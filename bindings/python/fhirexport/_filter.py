"""Filters: which resources an export takes."""

import ctypes
import datetime
from typing import Any, Callable, Iterable, List, Optional, Union

from . import _mirror
from ._calls import Handle, callback, checked, held, hold, made, release
from ._library import lib
from ._values import FhirVersion, Resource, json_bytes, text

#: A FHIR instant, or a datetime with a time zone.
Instant = Union[str, datetime.datetime]


def _instant(value: Instant, name: str) -> Optional[bytes]:
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            raise ValueError(f"{name} is a datetime without a time zone")
        value = value.isoformat()
    return text(value, name)


class Filter(Handle):
    """Which resources an export takes; without arguments all. Fill it in on one thread; jobs copy it."""

    def __init__(self, types: Iterable[str] = (), *, since: Optional[Instant] = None,
                 until: Optional[Instant] = None, patients: Iterable[str] = (), all_patients: bool = False,
                 group: Optional[str] = None, elements: Iterable[str] = (), queries: Iterable[str] = (),
                 fhir_version: Optional[int] = None, base_url: Optional[str] = None,
                 compartment_paths: Iterable[str] = ()) -> None:
        super().__init__(made(lib.fhx_filter_new))
        try:
            if isinstance(types, str):
                raise TypeError("types is a list of str, not one str")
            if fhir_version is not None:
                self._set(lib.fhx_filter_set_fhir_version, int(FhirVersion(fhir_version)))
            if base_url is not None:
                self._set(lib.fhx_filter_set_base_url, text(base_url, "base_url"))
            for name, values, add in (("types", types, self.add_type), ("patients", patients, self.add_patient),
                                      ("elements", elements, self.add_element), ("queries", queries, self.add_query),
                                      ("compartment_paths", compartment_paths, self.add_compartment_path)):
                if isinstance(values, str):
                    raise TypeError(f"{name} is a list of str, not one str")
                for value in values:
                    add(value)
            if since is not None:
                self.set_since(since)
            if until is not None:
                self.set_until(until)
            if all_patients:
                self.set_all_patients()
            if group is not None:
                self.set_group(group)
        except BaseException:
            self.close()
            raise

    def _free(self, pointer: int) -> None:
        lib.fhx_filter_free(pointer)

    def _set(self, function: Any, *arguments: Any) -> None:
        self._use(lambda pointer: checked(function, pointer, *arguments))

    def add_type(self, resource_type: str) -> None:
        """`_type`: takes this type, and those added before."""
        self._set(lib.fhx_filter_add_type, text(resource_type, "a type"))

    def set_since(self, instant: Instant) -> None:
        """`_since`: takes what was last changed after it."""
        self._set(lib.fhx_filter_set_since, _instant(instant, "since"))

    def set_until(self, instant: Instant) -> None:
        """`_until`: takes what was last changed before it."""
        self._set(lib.fhx_filter_set_until, _instant(instant, "until"))

    def add_patient(self, patient_id: str) -> None:
        """Takes only what is in the compartment of this patient, or of one added before."""
        self._set(lib.fhx_filter_add_patient, text(patient_id, "a patient's id"))

    def set_all_patients(self) -> None:
        """Patient level: takes only what is in some patient's compartment."""
        self._set(lib.fhx_filter_set_all_patients)

    def set_group(self, group_id: str) -> None:
        """Group level: takes only what is in the compartment of a member."""
        self._set(lib.fhx_filter_set_group, text(group_id, "a Group's id"))

    def add_element(self, element: str) -> None:
        """`_elements`: only this root element is exported, with those added before and what is mandatory."""
        self._set(lib.fhx_filter_add_element, text(element, "an element"))

    def add_query(self, query: str) -> None:
        """`_typeFilter`: takes of a type only what meets this search, or one added before."""
        self._set(lib.fhx_filter_add_query, text(query, "a query"))

    def add_compartment_path(self, path: str) -> None:
        """A compartment of one's own: "Observation.subject"."""
        self._set(lib.fhx_filter_add_compartment_path, text(path, "a path"))

    def matches(self, resource: Resource) -> bool:
        """Whether the filter takes this resource. ResourceError if it is none."""
        data, found = json_bytes(resource), ctypes.c_uint32()
        self._set(lib.fhx_filter_test, data, len(data), ctypes.byref(found))
        return bool(found.value)

    def patients_of(self, resource: Resource) -> List[str]:
        """The ids of the patients in whose compartment the resource is, each once."""
        data = json_bytes(resource)
        found: List[str] = []
        key = hold(found.append)
        try:
            self._set(lib.fhx_filter_list_patients, data, len(data), _patient, key)
        finally:
            release(key)
        return list(dict.fromkeys(found))


@callback(_mirror.fhx_patient_callback)
def _patient(user_data: int, patient_id: bytes) -> None:
    take: Callable[[str], None] = held(user_data)
    take(patient_id.decode())
