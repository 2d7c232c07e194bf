"""The command line: finds the command, and ends with its exit code."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from typing import List, Optional

from . import _command_export, _command_fetch
from .client import FetchError

__all__ = ["main"]

_TEXT = """\
exit codes:
  0    done
  1    failed, on this side: a folder that cannot be written, a token file that is not there
  2    the command line is wrong
  3    refused, or the export failed
  4    what came is not what the manifest says (count, length, SHA-256)
  5    the server could not be reached for long enough; the same command goes on
  6    the server has no such export any more, or its files have changed
  130  interrupted: a fetch, and an export with --state, go on with the same command;
       of other exports nothing is left
"""


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="python -m fhirexport",
        description="FHIR Bulk Data: export resources, or fetch an export from a server.",
        epilog=_TEXT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _command_export.add(commands, _TEXT)
    _command_fetch.add(commands, _TEXT)
    return parser


def main(arguments: Optional[List[str]] = None) -> int:
    """Runs a command; its exit code."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    try:
        code: int = options.run(options)
        return code
    except ValueError as error:
        parser.print_usage(sys.stderr)
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    except FetchError as error:
        return error.exit_code  # told by the command
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
