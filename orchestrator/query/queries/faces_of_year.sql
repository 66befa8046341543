-- Where are the faces of a year?
-- Parameters: year
SELECT s.title, s.date_issued, f.page, f.x, f.y, f.width, f.height
FROM page_faces f JOIN page_status s ON s.page_run_id = f.page_run_id
WHERE s.date_issued LIKE :year || '%'
ORDER BY s.title, s.date_issued, f.page, f.face_number
