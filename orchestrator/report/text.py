"""The report as text, for terminals and mail."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from textwrap import wrap

from orchestrator.report.figures import Figures, Histogram, VolumeCounts
from orchestrator.terminal.wording import about, ms_in_words, plural

WIDTH = 80
_BARS = " ▁▂▃▄▅▆▇█"


def page_totals(figures: Figures) -> _Totals:
    """Return the page runs of all volumes together."""
    return _Totals(figures.volumes)


class _Totals:
    """Sums over volumes."""

    def __init__(self, volumes: Sequence[VolumeCounts]) -> None:
        self.done = sum(volume.done for volume in volumes)
        self.quarantined = sum(volume.quarantined for volume in volumes)
        self.cancelled = sum(volume.cancelled for volume in volumes)
        self.unfinished = sum(volume.unfinished for volume in volumes)
        self.total = self.done + self.quarantined + self.cancelled + self.unfinished


def render_text(figures: Figures) -> str:
    """Return the report as lines of text."""
    return "\n".join(_lines(figures)) + "\n"


def _lines(f: Figures) -> Iterator[str]:
    total = page_totals(f)
    scope = ", ".join(f.scope.volumes) or "all volumes"
    yield f"Broadsheet report: {scope}, {f.made_at:%Y-%m-%d %H:%M} UTC"
    ended = f"{total.done:,} done, {total.quarantined:,} quarantined, {total.unfinished:,} unfinished"
    yield f"{plural(total.total, 'page')}: {ended}"
    yield ", ".join(plural(f.totals[f"{what}s"], what.replace("_", " ")) for what in ("text_line", "separator", "face"))
    for sentence in second_reader_sentences(f):
        yield from wrap(sentence, WIDTH)
    yield from _table("Volumes", ("volume", "done", "quarantined", "cancelled", "unfinished"), [
        (v.volume, f"{v.done:,}", f"{v.quarantined:,}", f"{v.cancelled:,}", f"{v.unfinished:,}") for v in f.volumes
    ])  # fmt: skip
    yield from _table("Failures", ("code", "pages", "for example"), [
        (x.code, f"{x.pages:,}", about(x.example, x.message)) for x in f.failures
    ])  # fmt: skip
    if f.throughput:
        minutes = f.throughput.span.total_seconds() / 60
        yield from ("", f"Throughput from {f.throughput.start:%Y-%m-%d %H:%M}, each bar {minutes:,.0f} min")
        yield f"{bars(f.throughput.pages)}  at most {max(f.throughput.pages) / minutes:,.1f} pages a minute"
    yield from _table("Stages", ("stage", "median", "p95", "p99", "longest", "share", "memory", "times"), [
        (s.stage, *map(ms_in_words, (s.p50_ms, s.p95_ms, s.p99_ms, s.max_ms)), f"{s.share:.0%}",
         f"{s.peak_rss_kib / 1024:,.0f} MiB", bars(s.histogram.counts)) for s in f.stages
    ])  # fmt: skip
    for name, histogram in (("lines", f.lines), ("columns", f.columns), ("faces", f.faces)):
        yield from ("", _range(name, histogram))
    yield from ("", "Slowest pages") if f.slowest else ()
    for page in f.slowest:
        yield from (f"  {ms_in_words(page.wall_ms):>10}  {page.page}", f"{'':14}{page.why}")
    yield from _table("Memory", ("page", "peak of its process"), [
        (page, f"{kib / 1024:,.0f} MiB") for _, page, kib in f.hungriest
    ])  # fmt: skip
    yield from _table("Suspect pages", ("page", "volume", "why"), [
        (s.page, s.volume, ", ".join(s.reasons).replace("_", " ")) for s in f.suspects[:40]
    ])  # fmt: skip
    yield from ("", "Made with") if f.pipelines else ()
    for fingerprint, _, versions in f.pipelines:
        software = ", ".join(f"{name} {version}" for name, version in json.loads(versions).items())
        yield from wrap(software, WIDTH, initial_indent=f"  {fingerprint}  ", subsequent_indent=" " * 20)


def second_reader_sentences(f: Figures) -> Iterator[str]:
    """Yield what the second reader was asked, and that it is not there where it was missed."""
    asked, measured = f.totals["read_twice"], f.totals["doubted"]
    if asked:
        share = f"{asked / max(1, measured):.0%}"
        yield f"{asked:,} of {plural(measured, 'page')} ({share}) doubted and read a second time"
    if without := f.totals["without_second_reader"]:
        yield (
            f"{plural(without, 'page')} read without the second reader, whose weights were not installed: doubtful "
            "ones among them gain from python -m workers.fetch_weights and another ingest"
        )


def _range(name: str, histogram: Histogram) -> str:
    low, high = histogram.bounds[0], histogram.bounds[-1]
    return f"{name.capitalize()} of a page, {low:,.0f} to {high:,.0f}: {bars(histogram.counts)}"


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    if not rows:
        return
    widths = [max(len(str(row[n])) for row in (head, *rows)) for n in range(len(head))]
    yield from ("", title)
    for row in (head, *rows):
        yield "  " + "  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def bars(counts: Sequence[float]) -> str:
    """Return counts as a row of block characters; what is not zero shows at least the lowest."""
    top = max(counts, default=0) or 1
    return "".join(_BARS[max(round(8 * count / top), 1 if count else 0)] for count in counts)
