"""All rows, in the order of the targets. P5, P8 and P11 come with what they measure."""
from rows import engine, export, groups, instructions, memory, scan, server

ROWS = [*scan.ROWS, *export.ROWS, *memory.ROWS, *server.ROWS, *engine.ROWS, *groups.ROWS,
        *instructions.ROWS]
