-- How many pages stand where?
SELECT volume, state, count(*) AS pages
FROM page_status
GROUP BY volume, state
ORDER BY volume, state
