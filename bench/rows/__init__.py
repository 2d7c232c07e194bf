"""All rows, in the order of the targets."""
from rows import (engine, export, groups, instructions, memory, postgres, python, scan, server,
                  upload)

ROWS = [*scan.ROWS, *export.ROWS, *upload.ROWS, *memory.ROWS, *server.ROWS, *postgres.ROWS,
        *engine.ROWS, *groups.ROWS, *python.ROWS, *instructions.ROWS]
