-- Which pages have the most text lines?
SELECT volume, page, text_lines
FROM page_status
WHERE state = 'done'
ORDER BY text_lines DESC, volume, page_number
LIMIT 5
