-- Which pages were scanned askew, by a degree or more, or lie on their side?
SELECT volume, page, skew_degrees
FROM page_status
WHERE abs(skew_degrees) >= 1
ORDER BY abs(skew_degrees) DESC, volume, page
