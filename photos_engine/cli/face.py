"""What all commands share: `--library` and `--json` before or after the command's name, one engine, exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from photos_engine.cli.output import printable
from photos_engine.cli.parameters import Folder
from photos_engine.config import default_library, load_settings
from photos_engine.errors import PhotosEngineError, UsageError
from photos_engine.json_shapes import encode_json
from photos_engine.logs import log_to_stderr

if TYPE_CHECKING:  # importing the engine loads its models' run times: not for --help
    from photos_engine.engine import PhotosEngine
    from photos_engine.library import Library
    from photos_engine.types import CheckReport, LibraryStatus


def open_engine(library: Path | None) -> PhotosEngine:
    """The real engine over a library."""
    from photos_engine.engine import PhotosEngine

    return PhotosEngine.open(library)


class Face:
    """One run of the command line: the library it speaks of and how it answers."""

    def __init__(self, opener: Callable[[Path | None], PhotosEngine] = open_engine) -> None:
        self.library: Path | None = None
        self.as_json = False
        self._opener = opener
        self._engine: PhotosEngine | None = None

    @property
    def engine(self) -> PhotosEngine:
        """The engine, opened at first use and closed with the command."""
        if self._engine is None:
            self._engine = click.get_current_context().find_root().with_resource(self._opener(self.library))
        return self._engine

    def library_folder(self) -> Library:
        """The library's folder, for commands that need no engine."""
        from photos_engine.library import Library

        return Library.open(load_settings(library=self.library).library)

    def status(self) -> LibraryStatus:
        """The library at a glance; the real engine is opened for a new library only, since that takes a second."""
        if self._opener is open_engine:
            from photos_engine.overview import read_status
            from photos_engine.store import Store

            library = self.library_folder()
            with Store.open(library.folder) as store:
                with store.read() as unit:
                    is_new = unit.models.is_none_active
                if not is_new:
                    return read_status(library, store)
        return self.engine.status()

    def salvage(self) -> CheckReport | None:
        """Mend a library that can't be opened any more; None where it can."""
        if self._opener is not open_engine:
            return None
        from photos_engine.salvage import salvage_library

        return salvage_library(load_settings(library=self.library).library)

    def answer(self, shape: object, lines: Iterable[str]) -> None:
        """Print an answer: its JSON, or its lines for a person."""
        if self.as_json:
            click.echo(encode_json(shape, indent=2))
        else:
            for line in lines:
                click.echo(line)

    def remark(self, text: str) -> None:
        """Say something that isn't the answer."""
        click.echo(f"photos-engine: {text}", err=True)

    def explain_nothing(self, otherwise: str) -> None:
        """Say why an answer is empty: an empty library, or `otherwise`."""
        status = self.engine.status()
        if status.photos:
            self.remark(otherwise)
        else:
            self.remark(f"the library {printable(status.library)} has no photos yet: photos-engine index PATH...")


class EngineFailure(click.ClickException):
    """The engine's error, in one line."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line on stderr."""
        click.echo(f"photos-engine: error: {self.message}", err=True)


class WrongUsage(EngineFailure):
    """What the engine calls wrong usage."""

    exit_code = 2


class Interruption(EngineFailure):
    """Ctrl-C: what was done is kept."""

    exit_code = 130  # 128 + SIGINT, as shells have it

    def __init__(self) -> None:
        super().__init__("interrupted; what is done is kept, and the next run goes on from there")

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the line on stderr, below whatever progress stood there."""
        click.echo(f"\nphotos-engine: {self.message}", err=True)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn the engine's errors and Ctrl-C into an exit code and one line on stderr."""
    try:
        yield
    except UsageError as error:
        raise WrongUsage(str(error)) from error
    except PhotosEngineError as error:
        raise EngineFailure(str(error)) from error
    except KeyboardInterrupt as error:
        raise Interruption from error


def _note_library(context: click.Context, _parameter: click.Parameter, value: Path | None) -> None:
    face = context.ensure_object(Face)
    face.library = face.library if value is None else value


def _note_json(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    face = context.ensure_object(Face)
    face.as_json = face.as_json or value


def _shared_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--library"],
            type=Folder(path_type=Path),
            callback=_note_library,
            expose_value=False,
            metavar="DIR",
            help=f"The library's folder. Otherwise PHOTOS_ENGINE_LIBRARY; otherwise {default_library()}.",
        ),
        click.Option(
            ["--json"],
            is_flag=True,
            callback=_note_json,
            expose_value=False,
            help="Print the answer as JSON; everything else goes to stderr.",
        ),
    ]


def _with_shared_options(attributes: dict[str, Any], example: str) -> dict[str, Any]:
    params = [*(attributes.pop("params", None) or []), *_shared_options()]
    return {"params": params, "epilog": f"\b\nExample:\n  {example}", **attributes}


class FaceCommand(click.Command):
    """A command with the shared options and, in its help, an example."""

    def __init__(self, name: str | None, *, example: str, **attributes: Any) -> None:
        super().__init__(name, **_with_shared_options(attributes, example))


class FaceGroup(click.Group):
    """A group of such commands."""

    command_class = FaceCommand
    group_class = type

    def __init__(self, name: str | None = None, *, example: str, **attributes: Any) -> None:
        super().__init__(name, **_with_shared_options(attributes, example))

    def invoke(self, context: click.Context) -> Any:
        """Run a command; the engine's errors and Ctrl-C end in one line each."""
        with one_line_errors():
            return super().invoke(context)


@click.group(
    cls=FaceGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    example="photos-engine index ~/Pictures && photos-engine search 'dog on a beach'",
)
@click.version_option(package_name="photos-engine")
def main() -> None:
    """Find, remember and tidy photographs, privately: nothing ever leaves this machine."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # terminals that lack a character show its number instead
            stream.reconfigure(errors="backslashreplace")
    log_to_stderr()


pass_face = click.make_pass_decorator(Face, ensure=True)
