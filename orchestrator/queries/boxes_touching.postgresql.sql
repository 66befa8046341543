-- Which boxes of a volume touch the rectangle x_min, y_min, x_max, y_max (pixels)? By the GiST index.
-- Parameters: volume, x_min, y_min, x_max, y_max
WITH asked AS MATERIALIZED (
    SELECT v.volume_id, int8range(min(r.page_run_id), max(r.page_run_id), '[]') AS page_runs,
           box(point(:x_max, :y_max), point(:x_min, :y_min)) AS rectangle
    FROM volume v JOIN page p ON p.volume_id = v.volume_id JOIN page_run r ON r.page_id = p.page_id
    WHERE v.source = :volume
    GROUP BY v.volume_id
)
SELECT p.name AS page, p.page_number, 'line' AS kind, b.line_number AS number,
       b.x_min, b.y_min, b.x_max, b.y_max, l.fingerprint AS pipeline
FROM asked
JOIN text_line b ON int8range(b.page_run_id, b.page_run_id, '[]') && asked.page_runs
 AND box(point(b.x_max, b.y_max), point(b.x_min, b.y_min)) && asked.rectangle
JOIN page_run r ON r.page_run_id = b.page_run_id
JOIN page p ON p.page_id = r.page_id AND p.volume_id = asked.volume_id
JOIN pipeline l ON l.pipeline_id = r.pipeline_id
WHERE b.x_min < :x_max AND b.x_max > :x_min AND b.y_min < :y_max AND b.y_max > :y_min
UNION ALL
SELECT p.name, p.page_number, 'separator', b.separator_number,
       b.x_min, b.y_min, b.x_max, b.y_max, l.fingerprint
FROM asked
JOIN separator b ON int8range(b.page_run_id, b.page_run_id, '[]') && asked.page_runs
 AND box(point(b.x_max, b.y_max), point(b.x_min, b.y_min)) && asked.rectangle
JOIN page_run r ON r.page_run_id = b.page_run_id
JOIN page p ON p.page_id = r.page_id AND p.volume_id = asked.volume_id
JOIN pipeline l ON l.pipeline_id = r.pipeline_id
WHERE b.x_min < :x_max AND b.x_max > :x_min AND b.y_min < :y_max AND b.y_max > :y_min
UNION ALL
SELECT p.name, p.page_number, 'face', b.face_number,
       b.x_min, b.y_min, b.x_max, b.y_max, l.fingerprint
FROM asked
JOIN face b ON int8range(b.page_run_id, b.page_run_id, '[]') && asked.page_runs
 AND box(point(b.x_max, b.y_max), point(b.x_min, b.y_min)) && asked.rectangle
JOIN page_run r ON r.page_run_id = b.page_run_id
JOIN page p ON p.page_id = r.page_id AND p.volume_id = asked.volume_id
JOIN pipeline l ON l.pipeline_id = r.pipeline_id
WHERE b.x_min < :x_max AND b.x_max > :x_min AND b.y_min < :y_max AND b.y_max > :y_min
