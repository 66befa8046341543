-- How much memory did the worker processes need in each stage?
SELECT stage, max(peak_rss_kib) / 1024 AS largest_mib
FROM page_timings
GROUP BY stage
ORDER BY largest_mib DESC, stage
