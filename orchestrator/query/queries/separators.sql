-- How many separators were printed, how many inserted into white gutters?
SELECT volume, origin, count(*) AS separators, avg(height) AS average_height
FROM page_separators
GROUP BY volume, origin
ORDER BY volume, origin
