-- How many pages and lines were finished on each day?
SELECT t.day, count(*) AS pages, sum(s.text_lines) AS lines
FROM page_status s
JOIN (SELECT page_run_id, substr(CAST(finished_at AS VARCHAR), 1, 10) AS day FROM page_run) t
     ON t.page_run_id = s.page_run_id
WHERE s.state = 'done'
GROUP BY t.day
ORDER BY t.day
