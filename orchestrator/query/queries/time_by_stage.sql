-- Where does the time go?
SELECT stage, count(*) AS pages, sum(wall_ms) / 1000 AS seconds,
       sum(wall_ms) / (SELECT sum(wall_ms) FROM page_timings) AS share
FROM page_timings
GROUP BY stage
ORDER BY seconds DESC, stage
