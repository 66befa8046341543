-- How long does each stage take, by volume?
SELECT volume, stage, pages, p50_ms, p95_ms, p99_ms
FROM stage_percentiles_by_volume
ORDER BY volume, p50_ms DESC, stage
LIMIT 8
