"""Errors as a person sees them: what was wrong, what to do, an exit code; never a traceback."""

from __future__ import annotations

import errno
import os
import platform
import sys
import tempfile
import time
import traceback
from pathlib import Path

import typer

from pages.errors import ComicLossError, ResourceError

_BUG = 1
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)


def exit_code_of(error: Exception) -> int:
    """Tell the person about an error on stderr.

    Returns:
        The exit code of its kind; 1 for an error that nobody foresaw, whose traceback is put into a log file.

    Raises:
        Exception: ``error`` itself if the command line library deals with it (usage, exit, closed pipe).
    """
    if isinstance(error, typer.Exit | typer.Abort) or _is_usage(error) or _is_closed_pipe(error):
        raise error
    told = error if isinstance(error, ComicLossError) else _resource_error(error)
    if told is not None:
        typer.echo(f"comicloss: {told}", err=True)
        return told.exit_code
    log = _write_log(error)
    typer.echo(
        f"comicloss: this is a bug in comicloss ({_first_line(error)}); details are in {log}", err=True
    )
    return _BUG


def _is_usage(error: Exception) -> bool:
    return any(kind.__name__ == "ClickException" for kind in type(error).__mro__)


def _is_closed_pipe(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno == errno.EPIPE


def _resource_error(error: Exception) -> ResourceError | None:
    """What the machine lacks, if that is what the error says."""
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        from pages.files import os_errors

        try:
            with os_errors(Path.cwd()):
                raise error
        except ResourceError as told:
            return told
    # torch's own: on a GPU a class of that name, on the CPU a RuntimeError with this text.
    out_of_memory = type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error)
    if isinstance(error, MemoryError) or out_of_memory:
        return ResourceError(
            "There is not enough memory for this.",
            remedy="Close other programs, or use smaller pages; what is done so far is kept.",
        )
    return None


def _first_line(error: Exception) -> str:
    text = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {text[:120]}" if text else type(error).__name__


def _write_log(error: Exception) -> Path:
    from importlib.metadata import version

    import platformdirs

    text = (
        f"comicloss {version('comicloss')}, Python {platform.python_version()}, {platform.platform()}\n"
        f"{sys.argv}\n\n{''.join(traceback.format_exception(error))}"
    )
    name = f"{time.strftime('%Y-%m-%d-%H%M%S')}-{os.getpid()}.log"
    for folder in (platformdirs.user_log_path("comicloss", appauthor=False), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        except OSError:
            continue
        return folder / name
    typer.echo(text, err=True)  # nowhere to write: better seen than lost
    return Path(os.devnull)
