-- Which lines stand in one column of a page?
-- Parameters: page, column
SELECT reading_order, x, y, width, height
FROM page_lines
WHERE page = :page AND column_number = :column
ORDER BY reading_order LIMIT 10
