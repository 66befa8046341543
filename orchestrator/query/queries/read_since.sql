-- Which pages were finished since a moment (UTC)?
-- Parameters: since
SELECT volume, page, state, finished_at
FROM page_status
WHERE finished_at >= :since
ORDER BY finished_at DESC, volume, page LIMIT 5
