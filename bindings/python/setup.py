"""A wheel with the library in it is for any Python 3, and for one platform."""

import pathlib
import sysconfig

from setuptools import setup

options = {}
if list((pathlib.Path(__file__).parent / "fhirexport").glob("lib/*.so*")):
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    options = {"bdist_wheel": {"python_tag": "py3", "plat_name": platform}}

setup(options=options)
