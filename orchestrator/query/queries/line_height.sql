-- What is the average line height of each volume, in pixels and in thousandths of the page?
SELECT volume, count(*) AS lines, avg(y_max - y_min) AS pixels, 1000 * avg(height_fraction) AS thousandths
FROM page_boxes
WHERE kind = 'line'
GROUP BY volume ORDER BY volume
