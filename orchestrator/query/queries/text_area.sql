-- How much of each page do text lines cover?
SELECT volume, page, sum(width_fraction * height_fraction) AS share
FROM page_boxes
WHERE kind = 'line'
GROUP BY volume, page, page_run_id
ORDER BY share DESC, volume, page
LIMIT 5
