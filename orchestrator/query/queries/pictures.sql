-- Which pictures are there, and what part of their page does each cover?
SELECT volume, page, kind, width, height, share
FROM page_pictures
ORDER BY share DESC, volume, page
LIMIT 10
