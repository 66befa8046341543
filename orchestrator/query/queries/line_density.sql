-- How many lines are there on a megapixel of each page?
SELECT volume, page, 1000000.0 * text_lines / (width * height) AS lines_on_megapixel
FROM page_status
WHERE text_lines > 0
ORDER BY lines_on_megapixel DESC, volume, page LIMIT 5
