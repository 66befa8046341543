-- Which lines are least certain to be lines?
SELECT volume, page, reading_order, x, y, width, height, confidence
FROM page_lines
WHERE confidence < 0.8
ORDER BY confidence, volume, page_number, reading_order LIMIT 10
