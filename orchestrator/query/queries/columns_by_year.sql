-- How many columns has a page on average, by year?
SELECT substr(date_issued, 1, 4) AS year, avg(columns) AS columns, count(*) AS pages
FROM page_status
WHERE date_issued IS NOT NULL AND columns > 0
GROUP BY substr(date_issued, 1, 4) ORDER BY year
