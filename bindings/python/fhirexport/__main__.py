"""`python -m fhirexport`: exports, and fetches from Bulk Data servers."""

import sys

from ._command import main

sys.exit(main())
