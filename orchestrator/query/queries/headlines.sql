-- Which lines are headlines?
SELECT volume, page, reading_order, height
FROM page_lines
WHERE kind = 'headline'
ORDER BY volume, page_number, reading_order LIMIT 10
