-- Which faces are portraits: higher than a given share of their page?
-- Parameters: share
SELECT volume, page, number, height_fraction, confidence
FROM page_boxes
WHERE kind = 'face' AND height_fraction > :share
ORDER BY height_fraction DESC, volume, page
