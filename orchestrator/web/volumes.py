"""The question after the volumes, with how far each is: it counts every page, so its answer is kept for a while."""

from __future__ import annotations

COUNTS = """
count(*) AS pages, sum(CASE WHEN state = 'done' THEN 1 ELSE 0 END) AS done,
sum(CASE WHEN state = 'quarantined' THEN 1 ELSE 0 END) AS quarantined, sum(text_lines) AS text_lines,
sum(faces) AS faces, sum(pictures) AS pictures"""
VOLUMES = f"""
SELECT volume_id, volume, min(date_issued) AS first_date, max(date_issued) AS last_date, {COUNTS}
FROM page_status
GROUP BY volume_id, volume
ORDER BY volume, volume_id"""
