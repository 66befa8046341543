-- On which pages does the number of columns change: some lines stand beside fewer columns than others?
SELECT s.volume, s.page, s.columns, count(*) AS lines_across
FROM page_status s JOIN page_lines l ON l.page_run_id = s.page_run_id AND s.columns > 1
WHERE l.width * s.columns > 1.5 * s.width
GROUP BY s.volume, s.page, s.page_number, s.columns ORDER BY s.volume, s.page_number
