-- How long did each volume take?
SELECT volume, count(*) AS pages, sum(wall_ms) / 1000 AS seconds, avg(wall_ms) AS ms_a_page
FROM page_status
WHERE state = 'done'
GROUP BY volume ORDER BY seconds DESC, volume
