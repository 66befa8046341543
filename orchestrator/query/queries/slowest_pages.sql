-- Which pages took longest, and for how many lines?
SELECT volume, page, wall_ms, text_lines
FROM page_status
WHERE state = 'done'
ORDER BY wall_ms DESC, volume, page_number
LIMIT 5
