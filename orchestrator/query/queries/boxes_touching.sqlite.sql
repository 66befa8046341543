-- Which boxes of a volume touch the rectangle x_min, y_min, x_max, y_max (pixels)? By the R*Tree.
-- Parameters: volume, x_min, y_min, x_max, y_max
SELECT p.name AS page, p.page_number, 'line' AS kind, b.box_id & 1048575 AS number,
       b.x_min, b.y_min, b.x_max, b.y_max, l.fingerprint AS pipeline
FROM volume v
CROSS JOIN text_line_rtree b ON b.volume_min <= v.volume_id AND b.volume_max >= v.volume_id
CROSS JOIN page_run r ON r.page_run_id = b.box_id >> 20 AND r.is_current
CROSS JOIN page p ON p.page_id = r.page_id
CROSS JOIN pipeline l ON l.pipeline_id = r.pipeline_id
WHERE v.source = :volume AND b.x_min < :x_max AND b.x_max > :x_min AND b.y_min < :y_max AND b.y_max > :y_min
UNION ALL
SELECT p.name, p.page_number, 'separator', b.box_id & 1048575, b.x_min, b.y_min, b.x_max, b.y_max, l.fingerprint
FROM volume v
CROSS JOIN separator_rtree b ON b.volume_min <= v.volume_id AND b.volume_max >= v.volume_id
CROSS JOIN page_run r ON r.page_run_id = b.box_id >> 20 AND r.is_current
CROSS JOIN page p ON p.page_id = r.page_id
CROSS JOIN pipeline l ON l.pipeline_id = r.pipeline_id
WHERE v.source = :volume AND b.x_min < :x_max AND b.x_max > :x_min AND b.y_min < :y_max AND b.y_max > :y_min
UNION ALL
SELECT p.name, p.page_number, 'face', b.box_id & 1048575, b.x_min, b.y_min, b.x_max, b.y_max, l.fingerprint
FROM volume v
CROSS JOIN face_rtree b ON b.volume_min <= v.volume_id AND b.volume_max >= v.volume_id
CROSS JOIN page_run r ON r.page_run_id = b.box_id >> 20 AND r.is_current
CROSS JOIN page p ON p.page_id = r.page_id
CROSS JOIN pipeline l ON l.pipeline_id = r.pipeline_id
WHERE v.source = :volume AND b.x_min < :x_max AND b.x_max > :x_min AND b.y_min < :y_max AND b.y_max > :y_min
