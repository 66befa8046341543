-- Which lines are headlines: more than twice as high as the average of their page?
SELECT volume, page, reading_order, height
FROM (SELECT volume, page, page_number, page_run_id, reading_order, height,
             avg(height) OVER (PARTITION BY page_run_id) AS usual
      FROM page_lines) lines
WHERE height > 2 * usual
ORDER BY volume, page_number, page_run_id, reading_order
LIMIT 10
