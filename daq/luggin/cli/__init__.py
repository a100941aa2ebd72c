"""The command line. Commands are listed by name; the module of one is imported when it is called."""

from __future__ import annotations

import importlib
import os
import sys

import click

from luggin.errors import LugginError, ProtocolError

#: command -> (module, one line of help). Help needs nothing else, so it is quick.
_COMMANDS = {
    "check": ("luggin.cli.checking", "Look a protocol over and rehearse it in virtual time; touches nothing."),
    "run": ("luggin.cli.running", "Run a protocol and print its results."),
    "resume": ("luggin.cli.running", "Take an interrupted run up where it ended."),
    "status": ("luggin.cli.statusing", "Say what goes on now: runs, lines in use, runs that could be taken up again."),
    "clear": ("luggin.cli.latching", "Say that the cell was looked at after a limit stopped a run."),
    "recover": ("luggin.cli.running", "Bring a run folder in order after a crash; can be repeated."),
    "list": ("luggin.cli.cataloguing", "List the runs of a folder, newest first, with their results."),
    "show": ("luggin.cli.cataloguing", "Show one run: conditions, steps, interruptions, results."),
    "import": ("luggin.cli.cataloguing", "Take a file of another program in as a run."),
    "analyse": ("luggin.cli.looking", "Analyse a run or a foreign file."),
    "report": ("luggin.cli.looking", "Write the report of a run (one HTML file)."),
    "export": ("luggin.cli.exporting", "Write a run in another format, such as the table for a paper."),
    "plugins": ("luggin.cli.looking", "List plugins, their versions and what they provide."),
    "instruments": ("luggin.cli.conformance", "List drivers and what their instruments can do, or test one."),
    "notify": ("luggin.cli.notifying", "Say who is told what happens to runs, and try it out."),
    "schema": ("luggin.cli.looking", "Print the JSON schema of protocol files, for editors."),
    "sim": ("luggin.cli.simulating", "Serve the simulated instruments of a bench on serial ports."),
}


class _Lazy(click.Group):
    """A group that imports a command when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(_COMMANDS[cmd_name][0]), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        import difflib

        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in _COMMANDS:
            close = difflib.get_close_matches(name, _COMMANDS, 1, 0.5)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            ctx.fail(f"no such command {name!r}.{hint} There are: {', '.join(_COMMANDS)}.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


def _version(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        import importlib.metadata

        click.echo(f"luggin {importlib.metadata.version('luggin')}")
        ctx.exit()


@click.command(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 the run failed, 2 usage or bad file, 3 a limit tripped, 4 instrument error, "
    "130 interrupted (after a safe stop).",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version."
)
def cli() -> None:
    """Run electrochemistry: check a protocol, run it, read its results.

    Without hardware everything runs on simulated instruments: luggin run examples/re4mo2-cv.toml
    """


def main() -> None:
    """Entry point. A mistake of the user's gets a message and an exit code, never a traceback."""
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except LugginError as error:
        if "--json" in sys.argv[1:]:
            _echo_error(error)
        click.echo(f"luggin: {error}", err=True)
        for note in getattr(error, "__notes__", ()):
            click.echo(f"        {note}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output is gone (`luggin ... | head`): nothing to say to nobody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _echo_error(error: LugginError) -> None:
    """With ``--json`` there is one object on standard output, also when nothing could be done."""
    import json

    said: dict[str, object] = {"type": type(error).__name__, "message": str(error)}
    if isinstance(error, ProtocolError):
        said["problems"] = [{"file": error.file, **vars(problem)} for problem in error.problems]
    click.echo(json.dumps({"error": said}, indent=1, ensure_ascii=False))
