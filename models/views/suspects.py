"""`suspect_pages`: finished pages that look odd, each with its reason."""

from __future__ import annotations

from models.views.view import (
    CURRENT,
    HISTORY,
    KEYS,
    OF_PAGE_RUN,
    OF_PIPELINE,
    PAGE,
    PIPELINE,
    View,
    meanings,
    of_history,
)

DOUBTFUL = 0.18  # as in workers.stages.second_reader.doubt, which the tables do not import


# A done page and its ten neighbours in the volume. The largest and the smallest neighbour do not count, so that one
# odd page does not make its neighbours look odd.
def _neighbours(condition: str, run: str) -> str:
    return f"""
        SELECT v.source AS volume, p.name AS page, p.page_number, l.fingerprint AS pipeline, {run},
               r.text_lines, r.wall_ms,
               count(r.text_lines) OVER near AS neighbours,
               sum(r.text_lines) OVER near - max(r.text_lines) OVER near - min(r.text_lines) OVER near AS their_lines,
               row_number() OVER (PARTITION BY v.source, l.fingerprint ORDER BY r.wall_ms) AS place,
               count(*) OVER (PARTITION BY v.source, l.fingerprint) AS pages
        FROM page_run r{OF_PAGE_RUN}{OF_PIPELINE}
        WHERE r.state = 'done'{condition}
        WINDOW near AS (PARTITION BY v.source, l.fingerprint ORDER BY p.page_number, p.page_id
                        ROWS BETWEEN 5 PRECEDING AND 5 FOLLOWING EXCLUDE CURRENT ROW)"""


def _suspect_pages(greatest: str, least: str, condition: str, keys: str) -> str:
    page = "volume, page, page_number"
    run = ", ".join(f"r.{key}" for key in keys.split(", "))
    near_pages = _neighbours(condition, run)
    of_run = "v.source AS volume, p.name AS page, p.page_number"
    overlap = (
        f"({least}(f.x_max, t.x_max) - {greatest}(f.x_min, t.x_min))"
        f" * ({least}(f.y_max, t.y_max) - {greatest}(f.y_min, t.y_min))"
    )
    touching = "t.x_min < f.x_max AND t.x_max > f.x_min AND t.y_min < f.y_max AND t.y_max > f.y_min"
    return f"""
        SELECT {of_run}, 'no_lines' AS reason, r.empty_reason AS detail, CAST(0 AS FLOAT) AS measure,
               l.fingerprint AS pipeline, {run}
        FROM page_run r{OF_PAGE_RUN}{OF_PIPELINE}
        WHERE r.state = 'done' AND r.text_lines = 0{condition}
        UNION ALL
        SELECT {of_run}, 'doubtful', 'how far its lines fail to explain its letters, 0 to 1', r.doubt,
               l.fingerprint, {run}
        FROM page_run r{OF_PAGE_RUN}{OF_PIPELINE}
        WHERE r.state = 'done' AND r.text_lines > 0 AND r.doubt >= {DOUBTFUL}{condition}
        UNION ALL
        SELECT {page}, CASE WHEN text_lines * (neighbours - 2) > their_lines THEN 'more_lines' ELSE 'fewer_lines' END,
               'lines for each line of its neighbours', CAST(text_lines AS FLOAT) * (neighbours - 2) / their_lines,
               pipeline, {keys}
        FROM ({near_pages}) near_pages
        WHERE neighbours >= 4 AND text_lines > 0 AND their_lines >= 10 * (neighbours - 2)
          AND (text_lines * (neighbours - 2) > their_lines * 2 OR text_lines * (neighbours - 2) * 2 < their_lines)
        UNION ALL
        SELECT {of_run}, 'lines_across_separator', 'lines that reach over a separator on both sides',
               CAST(count(DISTINCT t.line_number) AS FLOAT), l.fingerprint, {run}
        FROM separator s
        JOIN text_line t ON t.page_run_id = s.page_run_id
         AND t.y_min + t.y_max BETWEEN 2 * s.y_min AND 2 * s.y_max
         AND s.x_min - t.x_min > t.y_max - t.y_min AND t.x_max - s.x_max > t.y_max - t.y_min
        JOIN page_run r ON r.page_run_id = s.page_run_id{condition}{OF_PAGE_RUN}{OF_PIPELINE}
        GROUP BY v.source, p.name, p.page_number, l.fingerprint, {run}
        UNION ALL
        SELECT {page}, 'face_over_text', 'largest share of a face that text lines cover', max(share),
               pipeline, {keys}
        FROM (
            SELECT {of_run}, l.fingerprint AS pipeline, {run}, f.face_number,
                   CAST(sum({overlap}) AS FLOAT) / ((f.x_max - f.x_min) * (f.y_max - f.y_min)) AS share
            FROM face f
            JOIN text_line t ON t.page_run_id = f.page_run_id AND {touching}
            JOIN page_run r ON r.page_run_id = f.page_run_id{condition}{OF_PAGE_RUN}{OF_PIPELINE}
            GROUP BY v.source, p.name, p.page_number, l.fingerprint, {run}, f.face_number,
                     f.x_min, f.x_max, f.y_min, f.y_max
        ) covered
        WHERE share >= 0.25
        GROUP BY {page}, pipeline, {keys}
        UNION ALL
        SELECT {page}, 'slow', 'milliseconds; the slowest hundredth of its volume', wall_ms, pipeline, {keys}
        FROM ({near_pages}) timed
        WHERE pages >= 20 AND place * 100 > pages * 99"""


MEANING = "Finished pages that look odd, once for each reason"
_MEANINGS = (
    meanings(PAGE)
    | {
        "reason": "no_lines, doubtful, more_lines, fewer_lines, lines_across_separator, face_over_text or slow",
        "detail": "What the measure is, in words",
        "measure": "How odd it is, in the unit that detail names",
    }
    | meanings(PIPELINE)
    | meanings(KEYS)
)
_KEYS = ", ".join(meanings(KEYS))


def _spellings(condition: str, keys: str) -> dict[str, str]:
    return {
        "sqlite": _suspect_pages("max", "min", condition, keys),
        "postgresql": _suspect_pages("greatest", "least", condition, keys),
    }


VIEWS = (
    View("suspect_pages", MEANING, _MEANINGS, _spellings(f" AND {CURRENT}", _KEYS)),
    View(
        "suspect_pages_all",
        of_history("suspect_pages"),
        _MEANINGS | meanings(HISTORY),
        _spellings("", f"{_KEYS}, is_current"),
    ),
)
