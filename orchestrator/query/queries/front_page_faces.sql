-- Which issues have a face on the front page?
SELECT title, date_issued, page, faces
FROM page_status
WHERE sequence = 1 AND faces > 0
ORDER BY title, date_issued
