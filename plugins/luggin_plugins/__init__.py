"""The analyses, readers and reports that come with Luggin, as plugins like anybody's."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from luggin.hookspecs import Exporter, Reader, configured_by, hookimpl

if TYPE_CHECKING:
    from luggin.results import Analysis, Table

_TABLES = (".csv", ".tsv", ".txt", ".dat")


def _half_waves() -> Analysis:
    from luggin_plugins.cv.half_waves import HALF_WAVES

    return HALF_WAVES


def _pulse_peaks() -> Analysis:
    from luggin_plugins.cv import PULSE_PEAKS

    return PULSE_PEAKS


def _scan_rate_series() -> Analysis:
    from luggin_plugins.cv.series import SCAN_RATE_SERIES

    return SCAN_RATE_SERIES


def _reference() -> Analysis:
    from luggin_plugins.cv.redox import REFERENCE

    return REFERENCE


def _redox_table() -> Analysis:
    from luggin_plugins.cv.redox import REDOX_TABLE

    return REDOX_TABLE


def _is_gamry(path: Path, head: bytes) -> bool:
    return head.lstrip().startswith(b"EXPLAIN")


def _read_gamry(path: Path) -> Sequence[Table]:
    from luggin_plugins.readers.gamry import read_gamry

    return read_gamry(path)


def _is_ec_lab(path: Path, head: bytes) -> bool:
    return head.removeprefix(b"\xef\xbb\xbf").startswith((b"EC-Lab ASCII FILE", b"BT-Lab ASCII FILE"))


def _read_ec_lab(path: Path) -> Sequence[Table]:
    from luggin_plugins.readers.ec_lab import read_ec_lab

    return read_ec_lab(path)


def _is_chi(path: Path, head: bytes) -> bool:
    return re.search(rb"Instrument Model:\s*CHI", head, re.IGNORECASE) is not None


def _read_chi(path: Path) -> Sequence[Table]:
    from luggin_plugins.readers.chi import read_chi

    return read_chi(path)


def _is_pstrace(path: Path, head: bytes) -> bool:
    from luggin_plugins.readers.pstrace import is_pstrace

    return is_pstrace(path, head)


def _read_pstrace(path: Path) -> Sequence[Table]:
    from luggin_plugins.readers.pstrace import read_pstrace

    return read_pstrace(path)


def _read_pstrace_mapped(path: Path, mapping: Path) -> Sequence[Table]:
    from luggin_plugins.readers.pstrace import read_pstrace_mapped

    return read_pstrace_mapped(path, mapping)


def _is_methodscript(path: Path, head: bytes) -> bool:
    from luggin_plugins.readers.methodscript import is_methodscript

    return is_methodscript(path, head)


def _read_methodscript(path: Path) -> Sequence[Table]:
    from luggin_plugins.readers.methodscript import read_methodscript

    return read_methodscript(path)


def _read_methodscript_mapped(path: Path, mapping: Path) -> Sequence[Table]:
    from luggin_plugins.readers.methodscript import read_methodscript_mapped

    return read_methodscript_mapped(path, mapping)


def _is_elins(path: Path, head: bytes) -> bool:
    from luggin_plugins.readers.elins import is_elins

    return is_elins(path, head)


def _read_elins(path: Path) -> Sequence[Table]:
    from luggin_plugins.readers.elins import read_elins

    return read_elins(path)


def _read_elins_mapped(path: Path, mapping: Path) -> Sequence[Table]:
    from luggin_plugins.readers.elins import read_elins_mapped

    return read_elins_mapped(path, mapping)


def _is_delimited(path: Path, head: bytes) -> bool:
    from luggin_plugins.readers.delimited import is_delimited

    return is_delimited(path, head)


def _read_delimited(path: Path) -> Sequence[Table]:
    from luggin_plugins.readers.delimited import read_delimited

    return read_delimited(path)


def _read_mapped(path: Path, mapping: Path) -> Sequence[Table]:
    from luggin_plugins.readers.delimited import read_mapped

    return read_mapped(path, mapping)


def _write_report(run_folder: Path, target: Path) -> None:
    from luggin_plugins.report import write_report

    write_report(run_folder, target)


def _write_si_table(run_folder: Path, target: Path) -> None:
    from luggin_plugins.report.si_table import write_si_table

    write_si_table(run_folder, target)


@hookimpl
def luggin_analyses() -> Sequence[Callable[[], Analysis]]:
    """The analyses of this distribution."""
    return [_half_waves, _pulse_peaks, _scan_rate_series, _reference, _redox_table]


@hookimpl(trylast=True)
def luggin_readers() -> Sequence[Reader]:
    """The readers of this distribution; the one that reads any table stands last, behind those of other plugins."""
    return [
        Reader("gamry", "Gamry Framework data (.DTA)", (".dta", ".dta.txt"), _is_gamry, _read_gamry),
        Reader("ec-lab", "EC-Lab text of BioLogic (.mpt)", (".mpt", ".mpt.txt"), _is_ec_lab, _read_ec_lab),
        Reader("chi", "text of CH Instruments (.txt, .csv)", (".txt", ".csv"), _is_chi, _read_chi),
        Reader("pstrace", "tables of PSTrace (.csv)", (".csv",), _is_pstrace, _read_pstrace, _read_pstrace_mapped),
        Reader(
            "methodscript",
            "text of MethodSCRIPT instruments",
            (".txt",),
            _is_methodscript,
            _read_methodscript,
            _read_methodscript_mapped,
        ),
        Reader("elins", "text of Elins (unconfirmed)", (".txt",), _is_elins, _read_elins, _read_elins_mapped),
        Reader(
            "table",
            "a table as text, with a mapping",
            (".csv", ".tsv", ".txt", ".dat"),
            _is_delimited,
            _read_delimited,
            _read_mapped,
        ),
    ]


@hookimpl
def luggin_exporters() -> Sequence[Exporter]:
    """The exporters of this distribution."""
    return [
        Exporter("report", "HTML report with figures", ".html", _write_report),
        Exporter(
            "si-table", "Results rounded to their uncertainty, for the supporting information", ".csv", _write_si_table
        ),
    ]


@hookimpl
@configured_by("notify.toml")
def luggin_observers(run: Path) -> Sequence[Callable[[], None]]:
    """Webhooks and mail about the run."""
    from luggin_plugins.notify import observers

    return observers(run)


@hookimpl
def luggin_check_run(plan: Mapping[str, Any]) -> str | None:
    """Refuse a run whose alarm is set up with mistakes."""
    from luggin_plugins.notify import refusal

    return refusal(Path(plan["bench"]) if plan["bench"] else None, simulated=bool(plan["simulated"]))
