-- Which pages failed for good, and why?
SELECT volume, page, error_code, attempts, error_message
FROM page_status
WHERE state = 'quarantined'
ORDER BY volume, page_number
