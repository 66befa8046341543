-- How large are the pages, and their lines, in millimetres?
SELECT volume, page, dpi_x AS dpi, width_mm, height_mm,
       (SELECT 25.4 * avg(l.height) / s.dpi_y FROM page_lines l WHERE l.page_run_id = s.page_run_id) AS line_mm
FROM page_status s
WHERE dpi_x IS NOT NULL
ORDER BY volume, page_number LIMIT 5
