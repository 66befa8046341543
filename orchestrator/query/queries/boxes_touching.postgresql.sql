-- Which boxes of a volume touch the rectangle x_min, y_min, x_max, y_max (pixels)? By the GiST index.
-- Parameters: volume, x_min, y_min, x_max, y_max
WITH page_runs AS MATERIALIZED (
    SELECT r.page_run_id, p.name, p.page_number, l.fingerprint
    FROM volume v
    JOIN page p ON p.volume_id = v.volume_id
    JOIN page_run r ON r.page_id = p.page_id AND r.is_current
    JOIN pipeline l ON l.pipeline_id = r.pipeline_id
    WHERE v.source = :volume
), planes AS MATERIALIZED (
    SELECT box(point(plane + CAST(:x_max AS FLOAT), :y_max), point(plane + CAST(:x_min AS FLOAT), :y_min)) AS rectangle
    FROM (SELECT DISTINCT page_run_id / 256 * 1048576 AS plane FROM page_runs) found
), touched AS MATERIALIZED (
    SELECT b.page_run_id, 'line' AS kind, b.line_number AS number, b.x_min, b.y_min, b.x_max, b.y_max
    FROM planes CROSS JOIN LATERAL (
        SELECT * FROM text_line
        WHERE box(point(CAST(page_run_id / 256 * 1048576 + x_max AS FLOAT), y_max),
                  point(CAST(page_run_id / 256 * 1048576 + x_min AS FLOAT), y_min)) && planes.rectangle
        OFFSET 0) b
    WHERE b.x_min < :x_max AND b.x_max > :x_min AND b.y_min < :y_max AND b.y_max > :y_min
    UNION ALL
    SELECT b.page_run_id, 'separator', b.separator_number, b.x_min, b.y_min, b.x_max, b.y_max
    FROM planes CROSS JOIN LATERAL (
        SELECT * FROM separator
        WHERE box(point(CAST(page_run_id / 256 * 1048576 + x_max AS FLOAT), y_max),
                  point(CAST(page_run_id / 256 * 1048576 + x_min AS FLOAT), y_min)) && planes.rectangle
        OFFSET 0) b
    WHERE b.x_min < :x_max AND b.x_max > :x_min AND b.y_min < :y_max AND b.y_max > :y_min
    UNION ALL
    SELECT b.page_run_id, 'face', b.face_number, b.x_min, b.y_min, b.x_max, b.y_max
    FROM planes CROSS JOIN LATERAL (
        SELECT * FROM face
        WHERE box(point(CAST(page_run_id / 256 * 1048576 + x_max AS FLOAT), y_max),
                  point(CAST(page_run_id / 256 * 1048576 + x_min AS FLOAT), y_min)) && planes.rectangle
        OFFSET 0) b
    WHERE b.x_min < :x_max AND b.x_max > :x_min AND b.y_min < :y_max AND b.y_max > :y_min
)
SELECT r.name AS page, r.page_number, t.kind, t.number, t.x_min, t.y_min, t.x_max, t.y_max, r.fingerprint AS pipeline
FROM touched t
JOIN page_runs r ON r.page_run_id = t.page_run_id
