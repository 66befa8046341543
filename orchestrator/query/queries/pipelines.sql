-- Which pipelines made the results, and how many pages has each?
SELECT l.fingerprint, l.versions, count(r.page_run_id) AS pages
FROM pipeline l
LEFT JOIN page_run r ON r.pipeline_id = l.pipeline_id AND r.state = 'done' AND r.is_current
GROUP BY l.fingerprint, l.versions
ORDER BY l.fingerprint
