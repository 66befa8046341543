-- What kinds of scans are there: format, colour or grey, bits, size of the files?
SELECT volume, format, mode, bit_depth, CASE WHEN is_colour THEN 'colour' ELSE 'grey' END AS colours,
       count(*) AS pages, sum(size_bytes) AS bytes
FROM page_status WHERE format IS NOT NULL
GROUP BY volume, format, mode, bit_depth, is_colour ORDER BY volume, format, mode
