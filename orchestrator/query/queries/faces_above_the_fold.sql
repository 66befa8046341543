-- Which pages have so many faces above the fold: three or more, with --param least=3?
-- Parameters: least
SELECT volume, page, count(*) AS faces
FROM page_boxes
WHERE kind = 'face' AND y_fraction + height_fraction / 2 < 0.5
GROUP BY volume, page, page_run_id
HAVING count(*) >= :least
ORDER BY faces DESC, volume, page
