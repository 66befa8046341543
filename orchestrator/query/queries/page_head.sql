-- Which lines lie in the top tenth of the pages of a volume?
-- Parameters: volume
SELECT page, number AS reading_order, x_min, y_min, x_max, y_max
FROM page_boxes
WHERE volume = :volume AND kind = 'line' AND y_fraction + height_fraction < 0.1
ORDER BY page_number, reading_order
LIMIT 10
