-- Which finished pages have no text line, and why?
SELECT volume, page, empty_reason
FROM page_status
WHERE state = 'done' AND text_lines = 0
ORDER BY volume, page_number
