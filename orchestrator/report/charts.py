"""Bar charts as inline SVG: sharp in print, readable on a phone, no library and no script."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from html import escape

from orchestrator.report.figures import Histogram, Throughput

BLUE = "#0072B2"
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 640, 210, 58, 46, 14


def histogram_chart(histogram: Histogram, x_title: str, y_title: str = "pages") -> str:
    """Return the chart of a histogram; bars are labelled with the lower bound of their range."""
    whole = all(bound == int(bound) for bound in histogram.bounds)
    step = histogram.bounds[1] - histogram.bounds[0]
    labels = [number(bound) for bound in histogram.bounds[:-1]]
    tips = [
        f"{labels[n]}{'' if whole and step == 1 else f' to {number(histogram.bounds[n + 1])}'}: {count:,} {y_title}"
        for n, count in enumerate(histogram.counts)
    ]
    return bar_chart(histogram.counts, labels, tips, x_title, y_title)


def throughput_chart(throughput: Throughput) -> str:
    """Return the chart of pages finished over time, as pages a minute."""
    minutes = throughput.span.total_seconds() / 60
    spans = range(len(throughput.pages))
    starts = [throughput.start + n * throughput.span for n in spans]
    far = throughput.span * len(throughput.pages) > timedelta(days=1)
    labels = [start.strftime("%d %b %H:%M" if far else "%H:%M") for start in starts]
    rates = [pages / minutes for pages in throughput.pages]
    tips = [f"{starts[n]:%Y-%m-%d %H:%M}: {throughput.pages[n]:,} pages, {rates[n]:,.1f} a minute" for n in spans]
    return bar_chart(rates, labels, tips, "time, UTC", "pages a minute")


def bar_chart(values: Sequence[float], labels: Sequence[str], tips: Sequence[str], x_title: str, y_title: str) -> str:
    """Return an SVG bar chart; `tips` are shown under the pointer and read to those who cannot see it."""
    top = nice_top(max(values, default=0))
    slot = (_WIDTH - _LEFT - 8) / max(len(values), 1)
    floor = _HEIGHT - _BOTTOM
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(y_title)} by {escape(x_title)}">',
        *(_gridline(share, top, floor) for share in (0.0, 0.5, 1.0)),
    ]
    every = max(1, -(-len(labels) * 78 // (_WIDTH - _LEFT)))
    for n, value in enumerate(values):
        x, height = _LEFT + n * slot, (floor - _TOP) * value / top
        parts.append(
            f'<rect x="{x + 1:.1f}" y="{floor - height:.1f}" width="{max(slot - 2, 1):.1f}" height="{height:.1f}" '
            f'fill="{BLUE}"><title>{escape(tips[n])}</title></rect>'
        )
        if n % every == 0:
            parts.append(f'<text x="{x + 1:.1f}" y="{floor + 17}" class="tick">{escape(labels[n])}</text>')
    parts.append(f'<text x="{_WIDTH - 8}" y="{_HEIGHT - 4}" text-anchor="end" class="axis">{escape(x_title)}</text>')
    parts.append(f'<text x="4" y="{_HEIGHT - 4}" class="axis">{escape(y_title)}</text></svg>')
    return "".join(parts)


def _gridline(share: float, top: float, floor: float) -> str:
    y = floor - (floor - _TOP) * share
    return (
        f'<line x1="{_LEFT}" x2="{_WIDTH - 8}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
        f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" class="tick">{number(top * share)}</text>'
    )


def sparkline(histogram: Histogram) -> str:
    """Return a histogram as a small picture for a table's cell."""
    counts = histogram.counts
    slot, top = 120 / len(counts), max(counts) or 1
    bars = "".join(
        f'<rect x="{n * slot:.1f}" y="{28 - 26 * count / top:.1f}" width="{max(slot - 1, 1):.1f}" '
        f'height="{26 * count / top:.1f}" fill="{BLUE}"><title>{number(histogram.bounds[n])} to '
        f"{number(histogram.bounds[n + 1])} ms: {count:,} pages</title></rect>"
        for n, count in enumerate(counts)
    )
    return f'<svg viewBox="0 0 120 28" class="spark" role="img" aria-label="histogram of times">{bars}</svg>'


def nice_top(value: float) -> float:
    """Return the smallest of 1, 2, 3, 4, 5, 6, 8 times a power of ten that is not below `value`."""
    if value <= 0:
        return 1.0
    power = 10.0 ** (len(str(int(value))) - 1) if value >= 1 else 0.1
    return next(power * step for step in (0.1, 0.2, 0.5, 1, 2, 3, 4, 5, 6, 8, 10) if power * step >= value)


def number(value: float) -> str:
    """Return a number as an axis shows it: 1,200, 3.5, 0.25."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.2f}".rstrip("0").rstrip(".")
