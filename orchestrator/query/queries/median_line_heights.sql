-- What is the median height of the lines of each volume, in pixels?
SELECT volume, avg(height) AS median
FROM (SELECT volume, height, row_number() OVER (PARTITION BY volume ORDER BY height) AS place,
             count(*) OVER (PARTITION BY volume) AS lines FROM page_lines) ranked
WHERE 2 * place BETWEEN lines AND lines + 2 GROUP BY volume ORDER BY volume
