-- How many lines follow each headline, up to the end of its block?
SELECT h.volume, h.page, h.reading_order AS headline, count(*) - 1 AS lines_below
FROM page_lines h JOIN page_lines l ON l.page_run_id = h.page_run_id AND l.block_number = h.block_number
WHERE h.kind = 'headline' AND l.reading_order >= h.reading_order
GROUP BY h.volume, h.page, h.page_number, h.reading_order
ORDER BY h.volume, h.page_number, h.reading_order LIMIT 10
