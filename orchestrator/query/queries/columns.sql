-- How many columns has each page at its middle: the separators that cross it, plus one?
SELECT s.volume, s.page, 1 + count(b.page_run_id) AS columns
FROM page_status s
LEFT JOIN page_boxes b ON b.page_run_id = s.page_run_id AND b.kind = 'separator'
     AND b.y_fraction < 0.5 AND b.y_fraction + b.height_fraction > 0.5
WHERE s.state = 'done'
GROUP BY s.volume, s.page, s.page_number, s.page_run_id
ORDER BY s.volume, s.page_number
