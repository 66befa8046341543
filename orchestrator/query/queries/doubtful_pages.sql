-- Which pages are doubtful: their lines fail to explain much of what looks like letters?
SELECT volume, page, doubt, text_lines
FROM page_status
WHERE doubt > 0.2
ORDER BY doubt DESC, volume, page LIMIT 10
